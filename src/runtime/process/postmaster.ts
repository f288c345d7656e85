/**
 * Which server belongs to a data directory: postmaster.pid names a process, and the process itself must confirm it,
 * because pids are reused and survive a crash in that file. It must never report, and nobody may ever signal,
 * a process that was not confirmed.
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { HostNode } from "../node-host.ts";
import {
  allProcesses,
  commandLine,
  processEntry,
  withDescendants,
  worksIn,
  type ProcessEntry,
} from "./process-table.ts";
import type { NodePlace } from "./storage.ts";

/** postmaster.pid, line by line: pid, data directory, start in seconds, port, … and at last the state. */
export interface PidFile {
  readonly pid: number;
  readonly startedAtMs: number | null;
  /** "starting", "ready", "standby", "stopping"; null before the sockets are open and the configuration is accepted. */
  readonly status: string | null;
}

export interface Server {
  readonly process: ProcessEntry;
  readonly startedAtMs: number | null;
}

const STATUS_LINE = 7;

/** Null: there is none. A file that is being written may lack its later lines. */
export async function readPidFile(place: NodePlace): Promise<PidFile | null> {
  const text = await readFile(pidFilePath(place), "utf8").catch(() => null);
  if (text === null) return null;
  const lines = text.split("\n");
  const startedAt = Number(lines[2]);
  return {
    pid: Math.abs(Number.parseInt(lines[0] ?? "", 10)) || 0,
    startedAtMs: startedAt > 0 ? startedAt * 1000 : null,
    status: lines[STATUS_LINE]?.trim() || null,
  };
}

export function pidFilePath(place: NodePlace): string {
  return join(place.data, "postmaster.pid");
}

/** The server of this node, if it runs or is frozen. */
export async function findServer(place: NodePlace): Promise<Server | null> {
  const file = await readPidFile(place);
  if (file === null) return null;
  const process = await processEntry(file.pid);
  if (process === null || !(await isPostmasterOf(process, place))) return null;
  return { process, startedAtMs: file.startedAtMs };
}

/** What `list` says of a node whose root exists. */
export async function nodeState(place: NodePlace): Promise<HostNode> {
  const server = await findServer(place);
  if (server?.process.stopped) {
    const family = await serverFamily(place);
    return { state: "paused", processes: family.filter((entry) => entry.stopped).map(({ pid }) => pid) };
  }
  if (server) return { state: "running", startedAtMs: server.startedAtMs };
  // The server's last words are the best witness of its end that a crash leaves.
  const log = await stat(place.log).catch(() => null);
  return { state: "stopped", exitCode: null, stoppedAtMs: log ? Math.round(log.mtimeMs) : null };
}

/**
 * Every process that can write to the node's data: the postmaster, its children, their children (archive commands),
 * and the orphans of a postmaster that was killed. Looks at the whole process table.
 */
export async function serverFamily(place: NodePlace): Promise<readonly ProcessEntry[]> {
  const [table, data, server] = await Promise.all([allProcesses(), realData(place), findServer(place)]);
  const own = [];
  for (const entry of table) {
    if (entry.pid === server?.process.pid) own.push(entry);
    else if (isServerProgram(entry) && (worksIn(entry.pid, data) || (await wasStartedOn(entry, place, data))))
      own.push(entry);
  }
  return withDescendants(table, own);
}

/** The postmaster keeps its arguments; its children replace theirs by a title that starts with "postgres: ". */
async function isPostmasterOf(process: ProcessEntry, place: NodePlace): Promise<boolean> {
  if (!isServerProgram(process)) return false;
  const [data, words] = await Promise.all([realData(place), commandLine(process.pid)]);
  if (words[0]?.startsWith("postgres: ")) return false;
  return worksIn(process.pid, data) || namesData(words, place, data);
}

/** A postmaster that has not changed to its data directory yet, or a system that does not tell the directory. */
async function wasStartedOn(process: ProcessEntry, place: NodePlace, data: string): Promise<boolean> {
  return namesData(await commandLine(process.pid), place, data);
}

function namesData(words: readonly string[], place: NodePlace, data: string): boolean {
  if (words.length > 1) return words.includes(place.data) || words.includes(data);
  const line = ` ${words[0] ?? ""} `;
  return line.includes(` ${place.data} `) || line.includes(` ${data} `);
}

function isServerProgram(process: ProcessEntry): boolean {
  return process.program === "postgres" || process.program === "postmaster";
}

/** The server knows its directory without symbolic links. */
async function realData(place: NodePlace): Promise<string> {
  return realpath(place.data).catch(() => place.data);
}
