/**
 * Starts a node's server and tells why when it does not start. It clears away what a crash left (orphaned backends,
 * a pid file whose pid now belongs to somebody else), and must never do so while a server of this node lives.
 */
import type { ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PgrepKitError } from "../../support/errors.ts";
import { writeError } from "../../support/files.ts";
import { isTaken } from "../../support/taken-port.ts";
import { awaitCondition } from "./await-condition.ts";
import { launch } from "./launch.ts";
import { freeBytesAt } from "./node-folders.ts";
import { findServer, pidFilePath, readPidFile, serverFamily } from "./postmaster.ts";
import { send, stillRuns } from "./process-table.ts";
import type { ServerUser } from "./server-user.ts";
import type { NodePlace } from "./storage.ts";

export interface ServerStart {
  readonly place: NodePlace;
  readonly port: number;
  readonly binaries: string;
  readonly user: ServerUser | null;
}

const START_TIMEOUT_MS = 60_000;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const FULL_BELOW_BYTES = 64 * 1024;
const SHOWN_LOG_LINES = 12;
const SHOWN_LOG_BYTES = 16 * 1024;

/** Returns once the server has taken its data directory, its configuration and its port. Already running: returns. */
export async function startServer(start: ServerStart): Promise<void> {
  if (await runsAlready(start.place)) return;
  await clearAfterCrash(start.place);
  await refuseTakenPort(start);
  const log = await openLog(start);
  try {
    const fromByte = (await log.stat()).size;
    const child = launch({
      argv: [
        join(start.binaries, "postgres"),
        "-D",
        start.place.data,
        "-c",
        `config_file=${join(start.place.conf, "postgresql.conf")}`,
      ],
      folder: start.place.root,
      binaries: start.binaries,
      user: start.user,
      env: {},
      stdio: ["ignore", log.fd, log.fd],
    });
    await awaitStart(start, child, log, fromByte);
  } finally {
    await log.close();
  }
}

async function runsAlready(place: NodePlace): Promise<boolean> {
  const server = await findServer(place);
  if (server?.process.stopped) {
    throw new PgrepKitError("server-failed", {
      message: `the server of ${place.node} is frozen`,
      detail: `Process ${server.process.pid} was stopped by a signal (SIGSTOP).`,
      hint: `Let it go on with: kill -CONT ${server.process.pid}`,
    });
  }
  return server !== null;
}

/**
 * PostgreSQL refuses to start while a backend of the old server lives, or when the pid in a stale file belongs to any
 * process of the same user. The old postmaster is gone here, so its orphans can only do harm; and with the
 * orphans gone, so is what the file protects.
 */
async function clearAfterCrash(place: NodePlace): Promise<void> {
  const file = await readPidFile(place);
  if (file === null) return;
  const orphans = await serverFamily(place);
  for (const orphan of orphans) send(orphan, "SIGKILL");
  await awaitCondition(() => !orphans.some(stillRuns), { timeoutMs: START_TIMEOUT_MS });
  if (pidIsTaken(file.pid)) await rm(pidFilePath(place), { force: true });
}

/** As PostgreSQL asks: a killed postmaster that its parent has not buried yet has its pid still, and would block the start. */
function pidIsTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function refuseTakenPort(start: ServerStart): Promise<void> {
  if (await isTaken(start.port)) throw portTaken(start, null);
}

/** The folder is another user's when we are root: a link that lies there must not be followed. */
async function openLog(start: ServerStart): Promise<FileHandle> {
  const { log } = start.place;
  try {
    const old = await stat(log).catch(() => null);
    if (old && old.size > LOG_LIMIT_BYTES) await rename(log, `${log}.1`);
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const handle = await open(log, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (start.user) await handle.chown(start.user.uid, start.user.gid);
    return handle;
  } catch (error) {
    throw writeError(log, error);
  }
}

async function awaitStart(
  start: ServerStart,
  child: ChildProcess,
  log: FileHandle,
  fromByte: number,
): Promise<void> {
  const { place } = start;
  let end: string | null = null;
  child.once("error", (error) => (end = messageOf(error)));
  child.once(
    "exit",
    (code, signal) => (end = signal ? `ended by ${signal}` : `ended with exit code ${code}`),
  );
  child.unref();
  const settled = await awaitCondition(
    async () => {
      if (end !== null) return true;
      const file = await readPidFile(place);
      return file !== null && file.pid === child.pid && file.status !== null;
    },
    { timeoutMs: START_TIMEOUT_MS },
  );
  if (!settled) {
    throw new PgrepKitError("deadline", {
      message: `the server of ${place.node} did not come up within ${START_TIMEOUT_MS / 1000} s`,
      detail: `Waited for process ${child.pid} to report in ${pidFilePath(place)}.`,
      hint: `See ${place.log}.`,
    });
  }
  // A start that an interrupted run left under way may have won; then this one had to give up, and all is well.
  if (end !== null && !(await findServer(place))) throw await explainFailure(start, end, log, fromByte);
}

async function explainFailure(
  start: ServerStart,
  end: string,
  log: FileHandle,
  fromByte: number,
): Promise<PgrepKitError> {
  const said = await lastLines(log, fromByte);
  const portLost = /could not bind .*: Address already in use/.test(said) || (await isTaken(start.port));
  if (portLost) return portTaken(start, said);
  // On a full disk the reason itself may be missing from the log.
  const reasonLost = !/ (FATAL|PANIC): /.test(said) && (await diskIsFull(start.place));
  if (/No space left on device/.test(said) || reasonLost) return diskFull(start, said);
  return new PgrepKitError("server-failed", {
    message: `the server of ${start.place.node} did not start`,
    detail: said === "" ? `Its process ${end} and wrote nothing to its log.` : said,
    hint: `The whole log is in ${start.place.log}.`,
  });
}

/** Only what this start wrote. */
async function lastLines(log: FileHandle, fromByte: number): Promise<string> {
  const { size } = await log.stat();
  const from = Math.max(fromByte, size - SHOWN_LOG_BYTES);
  if (from >= size) return "";
  const { buffer, bytesRead } = await log.read(Buffer.alloc(size - from), 0, size - from, from);
  return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").slice(-SHOWN_LOG_LINES).join("\n");
}

async function diskIsFull(place: NodePlace): Promise<boolean> {
  const free = await freeBytesAt(place.root);
  return free !== null && free < FULL_BELOW_BYTES;
}

function diskFull(start: ServerStart, said: string): PgrepKitError {
  return new PgrepKitError("disk-full", {
    message: `the server of ${start.place.node} did not start: no space is left`,
    detail: said === "" ? `The disk of ${start.place.root} is full.` : said,
    hint: "Free some space there, then run the same command again.",
  });
}

function portTaken(start: ServerStart, said: string | null): PgrepKitError {
  return new PgrepKitError("port-taken", {
    message: `port ${start.port} of 127.0.0.1 is taken, and ${start.place.node} needs it`,
    ...(said === null ? {} : { detail: said }),
    hint: `Find the program that listens there (ss -ltnp "sport = :${start.port}" or lsof -i :${start.port}), end it, and run the same command again.`,
  });
}
