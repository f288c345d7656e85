import { describe, expect, it } from "vitest";
import { standbyLags } from "../../src/core/lag.ts";
import type { Observation } from "../../src/core/observation.ts";
import { assessLag, LAG_EXIT_CODES, type LagAssessment } from "../../src/monitor/lag.ts";
import { extendTrail, type LagTrail } from "../../src/monitor/lag-trail.ts";
import { DEFAULT_THRESHOLDS } from "../../src/monitor/thresholds.ts";
import { NOW_MS } from "../core/builders/draft.ts";
import { cluster, type World, type WorldBuilder } from "../core/builders/world.ts";

type Options = Parameters<WorldBuilder["standby"]>[2];

const pair = (options: Options = {}, position = "0/5000000"): WorldBuilder =>
  cluster().primary("pg1", "0/5000000").standby("pg2", position, options);

function assess(world: WorldBuilder | World, trail: LagTrail = []): LagAssessment {
  const { spec, authority, observation } = "build" in world ? world.build() : world;
  return assessLag(spec, authority, observation, DEFAULT_THRESHOLDS, trail);
}

const verdict = (world: WorldBuilder): string => assess(world).verdict;
const after = (world: World, ms: number): World => ({
  ...world,
  observation: { ...world.observation, atMs: NOW_MS + ms } satisfies Observation,
});
const remember = (trail: LagTrail, { spec, authority, observation }: World): LagTrail =>
  extendTrail(trail, observation.atMs, standbyLags(spec, authority, observation));

describe("the verdict on lag", () => {
  it("is OK for standbys that keep up, and says who is furthest behind", () => {
    expect(assess(pair())).toMatchObject({ verdict: "ok", message: "1 standby streams, caught up" });
    const some = pair({ sender: { replayLagMs: 2.1 } }, "0/4FFF2E8").standby("pg3", "0/5000000");
    expect(assess(some)).toMatchObject({
      verdict: "ok",
      message: "2 standbys stream; furthest behind is pg2: 3.3 kB, 2.1 ms",
    });
  });

  it("never overlooks a paused replay, although sent and flushed are at zero", () => {
    const paused = pair({ replayed: "0/4F00000", replayPaused: true, sender: { replayLagMs: 8.8 } });
    expect(assess(paused)).toMatchObject({
      verdict: "warning",
      message: "pg2 has its replay paused (1 MB behind)",
      standbys: [{ replayTime: null, band: "concerning" }],
    });
    expect(verdict(pair({ replayPaused: true }))).toBe("warning");
  });

  it("warns at 16 MB and is critical at 256 MB", () => {
    expect(verdict(pair({}, "0/4000001"))).toBe("ok");
    expect(verdict(pair({}, "0/4000000"))).toBe("warning");
    expect(verdict(cluster().primary("pg1", "0/15000000").standby("pg2", "0/5000000"))).toBe("critical");
  });

  it("warns at a second and is critical at a minute, by the replay time", () => {
    const late = (replayLagMs: number): WorldBuilder => pair({ sender: { replayLagMs } }, "0/4FFFFFF");
    expect(verdict(late(999))).toBe("ok");
    expect(verdict(late(1000))).toBe("warning");
    expect(verdict(late(60_000))).toBe("critical");
  });

  it("takes an idle, caught-up standby for what it is, whatever was measured last", () => {
    expect(verdict(pair({ sender: { replayLagMs: 600_000 } }))).toBe("ok");
  });

  it("is critical, never OK, for a standby that its upstream does not know", () => {
    expect(assess(pair({ sender: null }))).toMatchObject({
      verdict: "critical",
      message: "pg2 is not connected: pg1 has no row for it in pg_stat_replication",
    });
    expect(verdict(pair().down("pg2"))).toBe("critical");
    expect(verdict(pair({ follows: null }))).toBe("critical");
  });

  it("is unknown, never OK, where the upstream does not answer, and critical where it is down", () => {
    expect(verdict(pair().unreachable("pg1"))).toBe("unknown");
    expect(verdict(pair().paused("pg1"))).toBe("unknown");
    expect(verdict(pair().down("pg1"))).toBe("critical");
  });

  it("is unknown without any standby, and with a record that is missing", () => {
    expect(assess(cluster().primary("pg1", "0/5000"))).toMatchObject({
      verdict: "unknown",
      message: "no standby to judge",
    });
  });

  it("lets one critical standby speak for all, and unknown before a warning", () => {
    const mixed = pair({ replayPaused: true }).standby("pg3", "0/5000000", { sender: null });
    expect(verdict(mixed)).toBe("critical");
    expect(assess(mixed).message).toContain("pg2 has its replay paused");
  });

  it("warns of a silent standby, even if it owes nothing", () => {
    expect(assess(pair({ sender: { repliedAgoMs: 41_000 } }))).toMatchObject({
      verdict: "warning",
      message: "pg2 has not answered for 41 s",
    });
    expect(verdict(pair({ sender: { repliedAgoMs: 1500 } }))).toBe("ok");
  });

  it("warns while a standby catches up, and of a slot that is about to be lost", () => {
    expect(verdict(pair({ sender: { state: "catchup" } }))).toBe("warning");
    expect(verdict(pair({ slot: { walStatus: "unreserved" } }))).toBe("warning");
    expect(verdict(pair({ slot: { walStatus: "lost" } }))).toBe("critical");
    expect(verdict(pair({ slot: { walStatus: "extended" } }))).toBe("ok");
  });

  it("judges a delayed standby by what it has received and by how late it is beyond its delay", () => {
    const delayed = (replayLagMs: number): WorldBuilder =>
      pair({ delayMs: 3_600_000, replayed: "0/1000000", sender: { replayLagMs } });
    expect(verdict(delayed(3_600_050))).toBe("ok");
    expect(verdict(delayed(3_602_000))).toBe("warning");
  });

  it("leaves out nodes that are not in the file", () => {
    expect(
      assess(pair().standby("pg9", "0/1000000", { notInFile: true, sender: null })).standbys,
    ).toHaveLength(1);
  });

  it("has Nagios' exit codes", () => {
    expect(LAG_EXIT_CODES).toEqual({ ok: 0, warning: 1, critical: 2, unknown: 3 });
  });
});

