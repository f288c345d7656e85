import { describe, expect, it } from "vitest";
import {
  arithmeticText,
  lossOutlook,
  type LossOutlook,
  type OutlookCode,
} from "../../src/core/loss-outlook.ts";
import { cluster, proof, type WorldBuilder } from "./builders/world.ts";

function outlook(world: WorldBuilder): LossOutlook {
  const { spec, authority, observation } = world.build();
  return lossOutlook(spec, authority, observation);
}

const reasons = (world: WorldBuilder): OutlookCode[] => {
  const found = outlook(world);
  return found.kind === "refused" ? found.reasons.map((one) => one.code) : [];
};

const three = (): WorldBuilder =>
  cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").standby("pg3", "0/4000");

describe("what a failover would lose", () => {
  it("is nothing, by arithmetic, when quorum commit is proved and enough standbys are reached", () => {
    const found = outlook(three().quorum(1));
    expect(found).toMatchObject({ kind: "proved", candidate: "pg2" });
    expect(found.kind === "proved" && found.arithmetic.map(arithmeticText)).toEqual([
      "2 reached + 1 confirms > 2 listed",
    ]);
  });

  it("is the same once the primary is gone", () => {
    expect(outlook(three().quorum(1).down("pg1"))).toMatchObject({ kind: "proved", candidate: "pg2" });
    expect(outlook(three().quorum(1).unreachable("pg1"))).toMatchObject({ kind: "proved" });
  });

  it("cannot be proved with one of two standbys when one confirms, and can when both do", () => {
    expect(outlook(three().quorum(1).down("pg3"))).toMatchObject({
      kind: "refused",
      reasons: [{ code: "quorum-not-reached", message: "1 reached + 1 confirms is not more than 2 listed" }],
      accepting: { candidate: "pg2", boundBytes: 0 },
    });
    expect(outlook(three().quorum(2).down("pg3"))).toMatchObject({ kind: "proved" });
  });

  it("counts FIRST as it counts ANY", () => {
    expect(outlook(three().sync(1))).toMatchObject({ kind: "proved" });
    expect(reasons(three().sync(1).down("pg2"))).toEqual(["quorum-not-reached"]);
  });

  it("counts a reached standby that is not listed for nothing, but may choose it", () => {
    const world = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/4000")
      .standby("pg3", "0/4500")
      .standby("pg4", "0/5000")
      .quorum(1, { among: ["pg1", "pg2", "pg3"] });
    expect(outlook(world)).toMatchObject({ kind: "proved", candidate: "pg4" });
    expect(reasons(world.down("pg3"))).toEqual(["quorum-not-reached"]);
  });

  it("needs both the old and the new arithmetic while a rule changes", () => {
    const { authority } = three().quorum(1).build();
    const rule = authority.rule;
    if (rule === null) throw new Error("a rule is demanded");
    const both = three()
      .quorum(2)
      .proofs(proof(rule, "0/1000"), proof({ ...rule, acks: 2 }));
    expect(outlook(both)).toMatchObject({ kind: "proved", arithmetic: [{}, {}] });
    // Two must confirm: one of two would do for the new rule alone.
    expect(reasons(both.down("pg3"))).toEqual(["quorum-not-reached"]);
  });

  it("is bounded by what the best standby has not received when commits wait for nobody", () => {
    const world = cluster().primary("pg1", "0/5000").standby("pg2", "0/4C00").standby("pg3", "0/4000");
    expect(outlook(world)).toEqual({ kind: "lossy", candidate: "pg2", boundBytes: 0x400 });
    expect(outlook(three())).toEqual({ kind: "lossy", candidate: "pg2", boundBytes: 0 });
  });

  it("has no bound when commits wait for nobody and the primary is not seen", () => {
    expect(outlook(three().down("pg1"))).toEqual({ kind: "lossy", candidate: "pg2", boundBytes: null });
  });

  it("is not proved while the proof is pending", () => {
    expect(reasons(three().quorum(1).pending())).toEqual(["proof-pending"]);
    expect(reasons(three().quorum(1).proved())).toEqual([]);
  });

  it("is not proved when the primary does not run by the proved rule", () => {
    const tampered = cluster()
      .primary("pg1", "0/5000", { configuration: { synchronousStandbyNames: "" } })
      .standby("pg2", "0/5000")
      .quorum(1);
    expect(reasons(tampered)).toEqual(["proof-void"]);
    expect(reasons(tampered.down("pg1"))).toEqual([]);
  });

  it("is not proved when the files of a stopped primary hold other settings than the proved rule", () => {
    const gone = (synchronousStandbyNames: string): WorldBuilder =>
      three()
        .quorum(1)
        .down("pg1", { synchronous: { synchronousStandbyNames, synchronousCommit: "on" } });
    expect(reasons(gone(""))).toEqual(["proof-void"]);
    expect(outlook(gone("ANY 1 (pg1, pg2, pg3)"))).toMatchObject({ kind: "proved" });
  });

  it("is refused in a split brain, whatever the arithmetic says", () => {
    const world = three().quorum(1).primary("pg4", "0/6000");
    expect(reasons(world)).toContain("split-brain");
    expect(outlook(world)).toMatchObject({ accepting: null });
  });

  it("is refused when histories contradict each other", () => {
    const world = cluster()
      .down("pg1")
      .standby("pg2", "0/5000", { timeline: 2, forks: ["0/3000"] })
      .standby("pg3", "0/5000", { timeline: 1, forks: [] });
    expect(reasons(world)).toEqual(["contradicting-histories"]);
  });

  it("is refused when there is nobody to promote", () => {
    expect(reasons(three().down("pg2").unreachable("pg3"))).toEqual(["no-candidate"]);
  });

  it("does not count a diverged standby as reached", () => {
    const world = cluster()
      .forks("0/3000")
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/4000", { timeline: 1, forks: [] })
      .quorum(1);
    expect(reasons(world)).toEqual(["quorum-not-reached"]);
  });

  it("does not count a listed standby that is older than the proof", () => {
    const world = three().quorum(1).proved("0/4800");
    expect(reasons(world)).toEqual(["quorum-not-reached"]);
    expect(outlook(three().quorum(1).proved("0/4000"))).toMatchObject({ kind: "proved" });
  });

  it("is nothing to speak of before there is a cluster", () => {
    expect(outlook(three().authority({ systemIdentifier: null }))).toEqual({ kind: "none" });
    const { spec, observation } = three().build();
    expect(lossOutlook(spec, null, observation)).toEqual({ kind: "none" });
  });

  it("writes the arithmetic with the right number", () => {
    const found = outlook(three().standby("pg4", "0/4000").quorum(2));
    expect(found.kind === "proved" && found.arithmetic.map(arithmeticText)).toEqual([
      "3 reached + 2 confirm > 3 listed",
    ]);
  });
});
