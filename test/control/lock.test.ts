import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { type LockOwner, lifeOf, thisProcess } from "../../src/control/lock-owner.ts";
import { acquireLock } from "../../src/control/lock.ts";
import {
  type StateFolder,
  createState,
  makeStateFolder,
  openState,
  removeState,
} from "../../src/control/state-folder.ts";
import { compiled } from "../setup/compiled.ts";
import { failureOf } from "./failure.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const onLinux = process.platform === "linux";

async function newFolder(): Promise<StateFolder> {
  return makeStateFolder(await temporaryFolder());
}

/** A lock as `owner` would have left it. */
async function leftBy(folder: StateFolder, owner: LockOwner): Promise<void> {
  await mkdir(join(folder.path, "lock"), { recursive: true });
  await writeFile(join(folder.path, "lock", owner.token), JSON.stringify(owner));
}

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}

describe("two commands at once", () => {
  test("the second waits, is told for whom, and goes on as soon as the first has ended", async () => {
    const folder = await newFolder();
    const first = await acquireLock(folder, "init");
    const told: LockOwner[] = [];
    const events: string[] = [];
    const second = acquireLock(folder, "mode", { onWait: (holder) => told.push(holder) }).then((lock) => {
      events.push("second holds");
      return lock;
    });
    await expect.poll(() => told.length).toBe(1);
    events.push("first ends");
    await first[Symbol.asyncDispose]();
    await (await second)[Symbol.asyncDispose]();
    expect(events).toEqual(["first ends", "second holds"]);
    expect(told).toMatchObject([{ verb: "init", pid: process.pid }]);
  });

  test("the second gives up in the end and says who is at work", async () => {
    const folder = await newFolder();
    await using _first = await acquireLock(folder, "restart");
    for (const waitMs of [0, 30]) {
      const failure = await failureOf(acquireLock(folder, "up", { waitMs }));
      expect(failure.code).toBe("locked");
      expect(failure.message).toContain("pgrep-kit restart");
      expect(failure.message).toContain(`process ${process.pid}`);
      expect(failure.message).toMatch(/since \d{4}-/);
    }
  });

  test("the second can be interrupted while it waits", async () => {
    const folder = await newFolder();
    await using _first = await acquireLock(folder, "restart");
    const controller = new AbortController();
    const waiting = acquireLock(folder, "up", {
      signal: controller.signal,
      onWait: () => controller.abort(),
    });
    await expect(waiting).rejects.toThrow("aborted");
    expect(await readdir(join(folder.path, "lock"))).toHaveLength(1);
  });

  test("many of them follow one another", async () => {
    expect(await mostAtOnce(await newFolder(), 12)).toBe(1);
  });
});

/** How many of `count` commands that want the lock at the same time have it at the same time. */
async function mostAtOnce(folder: StateFolder, count: number): Promise<number> {
  let [holders, most, turns] = [0, 0, 0];
  const contender = async (): Promise<void> => {
    await using _lock = await acquireLock(folder, "up");
    most = Math.max(most, ++holders);
    await delay(1);
    holders--;
    turns++;
  };
  await Promise.all(Array.from({ length: count }, contender));
  expect(turns).toBe(count);
  return most;
}

test("a lock that was given up leaves nothing behind", async () => {
  const folder = await newFolder();
  await writeFile(join(folder.path, "cluster.json"), "{}");
  await (await acquireLock(folder, "up"))[Symbol.asyncDispose]();
  expect((await readdir(folder.path)).toSorted()).toEqual([".gitignore", "cluster.json"]);
});

test("a lock that is kept stays its process's own after it was disposed of", async () => {
  const folder = await newFolder();
  const lock = await acquireLock(folder, "up");
  lock.keep();
  await lock[Symbol.asyncDispose]();
  const failure = await failureOf(acquireLock(folder, "down", { waitMs: 0 }));
  expect([failure.code, failure.message]).toEqual([
    "locked",
    expect.stringContaining(`process ${process.pid}`),
  ]);
});