describe("the lag while watching", () => {
  const paused = (position: string): World =>
    cluster()
      .primary("pg1", position)
      .standby("pg2", position, { replayed: "0/5000000", replayPaused: true, sender: { replayLagMs: 8.8 } })
      .build();

  it("tells how long a paused standby has been behind, at least, once it was seen to be", () => {
    let trail = remember([], paused("0/5000000"));
    trail = remember(trail, after(paused("0/5000100"), 10_000));
    const [standby] = assess(after(paused("0/5000200"), 30_000), trail).standbys;
    expect(standby?.replayTime).toEqual({ ms: 20_000, atLeast: true });
  });

  it("does not count the time in which there was nothing to replay", () => {
    const trail = remember([], paused("0/5000000"));
    expect(assess(after(paused("0/5000200"), 30_000), trail).standbys[0]?.replayTime).toBeNull();
  });

  it("does not believe a measured lag that is shorter than what was seen", () => {
    const stuck = (): World => pair({ sender: { replayLagMs: 8.8 } }, "0/4FF0000").build();
    const trail = remember([], stuck());
    expect(assess(after(stuck(), 45_000), trail).standbys[0]?.replayTime).toEqual({
      ms: 45_000,
      atLeast: true,
    });
  });

  it("forgets it once the standby has caught up", () => {
    const trail = remember([], pair({}, "0/4FF0000").build());
    expect(assess(after(pair().build(), 45_000), trail).standbys[0]?.replayTime).toEqual({
      ms: 0,
      atLeast: false,
    });
  });

  const growing = (mb: number): World =>
    cluster()
      .primary("pg1", `0/${(0x5000000 + mb * 1024 * 1024).toString(16)}`)
      .standby("pg2", "0/5000000", { sender: { replayLagMs: 5 } })
      .build();

  it("is critical for a lag that only ever grows, long before it is large", () => {
    let trail: LagTrail = [];
    for (const [second, mb] of [2, 3, 4, 5].entries())
      trail = remember(trail, after(growing(mb), second * 20_000));
    expect(assess(after(growing(6), 80_000), trail).standbys[0]?.reasons).toContain(
      "has been falling behind for 1.3 min",
    );
  });

  it("is not alarmed by a lag that went down in between", () => {
    let trail: LagTrail = [];
    for (const [second, mb] of [2, 9, 4, 5].entries())
      trail = remember(trail, after(growing(mb), second * 20_000));
    const reasons = assess(after(growing(6), 80_000), trail).standbys[0]?.reasons ?? [];
    expect(reasons.join()).not.toContain("falling behind");
  });

  it("remembers an hour of it and no more", () => {
    let trail: LagTrail = [];
    for (let second = 0; second < 3700; second += 1) trail = extendTrail(trail, second * 1000, []);
    expect(trail).toHaveLength(3600);
    expect(trail[0]?.atMs).toBe(100_000);
  });
});
