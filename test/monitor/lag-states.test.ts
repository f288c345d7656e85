// Whatever a node of the file may be doing, `lag` lists it, names it, and calls it good only if it is.
import { describe, expect, it } from "vitest";
import { lagReport } from "../../src/monitor/lag-report.ts";
import { assessLag, type LagAssessment } from "../../src/monitor/lag.ts";
import { DEFAULT_THRESHOLDS } from "../../src/monitor/thresholds.ts";
import { cluster, type World, type WorldBuilder } from "../core/builders/world.ts";

type Options = Parameters<WorldBuilder["standby"]>[2];

const three = (options: Options = {}, position = "0/5000000"): WorldBuilder =>
  cluster().primary("pg1", "0/5000000").standby("pg2", "0/5000000").standby("pg3", position, options);

/** pg3 was promoted at 0/4FFFF00 and nobody told the record. */
const promoted = (options: Options = {}): WorldBuilder =>
  cluster()
    .primary("pg1", "0/5000000")
    .standby("pg2", "0/5000000")
    .primary("pg3", "0/5000100", { timeline: 2, forks: ["0/4FFFF00"], ...options });

function assess(world: WorldBuilder | World): LagAssessment {
  const { spec, authority, observation } = "build" in world ? world.build() : world;
  return assessLag(spec, authority, observation, DEFAULT_THRESHOLDS, []);
}

/** A row for pg3 on pg1 that outlived its standby, as after a silent loss of the network. */
function withStaleRow(world: WorldBuilder): World {
  const broken = world.build();
  const healthy = three({}, "0/4FD2F00").build().observation.nodes["pg1"];
  if (healthy?.kind !== "primary") throw new Error("it is the primary");
  const nodes = { ...broken.observation.nodes, pg1: healthy };
  return { ...broken, observation: { ...broken.observation, nodes } };
}

/** pg3 streams from a server that is no node of the cluster. */
function astray(): World {
  const world = three({ sender: null }).build();
  const pg3 = world.observation.nodes["pg3"];
  if (pg3?.kind !== "standby") throw new Error("it is a standby");
  const receiver = { streaming: true, host: "elsewhere", port: 5432 };
  const nodes = { ...world.observation.nodes, pg3: { ...pg3, receiver } };
  return { ...world, observation: { ...world.observation, nodes } };
}

const stateOf = (world: WorldBuilder | World, node = "pg3"): string | undefined =>
  lagReport(assess(world)).standbys.find((one) => one.node === node)?.state;

describe("a standby that was promoted", () => {
  it("is critical, named, and still in the list", () => {
    const found = assess(promoted());
    expect(found).toMatchObject({
      verdict: "critical",
      message: "pg3 accepts writes without authority (split brain)",
    });
    expect(lagReport(found).standbys).toMatchObject([
      { node: "pg2", state: "streaming", band: "good" },
      { node: "pg3", state: "split-brain", band: "critical", replayLagBytes: null },
    ]);
  });

  it("is critical while the row of its last connection is still there", () => {
    expect(assess(withStaleRow(promoted()))).toMatchObject({
      verdict: "critical",
      message: expect.stringMatching(/^pg3 accepts writes without authority \(split brain\)/),
    });
  });

  it("is critical though the primary is down", () => {
    expect(assess(promoted().down("pg1")).message).toMatch(
      /^pg2 receives nothing: pg1 is down; pg3 accepts writes/,
    );
  });

  it("is critical though the file does not name it", () => {
    expect(assess(promoted({ notInFile: true }))).toMatchObject({
      verdict: "critical",
      message: "pg3 accepts writes without authority (split brain)",
      standbys: [{ lag: { node: "pg2" } }],
    });
  });

  it("makes whoever follows it critical, however well it streams", () => {
    const followed = cluster()
      .primary("pg1", "0/5000000")
      .standby("pg2", "0/4FFFF00", { follows: "pg3" })
      .primary("pg3", "0/4FFFF00", { timeline: 2, forks: ["0/4FFFF00"] });
    const found = assess(followed);
    expect(found.verdict).toBe("critical");
    expect(found.standbys[0]?.reasons).toEqual(["follows pg3, which accepts writes without authority"]);
  });
});

describe("a frozen standby", () => {
  it("is critical at once, though its upstream still takes it for streaming", () => {
    const found = assess(withStaleRow(three().paused("pg3")));
    expect(found).toMatchObject({
      verdict: "critical",
      message: "pg3 is frozen and may wake up at any moment (180 kB behind)",
    });
    expect(lagReport(found).standbys[1]).toMatchObject({ state: "frozen", senderState: "streaming" });
  });

  it("is critical though it owes nothing, and once its upstream has given it up", () => {
    const gone = "pg3 is frozen and may wake up at any moment";
    expect(assess(three().paused("pg3"))).toMatchObject({ verdict: "critical", message: gone });
  });

  it("leaves those that receive from it unknown", () => {
    const cascade = three().standby("pg4", "0/5000000", { upstream: "pg3" }).paused("pg3");
    expect(assess(cascade)).toMatchObject({
      verdict: "critical",
      message: "pg3 is frozen and may wake up at any moment; pg4 cannot be judged: pg3 is frozen",
    });
  });
});

