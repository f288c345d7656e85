/**
 * pgrep-kit.yaml → ClusterSpec. Everything that is wrong with the file is told at once, each with line and column,
 * before anything is touched; whoever holds a `ClusterSpec` need not check it again.
 * Unknown keys are errors: a misspelt one would otherwise be a wish that nobody hears.
 */
import { readFile, stat } from "node:fs/promises";
import { LineCounter, type Node, parseAllDocuments } from "yaml";
import { type ClusterSpec, OLDEST_POSTGRES } from "../core/spec.ts";
import { PgrepKitError, messageOf } from "../support/errors.ts";
import { systemCode } from "../support/files.ts";
import { NAME_HINT, nameProblem } from "./names.ts";
import { type Origin, typedFor } from "./origins.ts";
import { type Problems, problemsError, quoted, report, shownPath } from "./problems.ts";
import { readNodes } from "./read-nodes.ts";
import { readReplication } from "./read-replication.ts";
import { readSettings } from "./read-settings.ts";
import {
  type Entry,
  TOP,
  described,
  readChoice,
  readMap,
  readText,
  refuseUnknown,
  scalarOf,
} from "./yaml-reading.ts";

export interface ClusterFile {
  readonly path: string;
  readonly text: string;
  readonly spec: ClusterSpec;
}

const KEYS = ["name", "postgres", "runtime", "image", "nodes", "replication", "settings"] as const;
/** Far more than any real file has. */
const LARGEST_FILE = 262_144;

/**
 * Reads and checks a cluster file. Throws `cluster-file-missing`, `cluster-file-invalid` or `unsupported-version`.
 * `known` is an earlier reading: where nobody has edited the file since, it is the answer.
 */
export async function readClusterFile(path: string, known?: ClusterFile): Promise<ClusterFile> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > LARGEST_FILE) throw invalid(path, `is too large: ${size} bytes`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof PgrepKitError) throw error;
    if (systemCode(error) === "ENOENT") throw missing(path);
    throw invalid(path, `cannot be read: ${messageOf(error)}`);
  }
  const text = decoded(path, bytes);
  return text === known?.text ? known : parseClusterFile(path, text);
}

function decoded(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(path, "is not UTF-8 text");
  }
}

function missing(path: string): PgrepKitError {
  return new PgrepKitError("cluster-file-missing", {
    message: `there is no cluster file ${shownPath(path)}`,
    hint: "Create one with: pgrep-kit init",
  });
}

function invalid(path: string, problem: string): PgrepKitError {
  return new PgrepKitError("cluster-file-invalid", { message: `${shownPath(path)} ${problem}` });
}

/**
 * Checks the text of a cluster file; `path` is for messages. Throws `cluster-file-invalid` or `unsupported-version`, and
 * `usage` where all that is wrong comes from `origins`.
 */
export function parseClusterFile(path: string, text: string, origins: readonly Origin[] = []): ClusterFile {
  if (text.length > LARGEST_FILE) throw invalid(path, `is too large: ${text.length} characters`);
  const lines = new LineCounter();
  const problems: Problems = { all: [] };
  const root = parseYaml(problems, text, lines);
  const spec = problems.all.length === 0 ? readCluster(problems, root) : null;
  if (spec === null || problems.all.length > 0) {
    throw problemsError(path, lines, problems.all, (offset) => typedFor(root, origins, offset));
  }
  return { path, text, spec };
}

function parseYaml(problems: Problems, text: string, lines: LineCounter): Node | null {
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      // Duplicates are found by our own reader, which can name them.
      uniqueKeys: false,
    });
    const [first, second] = Array.isArray(documents) ? documents : [];
    for (const { pos, message } of [...(first?.errors ?? []), ...(first?.warnings ?? [])]) {
      // What follows at the same place only follows from it.
      if (problems.all.at(-1)?.offset !== pos[0]) report(problems, pos[0], syntaxProblem(message));
    }
    if (second !== undefined) report(problems, second.range[0], "the file holds more than one YAML document");
    return (first?.contents ?? null) as Node | null;
  } catch (error) {
    report(problems, 0, syntaxProblem(messageOf(error)));
    return null;
  }
}

function syntaxProblem(message: string): string {
  // The parser is recursive, and a hostile file can nest deeper than its stack.
  if (message.startsWith("Maximum call stack")) return "not valid YAML: nested too deeply";
  const line = (message.split("\n")[0] ?? "").replace(/[.:]$/, "");
  return `not valid YAML: ${line.charAt(0).toLowerCase()}${line.slice(1)}`;
}

