// Offline tools: whose they are, what they leave behind, and that nothing of an interrupted run goes on.
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allProcesses, commandLine, type ProcessEntry } from "../../src/runtime/process/process-table.ts";
import { runsAsRoot } from "../../src/runtime/process/server-user.ts";
import { PgrepKitError } from "../../src/support/errors.ts";
import { compiled } from "../setup/compiled.ts";
import { failure, openLocalHost, waitFor, type LocalHost } from "./local-host.ts";

let builtHost: string;
let parts: string;
let local: LocalHost;
beforeAll(async () => {
  parts = await mkdtemp(join(tmpdir(), "pgrep-kit-compiled-"));
  builtHost = await compiled(parts, "runtime/process/process-host");
  local = await openLocalHost();
  await local.host.create("pg1");
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
  await rm(parts, { recursive: true });
});

/** A number that no other test sleeps for. */
let sleepSeconds = 100_000 + (process.pid % 1000) * 100;

/** Two processes of one group: a tool and its helper, such as pg_basebackup and its WAL receiver. */
function twoSleepers(): { argv: string[]; alive(): Promise<ProcessEntry[]> } {
  const seconds = String(++sleepSeconds);
  return {
    argv: ["sh", "-c", `sleep ${seconds} & sleep ${seconds}`],
    async alive() {
      const sleepers = (await allProcesses()).filter((entry) => entry.program === "sleep");
      const lines = await Promise.all(sleepers.map((entry) => commandLine(entry.pid)));
      return sleepers.filter((_entry, index) => lines[index]?.join(" ").includes(seconds));
    },
  };
}