describe("a lock that was left behind", () => {
  test("by a process that is gone is taken over at once", async () => {
    const folder = await newFolder();
    await leftBy(folder, { ...(await thisProcess("t1", "init")), pid: await deadProcess() });
    await using _lock = await acquireLock(folder, "up", { waitMs: 0 });
    expect(await readdir(join(folder.path, "lock"))).not.toContain("t1");
  });

  test("is taken over by one alone of many that find it at the same time", async () => {
    const folder = await newFolder();
    const pid = await deadProcess();
    for (let round = 0; round < 6; round++) {
      await leftBy(folder, { ...(await thisProcess(`t${round}`, "init")), pid });
      expect(await mostAtOnce(folder, 8)).toBe(1);
    }
  }, 30_000);

  test("by a process whose number was given to another one is taken over at once", async () => {
    const folder = await newFolder();
    await leftBy(folder, { ...(await thisProcess("t1", "init")), started: "1" });
    await using _lock = await acquireLock(folder, "up", { waitMs: 0 });
  });

  test("before a reboot is taken over, although a process of that number runs now", async () => {
    const folder = await newFolder();
    await leftBy(folder, { ...(await thisProcess("t1", "init")), boot: "another boot" });
    await using _lock = await acquireLock(folder, "up", { waitMs: 0 });
  });

  test.each([
    ["on another machine", { host: `not-${hostname()}`, boot: "another boot", pid: 4_000_000 }],
    ["in another container", { pidNamespace: "pid:[1]", pid: 4_000_000 }],
  ])("%s is respected, because nobody can tell from here", async (_, where) => {
    const folder = await newFolder();
    await leftBy(folder, { ...(await thisProcess("t1", "init")), ...where });
    const failure = await failureOf(acquireLock(folder, "up", { waitMs: 0 }));
    expect(failure.code).toBe("locked");
    expect(failure.hint).toContain(`remove ${join(folder.path, "lock")}`);
  });

  test.runIf(onLinux)("by a killed process whose parent has not noticed is taken over at once", async () => {
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const pid = Number(String(((await once(parent.stdout, "data")) as [Buffer])[0]));
    const state = async (): Promise<string> => readFile(`/proc/${pid}/stat`, "utf8");
    await expect.poll(state).toContain(") Z ");
    expect(await lifeOf({ ...(await thisProcess("t1", "init")), pid })).toBe("dead");
  });

  test("and cannot be read is reported, not guessed at", async () => {
    const folder = await newFolder();
    await mkdir(join(folder.path, "lock"));
    await writeFile(join(folder.path, "lock", "t1"), '{"token": "t1"');
    const failure = await failureOf(acquireLock(folder, "up", { waitMs: 0 }));
    expect(failure.code).toBe("state-corrupt");
    expect(failure.hint).toContain("lock");
  });

  test.each(["", "\0".repeat(180)])(
    "without its content (%j), by a crash of the machine, is taken over",
    async (text) => {
      const folder = await newFolder();
      await mkdir(join(folder.path, "lock"));
      await writeFile(join(folder.path, "lock", "t1"), text);
      await using _lock = await acquireLock(folder, "up", { waitMs: 0 });
    },
  );

  test("empty is free", async () => {
    const folder = await newFolder();
    await mkdir(join(folder.path, "lock"));
    await using _lock = await acquireLock(folder, "up", { waitMs: 0 });
  });
});

test("what is written without the lock is cleared away only once it is old", async () => {
  const folder = await newFolder();
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const [name, age] of [
    [".pgpass.0123456789aa.tmp", new Date()],
    ["..gitignore.0123456789ab.tmp", new Date()],
    [".pgpass.0123456789ac.tmp", longAgo],
  ] as const) {
    await writeFile(join(folder.path, name), "");
    await utimes(join(folder.path, name), age, age);
  }
  await using _lock = await acquireLock(folder, "up");
  const left = (await readdir(folder.path)).filter((name) => name.endsWith(".tmp"));
  expect(left.toSorted()).toEqual(["..gitignore.0123456789ab.tmp", ".pgpass.0123456789aa.tmp"]);
});

test("what killed commands left is cleared away, what living ones prepare is not", async () => {
  const folder = await newFolder();
  const [living, dead] = [
    await thisProcess("a1", "up"),
    { ...(await thisProcess("d1", "up")), pid: await deadProcess() },
  ];
  for (const owner of [living, dead]) {
    await mkdir(join(folder.path, `lock.new-${owner.token}`));
    await writeFile(join(folder.path, `lock.new-${owner.token}`, owner.token), JSON.stringify(owner));
  }
  await writeFile(join(folder.path, ".credentials.json.0123456789ab.tmp"), "half a passw");
  await using _lock = await acquireLock(folder, "up");
  expect((await readdir(folder.path)).toSorted()).toEqual([".gitignore", "lock", "lock.new-a1"]);
});

describe("a command that waited for a destroy", () => {
  test("gets the lock and finds no state", async () => {
    const home = await temporaryFolder();
    const folder = await createState(home, {
      cluster: "demo",
      runtime: "process",
      postgres: 17,
      database: "app",
      sample: null,
    });
    const destroy = await acquireLock(folder, "destroy");
    const waiting = acquireLock(folder, "up", { onWait: () => undefined });
    await removeState(folder);
    await destroy[Symbol.asyncDispose]();
    await using _lock = await waiting;
    expect(await openState(home)).toBeNull();
  });

  test("or nobody: then the folder is gone", async () => {
    const home = await temporaryFolder();
    const folder = await createState(home, {
      cluster: "demo",
      runtime: "process",
      postgres: 17,
      database: "app",
      sample: null,
    });
    const destroy = await acquireLock(folder, "destroy");
    await removeState(folder);
    await destroy[Symbol.asyncDispose]();
    expect(await readdir(home)).toEqual([]);
  });
});

test.runIf(onLinux)("a folder that nobody can write to is reported as such", async () => {
  // Not even root makes folders there.
  const failure = await failureOf(acquireLock({ path: "/sys/.pgrep-kit" }, "init"));
  expect(failure.code).toBe("state-unwritable");
  expect(failure.message).toContain("/sys/.pgrep-kit");
});

test("commands of many processes, killed at random with the lock in hand, never hold it together", async () => {
  const home = await temporaryFolder();
  const module = await compiled(join(home, "compiled"), "control/lock");
  const { path } = await makeStateFolder(join(home, "cluster"));
  await writeFile(join(path, "..", "counter"), "0");
  await writeFile(join(path, "..", "done"), "");
  const contender = fileURLToPath(new URL("lock-contender.mjs", import.meta.url));
  let [killed, seed] = [0, 1];
  const rival = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [contender, module, path, "12", "0.06", String(seed++ * 7919)]);
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data: Buffer) => (output += String(data)));
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      expect(output).toBe("");
      expect(code === 0 || signal === "SIGKILL").toBe(true);
      if (signal === "SIGKILL") killed++;
    }
  };
  await Promise.all(Array.from({ length: 5 }, rival));
  const done = (await readFile(join(path, "..", "done"), "utf8")).length;
  expect(await readFile(join(path, "..", "counter"), "utf8")).toBe(String(done));
  expect(done).toBeGreaterThan(30);
  expect(killed).toBeGreaterThan(0);
}, 60_000);
