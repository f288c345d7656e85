/** Runs a tool that makes a data directory, and turns its failure into an error that says why. */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { RuntimeContext } from "../context.ts";
import type { Tool } from "../node-host.ts";

/** `failed` begins the message of the error: "no data directory could be made". */
export async function runCopy(
  context: RuntimeContext,
  node: NodeName,
  tool: Tool,
  failed: string,
  signal: AbortSignal,
): Promise<void> {
  const result = await context.host.run(node, tool, signal);
  if (result.exitCode === 0) return;
  const detail = lastLines(result.stderr || result.stdout);
  if (/No space left on device/i.test(result.stderr)) {
    throw new PgrepKitError("disk-full", {
      message: `${failed} on ${node}: the disk is full`,
      detail,
      hint: "Make room, then run the command again; nothing half-made was kept in use.",
    });
  }
  throw new PgrepKitError("copy-failed", {
    message: `${failed} on ${node}`,
    detail: detail === "" ? `The program ended with exit code ${result.exitCode}.` : detail,
    hint: "Mend what it names, then run the command again; it goes on from here.",
  });
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-5).join("\n");
}
