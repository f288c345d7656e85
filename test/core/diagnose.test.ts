import { describe, expect, it } from "vitest";
import { diagnose, type Diagnosis, type NodeDiagnosis } from "../../src/core/diagnose.ts";
import { NODE_STATES } from "../../src/core/diagnose/node-state.ts";
import { cluster, type WorldBuilder } from "./builders/world.ts";

const three = (): WorldBuilder =>
  cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").standby("pg3", "0/4000");

function diagnosis(world: WorldBuilder): Diagnosis {
  const { spec, authority, observation } = world.build();
  return diagnose(spec, authority, observation);
}

function node(world: WorldBuilder, name: string): NodeDiagnosis {
  const found = diagnosis(world).nodes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe("the verdict", () => {
  it("is healthy when everything is as the file asks", () => {
    expect(diagnosis(three())).toMatchObject({ verdict: "healthy", findings: [], next: [] });
    expect(diagnosis(three().quorum(1)).verdict).toBe("healthy");
  });

  it("is degraded as soon as a standby is away, and healthy with a mere note", () => {
    expect(diagnosis(three().down("pg3")).verdict).toBe("degraded");
    const noted = three().build();
    const delayed = cluster().primary("pg1", "0/5000").standby("pg2", "0/5000", { delayMs: 60_000 });
    expect(noted.spec.nodes).toHaveLength(3);
    expect(diagnosis(delayed)).toMatchObject({
      verdict: "healthy",
      findings: [{ code: "delayed", severity: "note" }],
    });
  });

  it("calls the primary lost only when its host says that it is stopped or gone", () => {
    expect(diagnosis(three().down("pg1")).verdict).toBe("primary-lost");
    expect(diagnosis(three().absent("pg1")).verdict).toBe("primary-lost");
    expect(diagnosis(three().unreachable("pg1")).verdict).toBe("unknown");
    expect(diagnosis(three().paused("pg1")).verdict).toBe("unknown");
    expect(diagnosis(three().starting("pg1")).verdict).toBe("degraded");
  });

  it("calls the primary lost when it runs, but as a standby", () => {
    const world = cluster()
      .standby("pg1", "0/5000", { follows: null })
      .standby("pg2", "0/5000")
      .authority({ primary: "pg1" });
    expect(diagnosis(world)).toMatchObject({ verdict: "primary-lost" });
    expect(node(world, "pg1").state).toBe("in-recovery");
  });

  it("never calls an unreachable primary dead, whatever it says about a failover", () => {
    const { findings } = diagnosis(three().unreachable("pg1", "connection refused"));
    expect(findings[0]).toMatchObject({ code: "primary-unseen", node: "pg1" });
    expect(findings[0]?.message).toBe(
      "pg1 does not answer (connection refused), which proves nothing about it",
    );
  });

  it("is split brain when a second node accepts writes, whether the primary answers or not", () => {
    const both = cluster()
      .primary("pg1", "0/5000")
      .primary("pg2", "0/6000", { timeline: 2, forks: ["0/4800"] });
    expect(diagnosis(both).verdict).toBe("split-brain");
    expect(diagnosis(both.unreachable("pg1")).verdict).toBe("split-brain");
    expect(diagnosis(both.down("pg1")).verdict).toBe("split-brain");
    expect(node(both, "pg2").state).toBe("split-brain");
    expect(node(both, "pg1").state).toBe("running");
  });

  it("is split brain by the record, not by the file: the old primary is the one without authority", () => {
    const world = cluster()
      .primary("pg1", "0/5000")
      .primary("pg2", "0/6000", { timeline: 2, forks: ["0/4800"] });
    expect(node(world.authority({ primary: "pg2" }), "pg1").state).toBe("split-brain");
  });

  it("is stopped when everything was shut down, and only when everything is known to be", () => {
    const down = three().down("pg1", { clean: true }).down("pg2", { clean: true });
    expect(diagnosis(down.down("pg3", { clean: true }))).toMatchObject({ verdict: "stopped", findings: [] });
    expect(diagnosis(down.unreachable("pg3")).verdict).toBe("primary-lost");
    expect(diagnosis(down).verdict).toBe("primary-lost");
  });

  it("is not stopped when the primary crashed", () => {
    const down = three().down("pg1").down("pg2", { clean: true }).down("pg3", { clean: true });
    expect(diagnosis(down).verdict).toBe("primary-lost");
  });

  it("is empty before anything was made, and not once data is gone", () => {
    const nothing = three().absent("pg1").absent("pg2").absent("pg3");
    expect(diagnosis(nothing.authority({ systemIdentifier: null })).verdict).toBe("empty");
    expect(diagnosis(nothing).verdict).toBe("primary-lost");
  });

  it("is unknown without a record, and guesses nothing from the data", () => {
    const { spec, observation } = three().build();
    const found = diagnose(spec, null, observation);
    expect(found).toMatchObject({ verdict: "unknown", outlook: { kind: "none" } });
    expect(found.findings.map((one) => one.code)).toContain("no-authority");
  });

  it("is empty without a record and without data, and split brain without a record and with two writers", () => {
    const none = three().absent("pg1").absent("pg2").absent("pg3").build();
    expect(diagnose(none.spec, null, none.observation).verdict).toBe("empty");
    const two = cluster().primary("pg1", "0/5000").primary("pg2", "0/5000").build();
    expect(diagnose(two.spec, null, two.observation).verdict).toBe("split-brain");
  });

  it("is unknown when the primary holds the data of another cluster", () => {
    const world = cluster().primary("pg1", "0/5000", { systemIdentifier: "42" }).standby("pg2", "0/5000");
    expect(diagnosis(world).verdict).toBe("unknown");
    expect(node(world, "pg1").marks).toEqual(["foreign-data"]);
  });
});

describe("the state of a node", () => {
  const stateOf = (world: WorldBuilder, name = "pg2"): string => node(world, name).state;
  const standby = (options: Parameters<WorldBuilder["standby"]>[2]): WorldBuilder =>
    cluster().primary("pg1", "0/5000").standby("pg2", "0/4000", options);

  it("has a word of its own for everything that can be the matter", () => {
    const seen = new Set([
      stateOf(standby({}), "pg1"),
      stateOf(standby({})),
      stateOf(standby({ sender: { state: "catchup" } })),
      stateOf(standby({ replayPaused: true })),
      stateOf(standby({ delayMs: 1000 })),
      stateOf(standby({ sender: { repliedAgoMs: 41_000 } })),
      stateOf(standby({ receiver: false })),
      stateOf(standby({ receiver: false, slot: { walStatus: "lost" } })),
      stateOf(standby({}).starting("pg2")),
      stateOf(standby({}).down("pg2", { clean: true })),
      stateOf(standby({}).down("pg2")),
      stateOf(standby({}).paused("pg2")),
      stateOf(standby({}).unreachable("pg2")),
      stateOf(standby({}).absent("pg2")),
      stateOf(standby({}).absent("pg2", { debris: true })),
      stateOf(three().standby("pg4", "0/4000", { follows: "pg2" }), "pg4"),
      stateOf(cluster().primary("pg1", "0/5000").primary("pg2", "0/5000")),
      stateOf(cluster().standby("pg1", "0/5000", { follows: null }).authority({ primary: "pg1" }), "pg1"),
    ]);
    expect([...seen].toSorted()).toEqual([...NODE_STATES].toSorted());
  });

  it("is disconnected when its upstream does not know it, although its receiver streams", () => {
    expect(stateOf(standby({ sender: null }))).toBe("disconnected");
  });

  it("is disconnected when its receiver only waits, or follows nobody", () => {
    expect(stateOf(standby({ receiver: "waiting" }))).toBe("disconnected");
    expect(stateOf(standby({ follows: null }))).toBe("disconnected");
  });

  it("streams for all that is known when its upstream does not answer", () => {
    expect(stateOf(standby({}).unreachable("pg1"))).toBe("streaming");
  });

  it("follows the wrong upstream when a cascade hangs elsewhere, and the right one when it does not", () => {
    const cascade = three().standby("pg4", "0/4000", { upstream: "pg2" });
    expect(stateOf(cascade, "pg4")).toBe("streaming");
    const moved = three().standby("pg4", "0/4000", { upstream: "pg2", follows: "pg1" });
    expect(stateOf(moved, "pg4")).toBe("wrong-upstream");
    expect(diagnosis(moved).findings[0]).toMatchObject({
      code: "wrong-upstream",
      facts: { follows: "pg1", expected: "pg2" },
    });
  });

  it("is not silent while it answers every second", () => {
    expect(stateOf(standby({ sender: { repliedAgoMs: 1100 } }))).toBe("streaming");
  });

  it("is unreachable when nothing at all was seen of it", () => {
    const { spec, authority, observation } = three().build();
    const { pg3: _, ...nodes } = observation.nodes;
    const found = diagnose(spec, authority, { ...observation, nodes });
    expect(found.nodes.find((one) => one.name === "pg3")).toMatchObject({ state: "unreachable" });
    expect(found.verdict).toBe("degraded");
  });

  it("marks a node that is not in the file, whatever it does", () => {
    const world = three().standby("pg9", "0/5000", { notInFile: true });
    expect(node(world, "pg9")).toMatchObject({ state: "streaming", marks: ["not-in-file"] });
    expect(diagnosis(world).findings).toMatchObject([{ code: "not-in-file", node: "pg9" }]);
  });

  it("has no row for a node that was removed, but finds the slot that was forgotten", () => {
    const world = three().standby("pg9", "0/5000", { notInFile: true }).absent("pg9");
    expect(diagnosis(world).nodes.map((one) => one.name)).toEqual(["pg1", "pg2", "pg3"]);
    expect(diagnosis(world).findings).toMatchObject([{ code: "slot-orphaned", node: "pg1" }]);
  });

  it("marks a standby that went another way, with the fork", () => {
    const world = cluster()
      .forks("0/3000")
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/4000", { timeline: 1, forks: [] });
    expect(node(world, "pg3").marks).toEqual(["diverged"]);
    expect(diagnosis(world).findings.find((one) => one.code === "diverged")).toMatchObject({
      node: "pg3",
      severity: "error",
      facts: { forkTimeline: 1, forkLsn: "0/3000" },
    });
  });

  it("does not mark a standby that is merely still on the old timeline", () => {
    const world = cluster()
      .forks("0/3000")
      .primary("pg1", "0/5000")
      .standby("pg3", "0/3000", { timeline: 1, forks: [] });
    expect(node(world, "pg3").marks).toEqual([]);
  });

  it("marks a stopped old primary whose checkpoint is past the fork", () => {
    const world = cluster().forks("0/3000").primary("pg2", "0/5000").standby("pg1", "0/5000");
    const old = world.down("pg1", { timeline: 1, checkpoint: "0/3F00", standbySignal: false });
    expect(node(old, "pg1")).toMatchObject({ state: "crashed", marks: ["diverged"] });
    expect(node(world.down("pg1", { timeline: 1, checkpoint: "0/2F00" }), "pg1").marks).toEqual([]);
  });

  it("marks foreign data, and does not also call it diverged", () => {
    const world = cluster().forks("0/3000").primary("pg1", "0/5000");
    const foreign = world.standby("pg2", "0/9000", { timeline: 1, forks: [], systemIdentifier: "42" });
    expect(node(foreign, "pg2").marks).toEqual(["foreign-data"]);
    expect(node(world.down("pg2", { systemIdentifier: "42" }), "pg2").marks).toEqual(["foreign-data"]);
    expect(diagnosis(foreign).verdict).toBe("degraded");
  });
});

describe("how far a node is behind", () => {
  it("counts what is not replayed, although everything is received", () => {
    const world = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000", { replayed: "0/3000", replayPaused: true });
    expect(node(world, "pg2")).toMatchObject({ behindBytes: 0x2000, position: { lsn: 0x5000n } });
  });

  it("measures a cascaded standby against the primary, not against its upstream", () => {
    const world = three().standby("pg4", "0/3000", { upstream: "pg3" });
    expect(node(world, "pg4").behindBytes).toBe(0x2000);
    expect(node(world, "pg4").lag?.replay.bytes).toBe(0x1000);
  });

  it("says nothing where no primary was seen", () => {
    expect(node(three().down("pg1"), "pg2").behindBytes).toBeNull();
    expect(node(three().down("pg2"), "pg2").behindBytes).toBeNull();
  });
});
