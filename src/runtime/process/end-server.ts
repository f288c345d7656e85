/**
 * Ends, freezes and wakes a node's server, and waits for its end. It signals confirmed processes of this node only,
 * and must never report an end that it did not see.
 */
import { access } from "node:fs/promises";
import { PgrepKitError } from "../../support/errors.ts";
import { awaitCondition } from "./await-condition.ts";
import { findServer, readPidFile, serverFamily } from "./postmaster.ts";
import { send, sendTo, stillRuns, type ProcessEntry } from "./process-table.ts";
import type { NodePlace } from "./storage.ts";

const SIGNAL_TIMEOUT_MS = 10_000;
const WATCH_EVERY_MS = 10;

/** A fast shutdown. A frozen server is woken for it, for it could not end otherwise. */
export async function stopServer(place: NodePlace, timeoutMs: number): Promise<void> {
  const server = await findServer(place);
  if (server === null) {
    // After a crash of the postmaster alone, its backends may still be at work.
    if (await readPidFile(place)) await killServer(place);
    return;
  }
  send(server.process, "SIGINT");
  if (server.process.stopped) await resumeServer(place);
  if (await awaitCondition(() => !stillRuns(server.process), { timeoutMs })) return;
  throw new PgrepKitError("deadline", {
    message: `the server of ${place.node} did not stop within ${timeoutMs / 1000} s`,
    detail: `Waited for process ${server.process.pid} to end after a fast shutdown (SIGINT). It ends when its standbys have received all WAL.`,
    hint: `See ${place.log}; run the same command again to go on waiting.`,
  });
}

/** SIGKILL to the postmaster and everything of it, until nothing is left. Touches no file. */
export async function killServer(place: NodePlace): Promise<void> {
  await signalAll(place, "be gone", async (family) => {
    for (const entry of family) {
      send(entry, "SIGKILL");
      // Each backend leads a group, in which the programs it started run (archive_command, restore_command).
      if (entry.group === entry.pid) sendTo(-entry.pid, "SIGKILL");
    }
    await awaitCondition(() => !family.some(stillRuns), { timeoutMs: SIGNAL_TIMEOUT_MS });
    return family.length === 0;
  });
}

/** SIGSTOP to the postmaster first, so that nothing new is started, then to everything of it. */
export async function pauseServer(place: NodePlace): Promise<void> {
  await signalAll(place, "freeze", async (family) => {
    const moving = family.filter((entry) => !entry.stopped);
    for (const entry of moving) send(entry, "SIGSTOP");
    return moving.length === 0;
  });
}

export async function resumeServer(place: NodePlace): Promise<void> {
  await signalAll(place, "go on", async (family) => {
    const frozen = family.filter((entry) => entry.stopped);
    for (const entry of frozen) send(entry, "SIGCONT");
    return frozen.length === 0;
  });
}

/** Resolves when the server has ended, at once if it ran earlier. One that never ran is waited for. */
export async function serverEnded(place: NodePlace, signal: AbortSignal): Promise<void> {
  let server = await findServer(place);
  if (server === null && (await exists(place.log))) return;
  const wait = { signal, everyMs: WATCH_EVERY_MS };
  if (server === null) await awaitCondition(async () => (server = await findServer(place)) !== null, wait);
  const seen = server;
  await awaitCondition(() => seen === null || !stillRuns(seen.process), wait);
}

/** Goes round until `act` finds nothing more to do: a process may be started while we signal its parent. */
async function signalAll(
  place: NodePlace,
  what: string,
  act: (family: readonly ProcessEntry[]) => Promise<boolean>,
): Promise<void> {
  const done = await awaitCondition(async () => act(await serverFamily(place)), {
    timeoutMs: SIGNAL_TIMEOUT_MS,
    everyMs: 1,
  });
  if (done) return;
  throw new PgrepKitError("deadline", {
    message: `processes of ${place.node} did not ${what} within ${SIGNAL_TIMEOUT_MS / 1000} s`,
    detail: `Waited for every process of ${place.data}; one may be stuck in the kernel (state D).`,
    hint: "Look at the machine's disks, then run the same command again.",
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
