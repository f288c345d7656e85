// Runs one command to its end and says how long it took. The environment is a small known one: what vitest adds to its
// own (options for Node among it) must not reach what is measured.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

const KEPT = ["PATH", "HOME", "TMPDIR", "DOCKER_HOST", "PGREP_KIT_PGBIN", "PGREP_KIT_OS_USER"];

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as this user. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
  readonly input?: string;
}

export interface Ended {
  readonly ms: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Throws, with what the command said, if it fails. */
export async function timed(argv: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const ended = await begin(argv, options);
  if (ended.code === 0) return ended;
  throw new Error(`${argv.join(" ")} ended with ${ended.code}\n${ended.stdout}${ended.stderr}`);
}

export function begin(argv: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return launch(argv, options).ended;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function launch(argv: readonly string[], options: CommandOptions = {}): Launched {
  const [program = "", ...args] = argv;
  const startedAt = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd ?? "/",
    env: { ...environment(), ...options.env },
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(options.user ? { uid: options.user.uid, gid: options.user.gid } : {}),
  });
  child.stdin?.end(options.input);
  let [stdout, stderr, ms] = ["", "", 0];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    // The end of the process, not of its output: servers that a script starts may hold that open.
    child.once("exit", () => (ms = performance.now() - startedAt));
    child.once("close", (code) => resolve({ ms, code, stdout, stderr }));
  });
  return { child, ended };
}

export function pgrepKit(...args: string[]): string[] {
  return [process.execPath, MAIN, ...args];
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Progress, on stderr; the table alone is on stdout. */
export function say(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
