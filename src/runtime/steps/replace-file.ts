/**
 * Replaces a file of a node whose server runs. Where a program of the host's begins slowly, the server runs the program
 * (COPY TO PROGRAM, https://www.postgresql.org/docs/current/sql-copy.html): while clients wait for a setting, or for a new
 * primary, that tenth of a second counts. What the server cannot do, the host does, and says why if it cannot either.
 * Why so, and what could go wrong: guides/decisions/0009-server-writes-its-settings.md.
 */
import { randomBytes } from "node:crypto";
import { dirname } from "node:path/posix";
import type { NodeName } from "../../core/spec.ts";
import { KEEP_OUT_OF_THE_LOG, LOG_AS_BEFORE, runProgram } from "../../postgres/queries.ts";
import type { Session } from "../../postgres/session.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { shellQuoted } from "../../core/shell-word.ts";
import type { RuntimeContext } from "../context.ts";
import { type NodeFile, STAGE_MARK } from "../node-host.ts";

export async function replaceFile(
  { host }: Pick<RuntimeContext, "host">,
  session: Session,
  node: NodeName,
  file: NodeFile,
): Promise<void> {
  if (host.startsProgramsSlowly && (await byServer(session, host.paths(node).root, file))) return;
  await host.writeFiles(node, [file]);
}

/** False: not done, or not to its end. */
async function byServer(session: Session, root: string, file: NodeFile): Promise<boolean> {
  const content = Buffer.from(file.content);
  const script = replaceScript(`${root}/${file.path}`, file.mode, content.length);
  await session.query(KEEP_OUT_OF_THE_LOG);
  try {
    await session.query(runProgram(script, content.toString("base64")));
    return true;
  } catch (error) {
    if (error instanceof PgrepKitError && error.code === "sql-failed") return false;
    throw error;
  } finally {
    if (session.usable) await session.query(LOG_AS_BEFORE);
  }
}

/** Written beside, flushed, renamed, as the host does it. The content comes in base64 as standard input. */
export function replaceScript(target: string, mode: number, bytes: number): string {
  // A name of its own each time: a program that hung, and comes to its end late, finds what it wrote removed by the next.
  const stage = shellQuoted(`${target}${STAGE_MARK}${randomBytes(6).toString("hex")}`);
  return [
    "set -e; umask 077",
    `rm -f ${shellQuoted(`${target}${STAGE_MARK}`)}*`,
    `trap ${shellQuoted(`rm -f ${stage}`)} EXIT; trap 'exit 1' HUP INT TERM`,
    `base64 -d >${stage}`,
    // The server starts the program before it knows what to tell it: one that ends in between has it see an empty input.
    `[ "$(wc -c <${stage})" -eq ${bytes} ]`,
    `chmod ${mode.toString(8)} ${stage}`,
    `sync ${stage}`,
    `mv -f ${stage} ${shellQuoted(target)}`,
    `sync ${shellQuoted(dirname(target))}`,
  ].join("\n");
}
