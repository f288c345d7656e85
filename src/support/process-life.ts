/**
 * Which process something belongs to, written so that others can tell whether that process still lives.
 * A process that cannot be judged from here (another machine, another container) is never called dead.
 */
import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { isObject, systemCode } from "./files.ts";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Changes with each boot; null where the system does not tell. */
  readonly boot: string | null;
  /** Process ids mean something within one namespace only; null where the system has none. */
  readonly pidNamespace: string | null;
  /** When the process started, in the system's own notation: a process id is used again, the pair is not. */
  readonly started: string | null;
}

export async function thisProcess(): Promise<ProcessIdentity> {
  const [boot, pidNamespace, own] = await Promise.all([bootId(), pidNamespaceId(), look(process.pid)]);
  const started = own.kind === "started" ? own.at : null;
  return { pid: process.pid, host: hostname(), boot, pidNamespace, started };
}

/** Null: it is none. */
export function processIdentity(value: unknown): ProcessIdentity | null {
  if (!isObject(value)) return null;
  const { pid, host, boot, pidNamespace, started } = value;
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || typeof host !== "string") return null;
  if (!isTextOrNull(boot) || !isTextOrNull(pidNamespace) || !isTextOrNull(started)) return null;
  return { pid, host, boot, pidNamespace, started };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

/** `dead` only where that is certain. `foreign`: on another machine or in another container, where nothing can be seen from here. */
export async function lifeOf(owner: ProcessIdentity): Promise<"alive" | "dead" | "foreign"> {
  // A laptop's host name changes with its network, its boot does not: so the boot is asked first.
  if (owner.boot === null || owner.boot !== (await bootId())) {
    if (owner.host !== hostname()) return "foreign";
    if (owner.boot !== null) return "dead";
  }
  if (owner.pidNamespace !== (await pidNamespaceId())) return "foreign";
  const process = await look(owner.pid);
  if (process.kind !== "started") return process.kind === "gone" ? "dead" : "alive";
  return owner.started === null || owner.started === process.at ? "alive" : "dead";
}

type Look =
  | { readonly kind: "started"; readonly at: string }
  | { readonly kind: "gone" }
  | { readonly kind: "hidden" };

async function look(pid: number): Promise<Look> {
  const seen = process.platform === "linux" ? await lookOnLinux(pid) : await lookByPs(pid);
  // Systems may hide the processes of other users; whether they exist can be asked all the same.
  return seen ?? { kind: processExists(pid) ? "hidden" : "gone" };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the state is field 3, the start time field 22. */
async function lookOnLinux(pid: number): Promise<Look | null> {
  const stat = await textOf(readFile(`/proc/${pid}/stat`, "utf8"));
  if (stat === null) return null;
  // The name in field 2 may hold spaces and parentheses: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return startedOrGone(fields[0], fields[19]);
}

async function lookByPs(pid: number): Promise<Look | null> {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const line = await outputOf("ps", ["-o", "stat=,lstart=", "-p", String(pid)], env);
  if (line === null) return null;
  const [state, ...started] = line.split(/\s+/);
  return startedOrGone(state, started.join(" "));
}

/** A process that was killed, and whose parent has not noticed yet (a zombie), runs nothing any more. */
function startedOrGone(state: string | undefined, at: string | undefined): Look | null {
  if (state === undefined || at === undefined || at === "") return null;
  return /^[ZX]/.test(state) ? { kind: "gone" } : { kind: "started", at };
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, and belongs to somebody else.
    return systemCode(error) !== "ESRCH";
  }
}

async function bootId(): Promise<string | null> {
  if (process.platform === "linux") return textOf(readFile("/proc/sys/kernel/random/boot_id", "utf8"));
  return outputOf("sysctl", ["-n", "kern.bootsessionuuid"], process.env);
}

async function pidNamespaceId(): Promise<string | null> {
  return process.platform === "linux" ? textOf(readlink("/proc/self/ns/pid")) : null;
}

async function textOf(reading: Promise<string>): Promise<string | null> {
  return reading.then((text) => text.trim()).catch(() => null);
}

async function outputOf(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string | null> {
  const run = promisify(execFile)(command, args, { env });
  const text = await textOf(run.then(({ stdout }) => stdout));
  return text === "" ? null : text;
}
