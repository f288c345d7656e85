/**
 * How a program of the image is started: by our own short script, so that nothing depends on the image's entrypoint.
 * The script travels in the command itself; nothing secret may ever be among the arguments.
 */
import { template } from "../templates.ts";
import { NODE_PATHS } from "./names.ts";

/** What the script exits with when the image lacks the program. */
export const MISSING_PROGRAM = 127;

/** Messages in English and text in UTF-8, whatever the image says. */
export const PROGRAM_ENV: readonly string[] = ["LANG=C.UTF-8", "LC_ALL=C.UTF-8", `PGDATA=${NODE_PATHS.data}`];

/** argv of a program with the server's binaries on PATH. */
export async function programCommand(major: number, argv: readonly string[]): Promise<string[]> {
  return ["/bin/sh", "-c", await template("node/run.sh"), "run.sh", String(major), ...argv];
}

export async function serverCommand(major: number): Promise<string[]> {
  const configFile = `config_file=${NODE_PATHS.conf}/postgresql.conf`;
  return await programCommand(major, ["postgres", "-D", NODE_PATHS.data, "-c", configFile]);
}
