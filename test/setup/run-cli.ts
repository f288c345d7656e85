// Spawns the built command line as a shell would: for tests that need no cluster, or another environment than
// `cluster.ts` gives.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** A command that takes longer hangs. */
const COMMAND_TIMEOUT_MS = 100_000;

export interface CliRun {
  readonly folder: string;
  /** Undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What goes before `node`: another user, fewer rights. */
  readonly by?: readonly string[];
  /** Instead of the built one. */
  readonly main?: string;
}

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
  /** What it has said on stderr so far. */
  readonly said: () => string;
}

export function runCli(run: CliRun, ...args: string[]): Promise<CliResult> {
  return beginCli(run, ...args).result;
}

export function beginCli({ folder, env = {}, by = [], main = MAIN }: CliRun, ...args: string[]): RunningCli {
  const { CI: _, FORCE_COLOR: __, PGREP_KIT_CLUSTER: ___, ...own } = process.env;
  const [program = process.execPath, ...rest] = [...by, process.execPath, main, ...args];
  const child = spawn(program, rest, {
    cwd: folder,
    env: { ...own, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), COMMAND_TIMEOUT_MS);
  const result = once(child, "close").then(([code, signal]) => {
    clearTimeout(timer);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr };
  });
  return { child, result, said: () => stderr };
}

export interface EmptyFolder extends AsyncDisposable {
  readonly path: string;
}

export async function emptyFolder(): Promise<EmptyFolder> {
  const path = await mkdtemp(join(tmpdir(), "pgrep-kit-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
