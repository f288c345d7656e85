// Several commands, or a person and a command, at the same cluster at once: one waits or is refused, never both at work,
// and what comes out is what one of the orders would have given.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { acquireLock } from "../../src/control/lock.ts";
import {
  type CommandResult,
  type RunningCommand,
  type TestCluster,
  eventually,
  startCluster,
} from "../setup/cluster.ts";
import { expectWhole, journal, thingsOf } from "../setup/interrupting.ts";

// Many commands a test: on a busy machine each takes seconds.
vi.setConfig({ testTimeout: 300_000 });

const NODES = ["pg1", "pg2", "pg3"];
let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ bare: true });
});
afterAll(() => demo[Symbol.asyncDispose]());

/** What a command has said so far. */
function hears({ child }: RunningCommand): () => string {
  let said = "";
  child.stderr?.on("data", (text: string) => (said += text));
  return () => said;
}

/** Done, or refused because another one was at work for too long. */
function expectInTurn(results: readonly CommandResult[]): void {
  for (const { code, stderr } of results) {
    expect([0, 5], stderr).toContain(code);
    if (code === 5) expect(stderr).toMatch(/has been at work on this cluster since/);
  }
  expect(results.map((result) => result.code)).toContain(0);
}

/** From its first entry to its last no other command wrote into the journal. */
async function expectNoneInterleaved(): Promise<void> {
  const order = (await journal(demo)).map((entry) => entry.command);
  const blocks = order.filter((command, index) => command !== order[index - 1]);
  expect(blocks).toEqual([...new Set(blocks)]);
}

describe("at the same time", () => {
  test("four inits make one cluster; one with another wish makes none", async () => {
    const other = demo.initArguments.map((word) => (word === "3" ? "2" : word));
    const all = await Promise.all(
      [demo.initArguments, demo.initArguments, demo.initArguments, other].map((args) => demo.cli(...args)),
    );
    const nodes = (parse(await demo.readFile("pgrep-kit.yaml")) as { nodes: unknown[] }).nodes.length;
    // Whoever was first has said what the cluster is.
    const [granted, denied] = nodes === 3 ? [all.slice(0, 3), all.slice(3)] : [all.slice(3), all.slice(0, 3)];
    expectInTurn(granted);
    for (const { code, stderr } of denied) {
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(
          /is there already and says something else[^]*--nodes \d, where the file says \d/,
        ),
      ]);
    }
    await expectNoneInterleaved();
    if (nodes === 2) await demo.ok("add-standby", "pg3");
    await expectWhole(demo, NODES);
  });

  test("opposite commands follow one another, and file, record and servers agree in the end", async () => {
    const wishes = [
      ["mode", "quorum"],
      ["mode", "async"],
      ["add-standby", "pg4"],
      ["mode", "sync", "--acks", "2"],
      ["restart", "pg2"],
    ];
    expectInTurn(await Promise.all(wishes.map((wish) => demo.cli(...wish))));
    await expectNoneInterleaved();
    const { mode } = (parse(await demo.readFile("pgrep-kit.yaml")) as { replication: { mode: string } })
      .replication;
    expect(JSON.parse((await demo.ok("mode", "-o", "json")).stdout)).toMatchObject({ mode });
    const names = await Promise.all(
      NODES.map(async (node) => (await demo.sql(node, "SHOW synchronous_standby_names"))[0]),
    );
    expect(new Set(names.map((row) => row?.["synchronous_standby_names"])).size).toBe(1);
    await demo.cli("add-standby", "pg4");
    await expectWhole(demo, [...NODES, "pg4"]);
    await demo.ok("remove-standby", "pg4", "--yes");
  });

  test("who waits is told for whom, can be interrupted, and takes over from a command that was killed", async () => {
    const before = (await journal(demo)).at(-1)?.seq ?? 0;
    const holder = demo.begin("restart", "--yes");
    await eventually("a step to begin", async () =>
      (await journal(demo)).some((entry) => entry.seq > before && entry.kind === "step-begin"),
    );
    holder.child.kill("SIGSTOP");
    const impatient = demo.begin("mode", "quorum");
    const patient = demo.begin("up");
    const said = [hears(impatient), hears(patient)];
    const words = new RegExp(`Waiting for pgrep-kit restart \\(process ${holder.child.pid}\\) to end`);
    await eventually("both to wait", async () => said.every((each) => words.test(each())));
    impatient.child.kill("SIGINT");
    expect((await impatient.result).code).toBe(130);
    // A reader waits for nobody.
    expect((await demo.cli("status", "-o", "json")).stdout).toMatch(/"primary": "pg1"/);
    holder.child.kill("SIGKILL");
    expect((await patient.result).code).toBe(0);
    await holder.result;
    await expectWhole(demo, NODES);
  });
});

