/**
 * Replaces a file of a node whose server runs. Where a program of the host's begins slowly, the server runs the program
 * (COPY TO PROGRAM, https://www.postgresql.org/docs/current/sql-copy.html): while clients wait for a setting, or for a new
 * primary, that tenth of a second counts. What the server cannot do, the host does, and says why if it cannot either.
 */
import { dirname } from "node:path/posix";
import type { NodeName } from "../../core/spec.ts";
import { runProgram } from "../../postgres/queries.ts";
import type { Session } from "../../postgres/session.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { shellQuoted } from "../../support/shell-quoted.ts";
import type { RuntimeContext } from "../context.ts";
import type { NodeFile } from "../node-host.ts";

export async function replaceFile(
  { host }: Pick<RuntimeContext, "host">,
  session: Session,
  node: NodeName,
  file: NodeFile,
): Promise<void> {
  if (host.startsProgramsSlowly && (await byServer(session, host.paths(node).root, file))) return;
  await host.writeFiles(node, [file]);
}

/** Written beside, flushed, renamed, as the host does it. False: not done. */
async function byServer(session: Session, root: string, { path, content, mode }: NodeFile): Promise<boolean> {
  const target = `${root}/${path}`;
  const stage = shellQuoted(`${target}.pgrep-kit-server`);
  const script = [
    "set -e; umask 077",
    `trap ${shellQuoted(`rm -f ${stage}`)} EXIT`,
    `base64 -d >${stage}`,
    `chmod ${mode.toString(8)} ${stage}`,
    `sync ${stage}`,
    `mv -f ${stage} ${shellQuoted(target)}`,
    `sync ${shellQuoted(dirname(target))}`,
  ].join("\n");
  try {
    await session.query(runProgram(script, Buffer.from(content).toString("base64")));
    return true;
  } catch (error) {
    if (error instanceof PgrepKitError && error.code === "sql-failed") return false;
    throw error;
  }
}