/** Another pgrep-kit, which runs the tool and waits for it. */
function otherPgrepKit(argv: readonly string[]): ReturnType<typeof spawn> {
  const script = `import { openProcessHost } from ${JSON.stringify(builtHost)};
    const host = await openProcessHost(${JSON.stringify(local.options)});
    await host.run("pg1", { argv: ${JSON.stringify(argv)}, timeoutMs: 600000 });`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

test("a tool runs as the server's user, in the node's folder, with the server's programs first", async () => {
  const { source } = await local.host.check();
  const script = "id -un; pwd; command -v pg_basebackup; umask; echo $LC_ALL; echo told >&2; exit 3";
  const result = await local.host.run("pg1", { argv: ["sh", "-c", script], timeoutMs: 10_000 });
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toBe("told\n");
  const [user, folder, program, umask, locale] = result.stdout.split("\n");
  if (runsAsRoot()) expect(user).toBe("postgres");
  expect(folder).toBe(local.host.paths("pg1").root);
  expect(program).toBe(`${source}/pg_basebackup`);
  expect(umask).toBe("0077");
  expect(locale).toMatch(/UTF-8$/);
});

test("a tool inherits no PG variable of ours, and gets those it is given, quotes and all", async () => {
  process.env["PGOPTIONS"] = "-c statement_timeout=1";
  try {
    const argv = ["sh", "-c", 'echo "$PGOPTIONS|$PGPASSFILE|$1"', "sh", `it's "$(id)"`];
    const result = await local.host.run("pg1", { argv, env: { PGPASSFILE: "/a b/c" }, timeoutMs: 10_000 });
    expect(result.stdout).toBe(`|/a b/c|it's "$(id)"\n`);
  } finally {
    delete process.env["PGOPTIONS"];
  }
});

test("an aborted tool is gone, helpers included, when its run ends", async () => {
  const sleepers = twoSleepers();
  const abort = new AbortController();
  const run = local.host.run("pg1", { argv: sleepers.argv, timeoutMs: 600_000 }, abort.signal);
  await waitFor("both processes", async () => (await sleepers.alive()).length === 2);
  abort.abort();
  expect((await failure(run)).code).toBe("interrupted");
  expect(await sleepers.alive()).toEqual([]);
  expect((await failure(local.host.run("pg1", { argv: ["true"], timeoutMs: 1000 }, abort.signal))).code).toBe(
    "interrupted",
  );
});

test("the reason of an abort is kept when it is an error of ours", async () => {
  const reason = new PgrepKitError("locked", { message: "the lock was lost" });
  const run = local.host.run(
    "pg1",
    { argv: ["sleep", "1000"], timeoutMs: 600_000 },
    AbortSignal.abort(reason),
  );
  await expect(run).rejects.toBe(reason);
});

test("a tool past its time is killed, and the error names it", async () => {
  const sleepers = twoSleepers();
  const late = await failure(local.host.run("pg1", { argv: sleepers.argv, timeoutMs: 100 }));
  expect(late.code).toBe("deadline");
  expect(late.message).toBe("sh on pg1 did not end within 0.1 s");
  expect(await sleepers.alive()).toEqual([]);
});

test("what a killed pgrep-kit left running is ended before the next tool begins", async () => {
  const sleepers = twoSleepers();
  const other = otherPgrepKit(sleepers.argv);
  await waitFor("both processes", async () => (await sleepers.alive()).length === 2);
  other.kill("SIGKILL");
  await waitFor("the other pgrep-kit to be gone", () => other.signalCode !== null);
  expect(await sleepers.alive()).toHaveLength(2);
  await local.run("pg1", "true");
  expect(await sleepers.alive()).toEqual([]);
  expect(await readdir(`${local.host.paths("pg1").root}/tools`)).toEqual([]);
});

test("the tool of another pgrep-kit that still lives is left alone", async () => {
  const sleepers = twoSleepers();
  const other = otherPgrepKit(sleepers.argv);
  await waitFor("both processes", async () => (await sleepers.alive()).length === 2);
  await local.run("pg1", "true");
  expect(await sleepers.alive()).toHaveLength(2);
  other.kill("SIGKILL");
  await waitFor("the other pgrep-kit to be gone", () => other.signalCode !== null);
  await local.host.remove("pg1");
  expect(await sleepers.alive()).toEqual([]);
  await local.host.create("pg1");
});

test("a leftover note whose process group now belongs to others kills nobody", async () => {
  const bystander = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
  try {
    await local.host.writeFiles("pg1", [
      { path: `tools/1-1-abc.${bystander.pid}`, content: "", mode: 0o600 },
    ]);
    await local.run("pg1", "true");
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    expect(await readdir(`${local.host.paths("pg1").root}/tools`)).toEqual([]);
  } finally {
    bystander.kill("SIGKILL");
  }
});

test("closing the host ends its tools", async () => {
  const sleepers = twoSleepers();
  await using second = await openLocalHost();
  await second.host.create("pg1");
  const run = failure(second.host.run("pg1", { argv: sleepers.argv, timeoutMs: 600_000 }));
  await waitFor("both processes", async () => (await sleepers.alive()).length === 2);
  await second.host.close();
  expect(await sleepers.alive()).toEqual([]);
  expect((await run).code).toBe("interrupted");
});

test("a program that is missing, and a node that is missing, are told apart from a failing tool", async () => {
  const missing = await failure(local.host.run("pg1", { argv: ["pg_no_such_tool"], timeoutMs: 10_000 }));
  expect(missing.code).toBe("tool-missing");
  expect(missing.detail).toContain("pg_no_such_tool");
  const absent = await failure(local.host.run("pg9", { argv: ["true"], timeoutMs: 10_000 }));
  expect(absent.code).toBe("server-failed");
  expect(absent.message).toContain("pg9 has no storage");
  await expect(stat(local.host.paths("pg9").root)).rejects.toThrow("ENOENT");
});

test("output without end is cut, and says so", async () => {
  const result = await local.host.run("pg1", {
    argv: ["head", "-c", "9000000", "/dev/zero"],
    timeoutMs: 30_000,
  });
  expect(result.exitCode).toBe(0);
  expect(result.stdout.length).toBeLessThan(4_300_000);
  expect(result.stdout.endsWith("(output cut here)\n")).toBe(true);
});