describe("an editor at the file", () => {
  const remark = "# edited by hand\n";

  test("what was edited while a command waited for its turn is kept, and its own edit added", async () => {
    const before = await demo.readFile("pgrep-kit.yaml");
    const lock = await acquireLock({ path: join(demo.folder, ".pgrep-kit") }, "test");
    const waiting = demo.begin("mode", "quorum");
    const said = hears(waiting);
    try {
      await eventually("the command to wait", async () => said().includes("Waiting for pgrep-kit test"));
      await demo.writeFile("pgrep-kit.yaml", remark + before.replace(/acks: \d/, "acks: 2"));
    } finally {
      await lock[Symbol.asyncDispose]();
    }
    expect((await waiting.result).code).toBe(0);
    const after = await demo.readFile("pgrep-kit.yaml");
    expect(after.startsWith(remark)).toBe(true);
    expect(parse(after)).toMatchObject({ replication: { mode: "quorum", acks: 2 } });
    expect((await demo.sql("pg1", "SHOW synchronous_standby_names"))[0]).toEqual({
      synchronous_standby_names: "ANY 2 (pg1, pg2, pg3)",
    });
  });

  test("what is edited under a command that wants to edit it stops that command, and nothing was done", async () => {
    const edited = `${remark}${await demo.readFile("pgrep-kit.yaml")}`;
    const blocker = await demo.connect("pg1");
    const watcher = await demo.connect("pg1");
    try {
      // Looking at the primary waits for this lock: the command has read the file by then, and not yet written it.
      await blocker.query("BEGIN; LOCK TABLE pg_shdescription IN ACCESS EXCLUSIVE MODE");
      const adding = demo.begin("add-standby", "pg4");
      await eventually("the command to look at the primary", async () => {
        const { rows } = await watcher.query(
          "SELECT FROM pg_stat_activity WHERE application_name = 'pgrep-kit' AND wait_event_type = 'Lock'",
        );
        return rows.length > 0;
      });
      await demo.writeFile("pgrep-kit.yaml", edited);
      await blocker.query("ROLLBACK");
      const { code, stderr } = await adding.result;
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^error: {3}.*pgrep-kit\.yaml was edited while the command ran\n[^]*hint: /),
      ]);
    } finally {
      await blocker.end();
      await watcher.end();
    }
    expect(await demo.readFile("pgrep-kit.yaml")).toBe(edited);
    expect(await thingsOf(demo)).toEqual(NODES);
    await expectWhole(demo, NODES);
  });

  test("a file that was broken meanwhile is told with its place, and the servers run on", async () => {
    const whole = await demo.readFile("pgrep-kit.yaml");
    await demo.writeFile("pgrep-kit.yaml", whole.replace("mode: quorum", "mode: semi"));
    const { code, stderr } = await demo.cli("up");
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/pgrep-kit\.yaml:\d+:\d+: replication\.mode must be/),
    ]);
    await demo.writeFile("pgrep-kit.yaml", whole);
    await expectWhole(demo, NODES);
  });
});

test("two destroys at once, and commands that come too late, leave nothing at all", async () => {
  const [first, second, late] = [
    demo.begin("destroy", "--yes"),
    demo.begin("destroy", "--yes"),
    demo.begin("down"),
  ];
  const [one, two, three] = [await first.result, await second.result, await late.result];
  expect([one.code, two.code], one.stderr + two.stderr).toEqual([0, 0]);
  if (three.code !== 0)
    expect([three.code, three.stderr]).toEqual([2, expect.stringMatching(/was never made here/)]);
  expect(await readdir(demo.folder)).toEqual(["pgrep-kit.yaml"]);
});