/** Null where something without a sensible default is missing or wrong; its problem is reported then. */
function readCluster(problems: Problems, root: Node | null): ClusterSpec | null {
  if (root === null || described(root) === "nothing") {
    report(problems, 0, "the file is empty", "Remove it, then: pgrep-kit init");
    return null;
  }
  const entries = readMap(problems, root, TOP, 0);
  if (entries === null) return null;
  refuseUnknown(problems, entries, KEYS);
  const required = (key: (typeof KEYS)[number], example: string): Entry | null => {
    const entry = entries.get(key);
    if (entry !== undefined) return entry;
    report(problems, root.range?.[0] ?? 0, `${key} is missing`, `Add a line such as ${example}`);
    return null;
  };
  const nameEntry = required("name", "name: demo");
  const postgresEntry = required("postgres", "postgres: 17");
  const runtimeEntry = required("runtime", "runtime: docker");
  const nodesEntry = required("nodes", "nodes: [{ name: pg1 }, { name: pg2 }]");
  const name = nameEntry && readClusterName(problems, nameEntry);
  const postgres = postgresEntry && readPostgres(problems, postgresEntry);
  const runtime = runtimeEntry && readChoice(problems, runtimeEntry, ["docker", "process"]);
  const nodes = nodesEntry && readNodes(problems, nodesEntry);
  const image = readImage(problems, entries.get("image"), runtime);
  const replication = readReplication(problems, entries.get("replication"), nodes);
  const settings = readSettings(problems, entries.get("settings"), nodes?.length ?? 0);
  if (name === null || postgres === null || runtime === null || nodes === null) return null;
  return { name, postgres, runtime, image, nodes, replication, settings };
}

function readClusterName(problems: Problems, entry: Entry): string | null {
  const name = readText(problems, entry);
  const problem = name === null ? null : nameProblem(name);
  if (name === null || problem === null) return name;
  report(problems, entry.offset, `the cluster name ${quoted(name)} ${problem}`, NAME_HINT);
  return null;
}

/** A major version. One newer than we know is for others to warn of. */
function readPostgres(problems: Problems, { name, offset, value }: Entry): number | null {
  const scalar = scalarOf(problems, value, name);
  // "17" is how compose files and tags have it: nothing else can be meant.
  const text = scalar === null ? "" : (scalar.source ?? String(scalar.value));
  if (!/^\d+(\.\d+)*$/.test(text)) {
    report(
      problems,
      offset,
      `postgres must be a major version, not ${described(value)}`,
      "Write it as postgres: 17",
    );
    return null;
  }
  const major = Number(text.split(".")[0]);
  if (major < OLDEST_POSTGRES) {
    const since = "PostgreSQL 14 and older have reached their end of life.";
    const hint = `${since} Use ${OLDEST_POSTGRES} or newer.`;
    report(problems, offset, `PostgreSQL ${text} is not supported`, hint, "unsupported-version");
    return null;
  }
  if (text.includes(".") || major > 99) {
    const hint = text.includes(".")
      ? `Write it as postgres: ${major}; an image can be named with image:`
      : null;
    report(problems, offset, `postgres must be a major version, not ${text}`, hint);
    return null;
  }
  return major;
}

/** https://pkg.go.dev/github.com/distribution/reference: close enough to keep anything but a reference out. */
const IMAGE = /^[a-zA-Z0-9][\w.-]*(:\d+)?(\/[a-z0-9][\w.-]*)*(:[\w][\w.-]*)?(@sha256:[0-9a-f]{64})?$/;

function readImage(
  problems: Problems,
  entry: Entry | undefined,
  runtime: ClusterSpec["runtime"] | null,
): string | null {
  if (entry === undefined) return null;
  const image = readText(problems, entry);
  if (image === null) return null;
  if (!IMAGE.test(image) || image.length > 255) {
    report(
      problems,
      entry.offset,
      `${quoted(image)} is no name of an image`,
      "Write it as image: postgres:17-alpine",
    );
  } else if (runtime === "process") {
    const hint = "Remove it, or say runtime: docker.";
    report(
      problems,
      entry.keyOffset,
      "image means nothing with runtime: process, which uses this machine's PostgreSQL",
      hint,
    );
  }
  return image;
}
