/**
 * Runs PostgreSQL's offline tools on a node's storage. Each run leaves a note of its process group, written before the
 * tool itself begins, so that a tool whose pgrep-kit was killed is found and ended: an old base backup
 * must never write on beside a new one.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { PgrepKitError } from "../../support/errors.ts";
import type { Tool, ToolResult } from "../node-host.ts";
import { launch, SYSTEM_PATH } from "./launch.ts";
import { endLeftoverTools, killGroup, newMark, TOOL_MARK } from "./leftover-tools.ts";
import { makePrivateFolder } from "./node-files.ts";
import { sendTo } from "./process-table.ts";
import type { ServerUser } from "./server-user.ts";
import type { NodePlace } from "./storage.ts";

export interface ToolSurroundings {
  readonly place: NodePlace;
  readonly binaries: string;
  readonly user: ServerUser | null;
}

const NOTE_FAILED = 126;
const OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024;
/** The note exists, with the tool's own pid in its name, which `exec` keeps, before the tool begins. */
const SCRIPT = `umask 077; true > "$1.$$" || exit ${NOTE_FAILED}; shift; exec "$@"`;

/** Runs the tool to its end. On abort or past its time, its whole process group is killed before this throws. */
export async function runTool(
  surroundings: ToolSurroundings,
  tool: Tool,
  signal?: AbortSignal,
): Promise<ToolResult> {
  if (signal?.aborted) throw interruption(tool.argv[0] ?? "", signal);
  const { place, user } = surroundings;
  if (!existsSync(place.root)) throw noStorage(place);
  // The node's own folder as well: a command that was killed before it gave it away has left it root's.
  await makePrivateFolder(place.root, user);
  await makePrivateFolder(place.tools, user);
  await endLeftoverTools(place);
  return runMarked(surroundings, tool, await newMark(), signal);
}

async function runMarked(
  { place, binaries, user }: ToolSurroundings,
  tool: Tool,
  mark: string,
  signal?: AbortSignal,
): Promise<ToolResult> {
  const note = join(place.tools, mark);
  const child = launch({
    argv: ["/bin/sh", "-c", SCRIPT, "sh", note, ...tool.argv],
    folder: place.root,
    binaries,
    user,
    env: { ...tool.env, [TOOL_MARK]: mark },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout = capture(child.stdout as Readable);
  const stderr = capture(child.stderr as Readable);
  const name = tool.argv[0] ?? "";
  const stopped = new AbortController();
  const onAbort = (): void => stopped.abort(interruption(name, signal));
  const timer = setTimeout(() => stopped.abort(tooLate(name, place, tool.timeoutMs)), tool.timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  stopped.signal.addEventListener("abort", () => child.pid && sendTo(-child.pid, "SIGKILL"), { once: true });
  // It may have been aborted before anybody listened.
  if (signal?.aborted) onAbort();
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, killedBy) =>
        resolve(code ?? 128 + (killedBy ? constants.signals[killedBy] : 0)),
      );
    });
    if (stopped.signal.aborted) {
      if (child.pid) await killGroup(place, child.pid, mark);
      throw stopped.signal.reason;
    }
    if (exitCode === NOTE_FAILED && stderr().includes(note)) throw noteFailed(place, stderr());
    if (exitCode === 127) throw toolMissing(place, binaries, stderr());
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } catch (error) {
    throw error instanceof PgrepKitError ? error : cannotRun(name, place, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    await rm(`${note}.${child.pid}`, { force: true });
  }
}

/** The beginning of the output; what was cut is said at its end. */
function capture(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let kept = 0;
  let cut = false;
  stream.on("data", (chunk: Buffer) => {
    const room = OUTPUT_LIMIT_BYTES - kept;
    cut ||= chunk.length > room;
    if (room <= 0) return;
    chunks.push(chunk.subarray(0, room));
    kept += Math.min(chunk.length, room);
  });
  return () => Buffer.concat(chunks).toString("utf8") + (cut ? "\n(output cut here)\n" : "");
}

function interruption(name: string, signal: AbortSignal | undefined): unknown {
  if (signal?.reason instanceof PgrepKitError) return signal.reason;
  return new PgrepKitError("interrupted", { message: `${name} was interrupted`, cause: signal?.reason });
}

function noteFailed(place: NodePlace, said: string): PgrepKitError {
  const isFull = said.includes("No space left on device");
  return new PgrepKitError(isFull ? "disk-full" : "state-unwritable", {
    message: `could not make a file in ${place.tools}`,
    detail: said.trim(),
    hint: isFull ? "Free some space there, then run the same command again." : "Check who owns that folder.",
  });
}

function noStorage(place: NodePlace): PgrepKitError {
  return new PgrepKitError("server-failed", {
    message: `${place.node} has no storage on this machine`,
    detail: `${place.root} does not exist.`,
    hint: "Run: pgrep-kit up",
  });
}

function tooLate(name: string, place: NodePlace, timeoutMs: number): PgrepKitError {
  return new PgrepKitError("deadline", {
    message: `${name} on ${place.node} did not end within ${timeoutMs / 1000} s`,
    detail: "It was killed.",
    hint: "Run the same command again.",
  });
}

/** 127 is the shell's word for it, also from within a script. */
function toolMissing(place: NodePlace, binaries: string, said: string): PgrepKitError {
  return new PgrepKitError("tool-missing", {
    message: `a program that ${place.node} needs was not found`,
    detail: `${said.trim()} (looked in ${binaries}, ${SYSTEM_PATH})`,
    hint: "Install the complete PostgreSQL server package, or point PGREP_KIT_PGBIN at a folder that has it.",
  });
}

function cannotRun(name: string, place: NodePlace, cause: unknown): PgrepKitError {
  return new PgrepKitError("server-failed", {
    message: `could not run ${name} on ${place.node}`,
    detail: cause instanceof Error ? cause.message : String(cause),
    hint: "Check that the server's user may enter the node's folder and run the binaries.",
    cause,
  });
}
