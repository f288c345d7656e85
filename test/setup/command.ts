// Runs one external command for the test set-up and waits for its end. It never throws for a command that
// fails: the callers decide what a failure means and say so in their own words.
import { spawn } from "node:child_process";

export interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** What went wrong, in one line: the last line of stderr, or why the command did not run at all. */
  readonly reason: string;
}

export function run(
  command: string,
  args: readonly string[],
  options: { timeoutMs?: number; env?: Record<string, string> } = {},
): Promise<CommandResult> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    let stdout = "";
    let stderr = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGTERM");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ ok: false, stdout, reason: error.message });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      const lastLine = stderr.trim().split("\n").at(-1) ?? "";
      const reason = late
        ? `${command} ${args[0] ?? ""} did not end within ${timeoutMs / 1000} s`
        : lastLine || `${command} exited with ${code}`;
      resolve({ ok: code === 0 && !late, stdout: stdout.trim(), reason });
    });
  });
}

export async function commandExists(name: string): Promise<boolean> {
  return (await run("sh", ["-c", `command -v "$1"`, "sh", name])).ok;
}

/** Progress of the set-up, on stderr, so that a reporter's stdout stays what it is. */
export function say(text: string): void {
  process.stderr.write(`set-up: ${text}\n`);
}
