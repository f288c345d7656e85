import { describe, expect, it } from "vitest";
import { candidacy, type Candidacy } from "../../src/core/candidates.ts";
import { cluster, type WorldBuilder } from "./builders/world.ts";

function ranked(world: WorldBuilder): string[] {
  return choice(world).ranked.map((one) => one.node);
}

function choice(world: WorldBuilder): Candidacy {
  const { spec, authority, observation } = world.build();
  return candidacy(spec, authority, observation);
}

const reasons = (world: WorldBuilder): Record<string, string> =>
  Object.fromEntries(choice(world).rejected.map((one) => [one.node, one.reason]));

describe("candidates", () => {
  it("puts the standby first that received the most WAL, not the one that replayed it", () => {
    const world = cluster()
      .down("pg1")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/6000", { replayed: "0/4000", replayPaused: true });
    expect(ranked(world)).toEqual(["pg3", "pg2"]);
    expect(choice(world).ranked.map((one) => one.behindBytes)).toEqual([0, 0x1000]);
  });

  it("counts a delayed standby by what it received", () => {
    const world = cluster()
      .down("pg1")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5001", { delayMs: 3_600_000, replayed: "0/1000" });
    expect(ranked(world)).toEqual(["pg3", "pg2"]);
  });

  it("breaks ties by priority, then by name", () => {
    const tie = cluster()
      .down("pg1")
      .standby("pg4", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5000", { priority: 10 });
    expect(ranked(tie)).toEqual(["pg3", "pg2", "pg4"]);
  });

  it("does not let priority win over a single byte", () => {
    const world = cluster().down("pg1").standby("pg2", "0/5001").standby("pg3", "0/5000", { priority: 10 });
    expect(ranked(world)).toEqual(["pg2", "pg3"]);
  });

  it("ranks a standby that is still on the timeline before by the same history", () => {
    const world = cluster()
      .forks("0/3000")
      .primary("pg1", "0/5000")
      .standby("pg2", "0/3000", { timeline: 1, forks: [] })
      .standby("pg3", "0/4000");
    expect(ranked(world)).toEqual(["pg3", "pg2"]);
  });

  it("rejects each of the others with its reason", () => {
    const world = cluster()
      .forks("0/3000")
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .primary("pg3", "0/5000")
      .starting("pg4")
      .down("pg5")
      .paused("pg6")
      .unreachable("pg7")
      .absent("pg8")
      .standby("pg9", "0/5000", { systemIdentifier: "42" })
      .standby("pga", "0/4000", { timeline: 1, forks: [] })
      .standby("pgb", "0/5000", { notInFile: true });
    expect(ranked(world)).toEqual(["pg2"]);
    expect(reasons(world)).toEqual({
      pg3: "accepts-writes",
      pg4: "starting",
      pg5: "stopped",
      pg6: "frozen",
      pg7: "unreachable",
      pg8: "no-data",
      pg9: "foreign-data",
      pga: "diverged",
      pgb: "not-in-file",
    });
  });

  it("judges two standbys that contradict each other only where a primary says who is right", () => {
    const standbys = (world: WorldBuilder): WorldBuilder =>
      world
        .standby("pg2", "0/5000", { timeline: 2, forks: ["0/3000"] })
        .standby("pg3", "0/5000", { timeline: 1, forks: [] });
    const seen = standbys(cluster().forks("0/3000").primary("pg1", "0/5000"));
    expect(choice(seen)).toMatchObject({ contradicting: [], ranked: [{ node: "pg2" }] });
    expect(choice(seen.down("pg1")).contradicting).toEqual(["pg3"]);
  });

  it("sees that two timelines of one number are not one timeline", () => {
    const world = cluster()
      .down("pg1")
      .standby("pg2", "0/5000", { timeline: 2, forks: ["0/3000"] })
      .standby("pg3", "0/4000", { timeline: 2, forks: ["0/2000"] });
    expect(choice(world).contradicting).toEqual(["pg3"]);
  });

  it("finds nobody in an empty world", () => {
    expect(choice(cluster().primary("pg1", "0/5000"))).toEqual({
      ranked: [],
      rejected: [],
      contradicting: [],
    });
  });
});
