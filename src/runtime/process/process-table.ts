/**
 * Reads the operating system's processes: from /proc where there is one, else through `ps`. A process that has ended
 * but was not collected by its parent (a zombie) is never reported: it runs no code and holds no file.
 */
import { execFile } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { promisify } from "node:util";
import { messageOf, PgrepKitError } from "../../support/errors.ts";
import { systemCode } from "../../support/files.ts";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Frozen by SIGSTOP. */
  readonly stopped: boolean;
  /** When it started, in the system's own words: pid and start together are never reused. */
  readonly started: string;
  /** File name of the program, "postgres". */
  readonly program: string;
}

const hasProc = process.platform === "linux";

/** Null: no such process. */
export async function processEntry(pid: number): Promise<ProcessEntry | null> {
  if (!(pid > 0)) return null;
  if (hasProc) return procEntry(pid);
  return (await askPs(["-p", String(pid)]))[0] ?? null;
}

/** Every process that can be seen. */
export async function allProcesses(): Promise<readonly ProcessEntry[]> {
  if (!hasProc) return askPs(["-ax"]);
  return readdirSync("/proc").flatMap((name) => {
    const entry = /^\d+$/.test(name) ? procEntry(Number(name)) : null;
    return entry ? [entry] : [];
  });
}

/** Whether exactly this process still runs; cheap enough to be asked a hundred times a second. */
export function stillRuns(entry: ProcessEntry): boolean {
  if (hasProc) return procEntry(entry.pid)?.started === entry.started;
  try {
    process.kill(entry.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

/** The arguments; where only a joined line is known, that line as one argument. */
export async function commandLine(pid: number): Promise<readonly string[]> {
  if (hasProc)
    return (readOrNull(`/proc/${pid}/cmdline`) ?? "").split("\0").filter((argument) => argument !== "");
  return [(await ps(["-o", "command=", "-ww", "-p", String(pid)])).trim()];
}

/** Whether `folder` (without symbolic links) is, or before its removal was, the working directory. */
export function worksIn(pid: number, folder: string): boolean {
  try {
    const seen = hasProc ? readlinkSync(`/proc/${pid}/cwd`) : "";
    return seen === folder || seen === `${folder} (deleted)`;
  } catch {
    return false;
  }
}

/** Whether the process was started with `name=value` in its environment; null where the system does not tell. */
export function startedWith(pid: number, name: string, value: string): boolean | null {
  const text = hasProc ? readOrNull(`/proc/${pid}/environ`) : null;
  return text === null ? null : text.split("\0").includes(`${name}=${value}`);
}

/** `roots` and everything that descends from them. */
export function withDescendants(
  table: readonly ProcessEntry[],
  roots: readonly ProcessEntry[],
): readonly ProcessEntry[] {
  const taken = new Set(roots.map((entry) => entry.pid));
  const family = [...roots];
  for (let grown = true; grown;) {
    const more = table.filter((entry) => taken.has(entry.parent) && !taken.has(entry.pid));
    for (const entry of more) taken.add(entry.pid);
    family.push(...more);
    grown = more.length > 0;
  }
  return family;
}

/** Sends a signal; a process that is gone already is no error. */
export function send(entry: ProcessEntry, signal: NodeJS.Signals): void {
  if (stillRuns(entry)) sendTo(entry.pid, signal);
}

/** Sends a signal to a process, or with a negative number to a process group. */
export function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return;
    throw new PgrepKitError("server-failed", {
      message: `could not send ${signal} to ${pid < 0 ? "process group" : "process"} ${Math.abs(pid)}`,
      detail: messageOf(error),
      hint: "Run the command as the user who started this server.",
      cause: error,
    });
  }
}

/** proc_pid_stat(5). The name stands in parentheses and may itself contain spaces and parentheses. */
function procEntry(pid: number): ProcessEntry | null {
  const text = readOrNull(`/proc/${pid}/stat`);
  if (text === null) return null;
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  const state = fields[0] ?? "";
  if ("ZXx".includes(state)) return null;
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    stopped: state === "T" || state === "t",
    started: fields[19] ?? "",
    program: text.slice(open + 1, close),
  };
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

async function askPs(which: readonly string[]): Promise<readonly ProcessEntry[]> {
  const text = await ps(["-o", "pid=,ppid=,pgid=,state=,lstart=,comm=", ...which]);
  return text.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w+ +\w+ +\d+ [\d:]+ \d+)\s+(.*)$/.exec(line);
    if (!match || match[4]?.startsWith("Z")) return [];
    const [, pid, parent, group, state = "", started = "", program = ""] = match;
    const stopped = state.startsWith("T");
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        stopped,
        started,
        program: basename(program),
      },
    ];
  });
}

async function ps(args: readonly string[]): Promise<string> {
  try {
    return (
      await promisify(execFile)("ps", args, {
        env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
        maxBuffer: 16 << 20,
      })
    ).stdout;
  } catch {
    // `ps` ends with 1 when it finds nothing.
    return "";
  }
}
