// Texts of cluster files, and what reading them yields or fails with.
import { resolve } from "node:path";
import type { Origin } from "../../src/config/origins.ts";
import { parseClusterFile } from "../../src/config/read-cluster-file.ts";
import type { ClusterSpec } from "../../src/core/spec.ts";
import { PgrepKitError } from "../../src/support/errors.ts";

const path = resolve("pgrep-kit.yaml");

export function specOf(text: string): ClusterSpec {
  return parseClusterFile(path, text).spec;
}

export function failureOf(text: string, origins: readonly Origin[] = []): PgrepKitError {
  try {
    parseClusterFile(path, text, origins);
  } catch (error) {
    if (error instanceof PgrepKitError) return error;
    throw error;
  }
  throw new Error("expected a PgrepKitError, but the text was accepted");
}

/** A sound file of three nodes, with other sections where given. */
export function file(sections: { head?: string; nodes?: string; rest?: string } = {}): string {
  const {
    head = "name: demo\npostgres: 17\nruntime: docker",
    nodes = "[{ name: pg1 }, { name: pg2 }, { name: pg3 }]",
  } = sections;
  return `${head}\nnodes: ${nodes}\n${sections.rest ?? ""}`;
}
