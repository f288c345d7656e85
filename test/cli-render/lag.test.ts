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

  it("shows no table where there is nothing to show", () => {
    expect(lines(cluster().primary("pg1", "0/5000"))).toEqual(["LAG UNKNOWN: no standby to judge"]);
  });

  it("fits a narrow terminal", () => {
    for (const line of lines(pair(), { columns: 60 }).slice(2)) expect(line.length).toBeLessThanOrEqual(60);
  });
});
