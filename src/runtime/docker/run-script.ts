/**
 * How a program of the image is started: by our own short script, so that nothing depends on the image's entrypoint.
 * The script travels in the command itself; nothing secret may ever be among the arguments.
 */
import { readFileSync } from "node:fs";
import { messageOf } from "../../support/errors.ts";
import { assert } from "../../support/assert.ts";
import { NODE_PATHS } from "./names.ts";

const SCRIPT = new URL("../../../templates/node/run.sh", import.meta.url);

/** What the script exits with when the image lacks the program. */
export const MISSING_PROGRAM = 127;

let script: string | null = null;

/** argv of a program with the server's binaries on PATH. */
export function programCommand(major: number, argv: readonly string[]): string[] {
  return ["/bin/sh", "-c", (script ??= readScript()), "run.sh", String(major), ...argv];
}

export function serverCommand(major: number): string[] {
  const configFile = `config_file=${NODE_PATHS.conf}/postgresql.conf`;
  return programCommand(major, ["postgres", "-D", NODE_PATHS.data, "-c", configFile]);
}

/** Messages in English and text in UTF-8, whatever the image says. */
export const PROGRAM_ENV: readonly string[] = ["LANG=C.UTF-8", "LC_ALL=C.UTF-8", `PGDATA=${NODE_PATHS.data}`];

function readScript(): string {
  try {
    return readFileSync(SCRIPT, "utf8");
  } catch (thrown) {
    assert(false, `the package is incomplete: ${messageOf(thrown)}`);
  }
}