describe("a standby of the file", () => {
  it.each<[string, string, string, WorldBuilder | World]>([
    ["stopped", "critical", "pg3 has been stopped for 12 s", three().down("pg3", { clean: true })],
    ["crashed", "critical", "pg3 has been stopped for 12 s, without a clean shutdown", three().down("pg3")],
    [
      "crashed",
      "critical",
      "pg3 has been stopped for 12 s, without a clean shutdown",
      withStaleRow(three().down("pg3")),
    ],
    ["missing", "critical", "pg3 has no data directory", three().absent("pg3")],
    [
      "half-copied",
      "critical",
      "pg3 holds an unfinished copy, which nothing is started from",
      three().absent("pg3", { debris: true }),
    ],
    [
      "starting",
      "critical",
      "pg3 is starting: the database system is starting up, is not connected: pg1 has no row for it in pg_stat_replication",
      three().starting("pg3"),
    ],
    [
      "starting",
      "warning",
      "pg3 is starting: the database system is starting up",
      withStaleRow(three().starting("pg3")),
    ],
    [
      "unreachable",
      "critical",
      "pg3 does not answer: connection timed out, is not connected: pg1 has no row for it in pg_stat_replication",
      three().unreachable("pg3"),
    ],
    [
      "unreachable",
      "warning",
      "pg3 does not answer: connection timed out",
      withStaleRow(three().unreachable("pg3")),
    ],
    ["disconnected", "critical", "pg3 receives nothing from pg1", withStaleRow(three({ receiver: false }))],
    [
      "disconnected",
      "critical",
      "pg3 is connected to pg1, but does not stream",
      three({ receiver: "waiting" }),
    ],
    ["wrong-upstream", "warning", "pg3 follows pg2, the file says pg1", three({ follows: "pg2" })],
    ["wrong-upstream", "critical", "pg3 follows elsewhere:5432, the file says pg1", astray()],
    [
      "slot-lost",
      "critical",
      "pg3 needs WAL that is gone: its slot kept max_slot_wal_keep_size and no more",
      three({ receiver: false, slot: { walStatus: "lost" } }),
    ],
    [
      "disconnected",
      "critical",
      "pg3 holds WAL that is no part of pg1's history: they parted at 0/4000000 on timeline 1",
      three({ receiver: false, timeline: 2, forks: ["0/4000000"] }),
    ],
    [
      "streaming",
      "critical",
      "pg3 holds the data of another cluster (system identifier 7, ours is 7300000000000000001)",
      three({ systemIdentifier: "7" }),
    ],
  ])("that is %s is %s: %s", (state, verdict, message, world) => {
    expect(assess(world)).toMatchObject({ verdict, message });
    expect(stateOf(world)).toBe(state);
  });

  it("is listed in every state, and never good in any but one", () => {
    for (const world of [three().down("pg3"), three().absent("pg3"), three().paused("pg3"), promoted()]) {
      const { standbys } = assess(world);
      expect(standbys.map((one) => one.lag.node)).toEqual(["pg2", "pg3"]);
      expect(standbys.map((one) => one.band)).toEqual(["good", "critical"]);
    }
  });
});

describe("without its primary", () => {
  it.each<[string, string, WorldBuilder]>([
    ["critical", "pg2 receives nothing: pg1 is down", three().down("pg1")],
    ["critical", "pg2 receives nothing: pg1 is down", three().absent("pg1")],
    ["critical", "pg2 receives nothing: pg1 is starting", three().starting("pg1")],
    ["unknown", "pg2 cannot be judged: pg1 does not answer", three().unreachable("pg1")],
    ["unknown", "pg2 cannot be judged: pg1 is frozen", three().paused("pg1")],
  ])("a standby is %s: %s", (verdict, message, world) => {
    const found = assess(world);
    expect(found.verdict).toBe(verdict);
    expect(found.message).toBe(`${message}; ${message.replace("pg2", "pg3")}`);
  });

  it("is critical, and names it, when the node that may write runs as a standby", () => {
    const asleep = cluster()
      .standby("pg1", "0/5000000", { receiver: false })
      .standby("pg2", "0/5000000")
      .authority({ primary: "pg1" });
    const found = assess(asleep);
    expect(found.verdict).toBe("critical");
    expect(found.message).toMatch(/^pg1 has the authority, but runs as a standby/);
    expect(stateOf(asleep, "pg1")).toBe("in-recovery");
  });

  it("is critical of a split brain of two that both lack authority", () => {
    const found = assess(promoted().down("pg1").primary("pg4", "0/5000200", { timeline: 2, forks: [] }));
    expect(found.message).toContain("pg3 accepts writes without authority (split brain)");
    expect(found.message).toContain("pg4 accepts writes without authority (split brain)");
  });
});

describe("without a record of who may write", () => {
  const without = (world: WorldBuilder): LagAssessment => {
    const { spec, observation } = world.build();
    return assessLag(spec, null, observation, DEFAULT_THRESHOLDS, []);
  };

  it("is unknown, however well everything streams", () => {
    expect(without(three())).toMatchObject({
      verdict: "unknown",
      message: expect.stringMatching(/^no record says who may be primary/),
    });
  });

  it("loses no node of the file", () => {
    const { verdict, standbys } = without(three().down("pg3"));
    expect([verdict, standbys.map((one) => one.lag.node)]).toEqual(["critical", ["pg2", "pg3"]]);
    expect(without(promoted()).standbys.map((one) => one.lag.node)).toEqual(["pg1", "pg2", "pg3"]);
  });
});
