/**
 * Files on a node's volume, written and read by the image's own shell as the server's user. The script with the
 * files' content goes through stdin, so that no secret appears in an argument list; the shell reads all of it before
 * it runs any of it, so that a broken connection changes nothing.
 */
import { dirname } from "node:path/posix";
import { assert } from "../../support/assert.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { shellQuoted } from "../../core/shell-word.ts";
import { type NodeFile, STAGE_MARK } from "../node-host.ts";
import { diskFull, tellsOfFullDisk } from "./engine-error.ts";
import type { ExecResult } from "./exec.ts";
import { NODE_PATHS } from "./names.ts";

/** Runs a program on the node's volume, wherever that is possible just now. */
export type RunOnVolume = (argv: readonly string[], stdin?: string) => Promise<ExecResult>;

const WRITTEN = "pgrep-kit: written";
const NO_SUCH_FILE = 44;

/** Replaces each file atomically: written beside, flushed, renamed. */
export async function writeNodeFiles(
  run: RunOnVolume,
  node: string,
  files: readonly NodeFile[],
): Promise<void> {
  if (files.length === 0) return;
  const { stdout, stderr, exitCode } = await run(["/bin/sh", "-s"], writeScript(files));
  if (stdout.includes(WRITTEN)) return;
  const names = files.map((file) => file.path).join(", ");
  if (tellsOfFullDisk(stderr)) throw diskFull(`write ${names} of node ${node}`, new Error(stderr.trim()));
  throw new PgrepKitError("docker-failed", {
    message: `could not write ${names} of node ${node}`,
    // The engine's own complaints come as stdout.
    detail: `${stdout}${stderr}`.trim() || `The shell in the container ended with exit code ${exitCode}.`,
  });
}

/** Null: no such file. */
export async function readNodeFile(run: RunOnVolume, node: string, path: string): Promise<string | null> {
  assertInside(path);
  const script = `[ -e "$1" ] || exit ${NO_SUCH_FILE}; exec cat "$1"`;
  const read = await run(["/bin/sh", "-c", script, "sh", `${NODE_PATHS.root}/${path}`]);
  if (read.exitCode === NO_SUCH_FILE) return null;
  if (read.exitCode === 0) return read.stdout;
  throw new PgrepKitError("docker-failed", {
    message: `could not read ${path} of node ${node}`,
    detail: read.stderr.trim(),
  });
}

/** A POSIX shell script; every value in it is quoted. */
function writeScript(files: readonly NodeFile[]): string {
  const staged = files.map((file) => ({ ...file, stage: `${file.path}${STAGE_MARK}new` }));
  for (const { path, content } of files) {
    assertInside(path);
    assert(!content.includes("\0"), "a node's file is text");
  }
  const stages = staged.map(({ stage }) => shellQuoted(stage)).join(" ");
  const folders = [...new Set(files.map(({ path }) => dirname(path)))].map(shellQuoted).join(" ");
  return [
    "{",
    "set -e; umask 077",
    `cd ${shellQuoted(NODE_PATHS.root)}`,
    `trap ${shellQuoted(`rm -f ${stages}`)} EXIT`,
    `mkdir -p ${folders}`,
    // Also of a program of the server's that comes to its end late: it has nothing left then to put in this one's place.
    ...files.map(({ path }) => `rm -f ${shellQuoted(`${path}${STAGE_MARK}`)}*`),
    ...staged.flatMap(({ stage, content, mode }) => [
      // The shell's own complaint about a full disk is a mere "I/O error"; that of `cat` can be understood.
      `printf %s ${shellQuoted(content)} | cat >${shellQuoted(stage)}`,
      `chmod ${mode.toString(8)} ${shellQuoted(stage)}`,
    ]),
    `sync ${stages}`,
    ...staged.map(({ stage, path }) => `mv -f ${shellQuoted(stage)} ${shellQuoted(path)}`),
    `sync ${folders}`,
    `echo ${shellQuoted(WRITTEN)}`,
    "exit 0",
    "}",
    "",
  ].join("\n");
}

function assertInside(path: string): void {
  const isInside =
    path !== "" && !path.startsWith("/") && !path.split("/").some((part) => part === "" || part === "..");
  assert(isInside && !path.includes("\0"), `${JSON.stringify(path)} is a path inside of the node`);
}
