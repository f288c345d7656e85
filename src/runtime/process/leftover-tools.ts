/**
 * Finds and ends tools whose pgrep-kit was killed. Every run leaves a note: an empty file (it must be possible on a full
 * disk) named `mark.group`, after a mark that the run's processes carry in their environment. It must never kill a tool whose pgrep-kit still lives,
 * nor a process without the mark.
 */
import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PgrepKitError } from "../../support/errors.ts";
import { systemCode } from "../../support/files.ts";
import { awaitCondition } from "./await-condition.ts";
import {
  allProcesses,
  commandLine,
  processEntry,
  sendTo,
  startedWith,
  stillRuns,
  type ProcessEntry,
} from "./process-table.ts";
import type { NodePlace } from "./storage.ts";

/** The environment variable that carries the mark. */
export const TOOL_MARK = "PGREP_KIT_TOOL";
const END_TIMEOUT_MS = 10_000;

/** Kills what earlier runs left behind, and waits until it is gone. Tools of a pgrep-kit that still lives are left alone. */
export async function endLeftoverTools(place: NodePlace): Promise<void> {
  const notes = await readdir(place.tools).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  for (const note of notes) {
    const [mark = "", group = ""] = note.split(".");
    if (await ownerLives(mark)) continue;
    if (Number(group) > 1) await killGroup(place, Number(group), mark);
    await rm(join(place.tools, note), { force: true });
  }
}

/** A new name for a run: it says whose run it is, by this process's pid and start, and no other run has it. */
export async function newMark(): Promise<string> {
  const started = (await processEntry(process.pid))?.started ?? "";
  return `${markOf(process.pid, started)}-${randomBytes(6).toString("hex")}`;
}

async function ownerLives(mark: string): Promise<boolean> {
  const pid = Number.parseInt(mark, 10);
  const owner = await processEntry(pid);
  return owner !== null && mark.startsWith(`${markOf(pid, owner.started)}-`);
}

function markOf(pid: number, started: string): string {
  return `${pid}-${started.replace(/\W/g, "")}`;
}

/** Kills the members of a group that carry the mark; a group number may be reused, the mark may not. */
export async function killGroup(place: NodePlace, group: number, mark: string): Promise<void> {
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
  const seen = startedWith(entry.pid, TOOL_MARK, mark);
  return seen ?? (await commandLine(entry.pid)).some((word) => word.includes(place.root));
}
