/**
 * Runs PostgreSQL's offline tools on a node's storage. Each run leaves a note of its process group, written before the
 * tool itself begins, so that a tool whose pgrep-kit was killed is found and ended: an old base backup
 * must never write on beside a new one.
 */
import { randomBytes } from "node:crypto";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { PgrepKitError } from "../../support/errors.ts";
import { systemCode } from "../../support/files.ts";
import type { Tool, ToolResult } from "../node-host.ts";
import { awaitCondition } from "./await-condition.ts";
import { launch } from "./launch.ts";
import { makePrivateFolder } from "./node-files.ts";
import { allProcesses, commandLine, processEntry, sendTo, startedWith, stillRuns, type ProcessEntry } from "./process-table.ts";
import type { ServerUser } from "./server-user.ts";
import type { NodePlace } from "./storage.ts";

export interface ToolSurroundings {
  readonly place: NodePlace;
  readonly binaries: string;
  readonly user: ServerUser | null;
}

const OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024;
const END_TIMEOUT_MS = 10_000;
const MARK = "PGREP_KIT_TOOL";
/** $1 is the note: the tool's own pid, which `exec` keeps, is in it before the tool begins. */
const SCRIPT = 'umask 077; echo $$ > "$1" || exit 126; shift; exec "$@"';

/** Runs the tool to its end. On abort or past its time, its whole process group is killed before this throws. */
export async function runTool(surroundings: ToolSurroundings, tool: Tool, signal?: AbortSignal): Promise<ToolResult> {
  signal?.throwIfAborted();
  const { place, user } = surroundings;
  await makePrivateFolder(place.tools, user);
  await endLeftoverTools(place);
  const mark = `${await ownMark()}-${randomBytes(6).toString("hex")}`;
  const note = join(place.tools, mark);
  try {
    return await runMarked(surroundings, tool, { mark, note }, signal);
  } finally {
    await rm(note, { force: true });
  }
}

/** Kills what earlier runs left behind, and waits until it is gone. Tools of a pgrep-kit that still lives are left alone. */
export async function endLeftoverTools(place: NodePlace): Promise<void> {
  const marks = await readdir(place.tools).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  for (const mark of marks) {
    if (await ownerLives(mark)) continue;
    const note = join(place.tools, mark);
    const group = Number.parseInt(await readFile(note, "utf8"), 10);
    // An empty note: the run was killed before its tool began.
    if (group > 1) await killGroup(place, group, mark);
    await rm(note, { force: true });
  }
}

async function runMarked(
  { place, binaries, user }: ToolSurroundings,
  tool: Tool,
  { mark, note }: { readonly mark: string; readonly note: string },
  signal?: AbortSignal,
): Promise<ToolResult> {
  const child = launch({
    argv: ["/bin/sh", "-c", SCRIPT, "sh", note, ...tool.argv],
    folder: place.root,
    binaries,
    user,
    env: { ...tool.env, [MARK]: mark },
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
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, killedBy) => resolve(code ?? 128 + (killedBy === "SIGKILL" ? 9 : 15)));
    });
    if (stopped.signal.aborted) {
      if (child.pid) await killGroup(place, child.pid, mark);
      throw stopped.signal.reason;
    }
    if (exitCode === 127) throw toolMissing(name, binaries);
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } catch (error) {
    throw error instanceof PgrepKitError ? error : cannotRun(name, place, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
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

/** Kills the members of a group that carry the mark; a group number may be reused, the mark may not. */
async function killGroup(place: NodePlace, group: number, mark: string): Promise<void> {
  const gone = await awaitCondition(
    async () => {
      const members: ProcessEntry[] = [];
      for (const entry of await allProcesses()) {
        if (entry.group === group && (await carriesMark(entry, place, mark))) members.push(entry);
      }
      if (members.length > 0) sendTo(-group, "SIGKILL");
      await awaitCondition(() => !members.some(stillRuns), { timeoutMs: END_TIMEOUT_MS });
      return members.length === 0;
    },
    { timeoutMs: END_TIMEOUT_MS },
  );
  if (gone) return;
  throw new PgrepKitError("deadline", {
    message: `a tool of ${place.node} did not end within ${END_TIMEOUT_MS / 1000} s`,
    detail: `Waited for process group ${group} after SIGKILL; a process may be stuck in the kernel (state D).`,
    hint: "Look at the machine's disks, then run the same command again.",
  });
}

/** Where the environment cannot be read, the tools still name the node's folder among their arguments. */
async function carriesMark(entry: ProcessEntry, place: NodePlace, mark: string): Promise<boolean> {
  const seen = startedWith(entry.pid, MARK, mark);
  return seen ?? (await commandLine(entry.pid)).some((word) => word.includes(place.root));
}

/** Names this process for good: its pid and its start. */
async function ownMark(): Promise<string> {
  return markOf(process.pid, (await processEntry(process.pid))?.started ?? "");
}

async function ownerLives(mark: string): Promise<boolean> {
  const pid = Number.parseInt(mark, 10);
  const owner = await processEntry(pid);
  return owner !== null && mark.startsWith(`${markOf(pid, owner.started)}-`);
}

function markOf(pid: number, started: string): string {
  return `${pid}-${started.replace(/\W/g, "")}`;
}

function interruption(name: string, signal: AbortSignal | undefined): unknown {
  if (signal?.reason instanceof PgrepKitError) return signal.reason;
  return new PgrepKitError("interrupted", { message: `${name} was interrupted`, cause: signal?.reason });
}

function tooLate(name: string, place: NodePlace, timeoutMs: number): PgrepKitError {
  return new PgrepKitError("deadline", {
    message: `${name} on ${place.node} did not end within ${timeoutMs / 1000} s`,
    detail: "It was killed.",
    hint: "Run the same command again.",
  });
}

function toolMissing(name: string, binaries: string): PgrepKitError {
  return new PgrepKitError("tool-missing", {
    message: `${name} was not found`,
    detail: `Looked in ${binaries}, /usr/local/bin, /usr/bin and /bin.`,
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
