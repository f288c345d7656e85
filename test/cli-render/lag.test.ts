import { describe, expect, it } from "vitest";
import { renderLag } from "../../src/cli/render/lag.ts";
import { assessLag } from "../../src/monitor/lag.ts";
import { parseThresholds } from "../../src/monitor/thresholds.ts";
import { cluster, type WorldBuilder } from "../core/builders/world.ts";
import { plain } from "./screen.ts";

function lines(
  world: WorldBuilder,
  options: { columns?: number; data?: boolean; warn?: string; crit?: string } = {},
): string[] {
  const { spec, authority, observation } = world.build();
  const parsed = parseThresholds(options.warn, options.crit);
  if (!parsed.ok) throw new Error(parsed.message);
  const assessment = assessLag(spec, authority, observation, parsed.thresholds, []);
  return renderLag(assessment, plain(options.columns), options.data ?? false);
}

const pair = (): WorldBuilder =>
  cluster()
    .primary("pg1", "0/5A01C28")
    .standby("pg2", "0/5A00F10", { sender: { writeLagMs: 0.3, flushLagMs: 1.2, replayLagMs: 2.1 } });

describe("the lag screen", () => {
  it("shows every stage in bytes and in time", () => {
    expect(lines(pair())).toEqual([
      "LAG OK: 1 standby streams; furthest behind is pg2: 3.3 kB, 2.1 ms",
      "",
      "  STANDBY  FROM  STATE      BEHIND          IS    SEND    WRITE           FLUSH           SLOT KEEPS",
      "  pg2      pg1   streaming  3.3 kB  2.1 ms  good  3.3 kB  3.3 kB  0.3 ms  3.3 kB  1.2 ms  3.3 kB",
    ]);
  });

  it("gives Nagios its data on the first line", () => {
    expect(lines(pair(), { data: true })[0]).toBe(
      "LAG OK: 1 standby streams; furthest behind is pg2: 3.3 kB, 2.1 ms | pg2_replay=3352B;16777216;268435456;0 " +
        "pg2_replay_time=0.0021s;1;60;0 pg2_slot=3352B;;;0",
    );
  });

  it("has no limit in the data for what is not judged, and U for what is not known", () => {
    const [first] = lines(pair().unreachable("pg1"), { data: true, warn: "1s", crit: "2s" });
    expect(first).toContain(
      "LAG UNKNOWN: pg2 cannot be judged: pg1 does not answer | pg2_replay=U pg2_replay_time=U pg2_slot=U",
    );
    expect(lines(pair(), { data: true, warn: "1s", crit: "2s" })[0]).toContain("pg2_replay=3352B;;;0");
  });

  it.each([
    ["OK", pair()],
    ["WARNING", cluster().primary("pg1", "0/5000").standby("pg2", "0/5000", { replayPaused: true })],
    ["CRITICAL", pair().down("pg2")],
    ["UNKNOWN", pair().unreachable("pg1")],
  ])("begins with LAG %s", (word, world) => {
    expect(lines(world)[0]).toMatch(new RegExp(`^LAG ${word}: `));
  });

  it("shows a paused replay as such, with its bytes and without the stale time", () => {
    const paused = cluster()
      .primary("pg1", "0/5000000")
      .standby("pg2", "0/5000000", {
        replayed: "0/4800000",
        replayPaused: true,
        sender: { replayLagMs: 8.8 },
      });
    expect(lines(paused).at(-1)).toMatch(/^ {2}pg2 +pg1 +replay paused +8 MB +– +concerning +0 B/);
  });

  it.each([
    ["split brain", pair().primary("pg3", "0/5A02000", { timeline: 2, forks: ["0/5A00000"] })],
    ["frozen", pair().standby("pg3", "0/5A01C28").paused("pg3")],
    ["crashed", pair().standby("pg3", "0/5A01C28").down("pg3")],
    ["missing", pair().standby("pg3", "0/5A01C28").absent("pg3")],
    ["unreachable", pair().standby("pg3", "0/5A01C28").unreachable("pg3")],
    ["starting", pair().standby("pg3", "0/5A01C28").starting("pg3")],
    ["wrong upstream", pair().standby("pg3", "0/5A00F10", { follows: "pg2" })],
    ["not connected", pair().standby("pg3", "0/5A01C28", { sender: null })],
  ])("says %s of such a standby, which nobody may take for a streaming one", (state, world) => {
    expect(lines(world).at(-1)).toMatch(new RegExp(`^ {2}pg3 +pg\\d +${state} `));
  });

  it("keeps a server's own words on the first line, and apart from the data", () => {
    const world = pair().standby("pg3", "0/5A01C28").unreachable("pg3", "one | two\n  three");
    expect(lines(world, { data: true })[0]).toMatch(
      /^LAG CRITICAL: pg3 does not answer: one \/ two three, is not connected: [^|]* \| pg2_replay=/,
    );
  });

  it("does not say what a standby does whose upstream nobody saw", () => {
    expect(lines(pair().unreachable("pg1")).at(-1)).toMatch(/^ {2}pg2 +pg1 +– /);
  });

  it("shows no table where there is nothing to show", () => {
    expect(lines(cluster().primary("pg1", "0/5000"))).toEqual(["LAG UNKNOWN: no standby to judge"]);
  });

  it("fits a narrow terminal", () => {
    for (const line of lines(pair(), { columns: 60 }).slice(2)) expect(line.length).toBeLessThanOrEqual(60);
  });
});
