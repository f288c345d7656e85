// Commands that are killed or interrupted at every kind of step, again and again. The same command must then go on from
// there to a whole cluster: same data, one primary, nothing left over. Stopping midway is the normal path.
import { access, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import { type Ended, dockerThings, endEverywhere, expectWhole, journal } from "../setup/interrupting.ts";

// Many commands a test: on a busy machine each takes seconds.
vi.setConfig({ testTimeout: 300_000 });

const NODES = ["pg1", "pg2", "pg3"];
let demo: TestCluster;
let destroyed = false;
beforeAll(async () => {
  demo = await startCluster({ bare: true, init: ["--mode", "quorum"] });
});
afterAll(async () => {
  if (!destroyed) await demo[Symbol.asyncDispose]();
});

/** The last run was left in peace and did it; each other one was ended by what it was sent. */
function expectEnds(
  runs: readonly Ended[],
  places: readonly string[],
  codes: readonly (number | null)[],
): void {
  const last = runs.at(-1);
  expect([last?.at, last?.result.code], last?.result.stderr).toEqual(["", 0]);
  expect(runs.map((run) => run.at)).toEqual(expect.arrayContaining([...places]));
  // One that had nothing left to do at its last entry may have ended well before the signal reached it.
  for (const { at, result } of runs) expect([...codes, 0], `${at}\n${result.stderr}`).toContain(result.code);
}

const begun = (...steps: string[]): string[] => steps.map((step) => `step-begin ${step}`);

describe("killed with SIGKILL", () => {
  test("init goes on from wherever it was, and keeps the data that it had made", async () => {
    const runs = await endEverywhere(demo, demo.initArguments, ["SIGKILL"]);
    expectEnds(
      runs,
      begun("record-authority", "initialise", "start", "prepare", "make-slots", "clone", "confirm-rule"),
      [null],
    );
    await expectWhole(demo, NODES);
    const [row] = await demo.sql("pg1", "SHOW synchronous_standby_names");
    expect(row).toEqual({ synchronous_standby_names: "ANY 1 (pg1, pg2, pg3)" });
    expect((await demo.ok(...demo.initArguments)).stderr).toContain("Cluster");
  });

  test("restart brings every server back", async () => {
    const runs = await endEverywhere(demo, ["restart", "--yes"], ["SIGKILL"]);
    expectEnds(runs, begun("stop", "start"), [null]);
    await expectWhole(demo, NODES);
  });

  test("up starts the rest", async () => {
    await demo.ok("down");
    const runs = await endEverywhere(demo, ["up"], ["SIGKILL"]);
    expectEnds(runs, begun("start"), [null]);
    await expectWhole(demo, NODES);
  });

  test("remove-standby leaves neither node nor slot", async () => {
    await demo.ok("add-standby", "pg4");
    await expectWhole(demo, [...NODES, "pg4"]);
    const runs = await endEverywhere(demo, ["remove-standby", "pg4", "--yes"], ["SIGKILL"]);
    expectEnds(runs, begun("remove"), [null]);
    await expectWhole(demo, NODES);
  });
});

describe("interrupted by ^C or SIGTERM, a command ends with 130", () => {
  const POLITE = ["SIGINT", "SIGTERM"] as const;

  test("and mode goes on to the rule and its proof", async () => {
    await demo.ok("mode", "async");
    const runs = await endEverywhere(demo, ["mode", "quorum", "--acks", "2"], POLITE);
    expectEnds(runs, begun("record-authority"), [130]);
    expect((await demo.ok("mode", "-o", "json")).stdout).toMatch(/"acks": 2,[^]*"proof": "proved"/);
    await expectWhole(demo, NODES);
  });

  test("and add-standby goes on to a standby that streams", async () => {
    const runs = await endEverywhere(demo, ["add-standby", "pg4"], POLITE);
    expectEnds(runs, begun("clone"), [130]);
    await expectWhole(demo, [...NODES, "pg4"]);
    await demo.ok("remove-standby", "pg4", "--yes");
  });

  test("and says so in the journal and to the user", async () => {
    const before = (await journal(demo)).at(-1)?.seq ?? 0;
    const running = demo.begin("restart", "--yes");
    await eventually("a step to begin", async () =>
      (await journal(demo)).some((entry) => entry.seq > before && entry.kind === "step-begin"),
    );
    running.child.kill("SIGINT");
    const { code, stderr } = await running.result;
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(/^error: {3}interrupted\nhint: .*the same command goes on/m),
    ]);
    const last = (await journal(demo)).at(-1);
    expect(last).toMatchObject({ kind: "end", exitCode: 130 });
    await demo.ok("up");
    await expectWhole(demo, NODES);
  });

  test("and down stops the rest", async () => {
    const runs = await endEverywhere(demo, ["down"], POLITE);
    expectEnds(runs, begun("stop"), [130]);
    const { nodes } = await demo.status();
    expect(nodes.map((node) => node.state)).toEqual(["stopped", "stopped", "stopped"]);
    await demo.ok("up");
    await expectWhole(demo, NODES);
  });
});

test("^C while a proof is waited for ends at once; the proof stays pending, and is made once the standby is back", async () => {
  await demo.ok("mode", "async");
  const host = await demo.host();
  try {
    await host.pause("pg3");
    const before = (await journal(demo)).at(-1)?.seq ?? 0;
    const running = demo.begin("mode", "quorum", "--acks", "1");
    await eventually("the proof to be waited for", async () =>
      (await journal(demo)).some((entry) => entry.seq > before && entry.step === "confirm-rule"),
    );
    running.child.kill("SIGINT");
    expect((await running.result).code).toBe(130);
    expect((await demo.ok("mode", "-o", "json")).stdout).toMatch(/"mode": "quorum"[^]*"proof": "pending"/);
    await host.resume("pg3");
    await demo.ok("mode", "quorum");
    expect((await demo.ok("mode", "-o", "json")).stdout).toMatch(/"mode": "quorum"[^]*"proof": "proved"/);
    await expectWhole(demo, NODES);
  } finally {
    await host.resume("pg3");
    await host.close();
  }
});

test("a destroy that was killed, and interrupted, removes the rest when it is run again", async () => {
  const host = await demo.host();
  const killed = demo.begin("destroy", "--yes");
  await eventually("the lock to be taken", () =>
    access(join(demo.folder, ".pgrep-kit", "lock")).then(
      () => true,
      () => false,
    ),
  );
  killed.child.kill("SIGKILL");
  await killed.result;
  const interrupted = demo.begin("destroy", "--yes");
  // Its own lock, not the one that the killed command left behind: from then on it listens for signals.
  await eventually("the second to hold the lock, or to have ended", async () => {
    const lock = join(demo.folder, ".pgrep-kit", "lock");
    const [name] = await readdir(lock).catch(() => []);
    const owner = name === undefined ? "" : await readFile(join(lock, name), "utf8").catch(() => "");
    return interrupted.child.exitCode !== null || owner.includes(`"pid":${interrupted.child.pid},`);
  });
  interrupted.child.kill("SIGTERM");
  expect([130, 0]).toContain((await interrupted.result).code);
  await demo.ok("destroy", "--yes");
  destroyed = true;
  expect(await readdir(demo.folder)).toEqual(["pgrep-kit.yaml"]);
  expect([...(await host.list()).keys()]).toEqual([]);
  if (host.kind === "docker") expect(await dockerThings(demo.name)).toEqual([]);
  await host.close();
  await demo[Symbol.asyncDispose]();
});
