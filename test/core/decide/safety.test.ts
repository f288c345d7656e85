// What must never be acted on, and the near miss beside each.
import { describe, expect, test } from "vitest";
import { decide } from "../../../src/core/decide.ts";
import type { Intent } from "../../../src/core/decision.ts";
import { type World, cluster } from "../builders/world.ts";

const up: Intent = { kind: "up", allowBlocking: false, remove: [], concerning: null };
const three = () => cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").standby("pg3", "0/5000");

function refusalsOf({ spec, authority, observation }: World, intent: Intent = up): string[] {
  const decision = decide(intent, spec, authority, observation);
  return decision.kind === "refuse" ? decision.refusals.map((refusal) => refusal.code) : [];
}

function stepsOf({ spec, authority, observation }: World, intent: Intent = up): string[] {
  const decision = decide(intent, spec, authority, observation);
  return decision.kind === "act"
    ? decision.plan.flat().map((step) => ("node" in step ? `${step.kind} ${step.node}` : step.kind))
    : [];
}

describe("a primary whose data is older than it was", () => {
  test("is refused even while a standby that is ahead of it streams from it", () => {
    expect(refusalsOf(cluster().primary("pg1", "0/5000").standby("pg2", "0/5001").build())).toEqual([
      "primary-behind",
    ]);
    expect(refusalsOf(cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").build())).toEqual([]);
  });

  test("is not suspected for a record that its crash cut off in the middle of sending it", () => {
    const cut = (received: string) =>
      cluster().primary("pg1", "0/5000").standby("pg2", received, { replayed: "0/5000" }).build();
    expect(refusalsOf(cut("0/7000"))).toEqual([]);
    expect(refusalsOf(cut("0/1005001"))).toEqual(["primary-behind"]);
  });

  test("is not even started where a standby has replayed a later checkpoint", () => {
    const down = (own: string, other: string) =>
      cluster()
        .primary("pg1", "0/5000")
        .standby("pg2", "0/5000")
        .down("pg1", { clean: true, checkpoint: own, standbySignal: false })
        .down("pg2", { clean: true, checkpoint: other, standbySignal: true })
        .build();
    expect(refusalsOf(down("0/5000", "0/6000"))).toEqual(["primary-behind"]);
    expect(refusalsOf(down("0/6000", "0/5000"))).toEqual([]);
    expect(stepsOf(down("0/6000", "0/6000"))).toContain("start pg1");
  });

  test("lets no mode be turned on", () => {
    const world = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5001")
      .fileAsks({ mode: "quorum" })
      .build();
    expect(refusalsOf(world, { kind: "mode", allowBlocking: false })).toEqual(["primary-behind"]);
  });
});

describe("what commits wait for", () => {
  const mode: Intent = { kind: "mode", allowBlocking: false };
  const asked = () => three().fileAsks({ mode: "quorum" });

  test("is changed on a running primary only", () => {
    expect(refusalsOf(asked().down("pg1", { clean: true }).build(), mode)).toEqual(["primary-down"]);
    expect(refusalsOf(asked().build(), mode)).toEqual([]);
  });

  test("is refused for a primary that was not seen, which is not called down for that", () => {
    expect(refusalsOf(asked().unreachable("pg1").build(), mode)).toEqual(["primary-unseen"]);
    expect(refusalsOf(asked().paused("pg1").build(), mode)).toEqual(["primary-unseen"]);
  });
});

describe("a frozen node", () => {
  const hints = ({ spec, authority, observation }: World, intent: Intent = up): string[] => {
    const decision = decide(intent, spec, authority, observation);
    return decision.kind === "refuse" ? decision.refusals.map(({ hint }) => hint.split("\n")[1] ?? "") : [];
  };
  const mode: Intent = { kind: "mode", allowBlocking: false };
  const asked = () => three().fileAsks({ mode: "quorum" });

  test("is refused with the command that lets it go on", () => {
    expect(hints(three().paused("pg3").build())).toEqual(["docker unpause pgrep-kit-demo-pg3"]);
    expect(hints(three().paused("pg1").build())).toEqual(["docker unpause pgrep-kit-demo-pg1"]);
    const local = three().spec({ runtime: "process" });
    expect(hints(local.paused("pg3", [4711, 4712]).build())).toEqual(["kill -CONT 4711 4712"]);
    expect(hints(local.paused("pg3").build())).toEqual([""]);
    expect(hints(three().unreachable("pg3").build())).toEqual([""]);
  });

  test("keeps no rule from being begun that the others can meet: its proof stays pending", () => {
    expect(refusalsOf(asked().paused("pg3").build(), mode)).toEqual([]);
    expect(stepsOf(asked().paused("pg3").build(), mode)).toEqual([
      "record-authority",
      "configure pg1",
      "configure pg2",
      "confirm-rule pg1",
    ]);
  });

  test("is named beside the commits that would wait for it", () => {
    const both = three().fileAsks({ mode: "quorum", acks: 2 }).paused("pg3").build();
    expect(refusalsOf(both, mode)).toEqual(["would-block", "node-unseen"]);
  });
});

test("a second writer is refused with the command that stops it", () => {
  const two = cluster().primary("pg1", "0/5000").primary("pg2", "0/5000").authority({ primary: "pg1" });
  const hint = (world: World): string => {
    const decision = decide(up, world.spec, world.authority, world.observation);
    return decision.kind === "refuse" ? (decision.refusals[0]?.hint ?? "") : "";
  };
  expect(hint(two.build())).toMatch(/^Stop pg2 before anything else[^]*\ndocker stop pgrep-kit-demo-pg2$/);
  expect(hint(two.spec({ runtime: "process" }).build())).toMatch(
    /\nkill -INT \$\(head -n 1 \/node\/data\/postmaster.pid\)$/,
  );
});

describe("data without a place in this cluster", () => {
  test("without a record nothing is guessed from data", () => {
    const { spec, observation } = three().build();
    const decision = decide(up, spec, null, observation);
    expect(decision).toMatchObject({ kind: "refuse", refusals: [{ code: "no-authority" }] });
  });

  test("an empty primary is never made beside copies of the old one", () => {
    expect(refusalsOf(three().absent("pg1").build())).toEqual(["primary-missing"]);
  });

  test("of another cluster stops everything", () => {
    const foreign = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000", { systemIdentifier: "1" })
      .build();
    expect(refusalsOf(foreign)).toContain("foreign-data");
  });

  test("a second writer stops everything", () => {
    expect(
      refusalsOf(
        cluster().primary("pg1", "0/5000").primary("pg2", "0/5000").authority({ primary: "pg1" }).build(),
      ),
    ).toContain("split-brain");
  });

  test("a stopped node without standby.signal is not started, and the others go on", () => {
    const world = three()
      .down("pg2", { standbySignal: false, clean: true })
      .down("pg3", { standbySignal: true, clean: true })
      .build();
    expect(stepsOf(world).filter((step) => step.startsWith("start"))).toEqual(["start pg3"]);
    const alone = three().down("pg2", { standbySignal: false, clean: true }).build();
    expect(refusalsOf(alone)).toEqual(["not-a-standby"]);
  });

  test("a primary that does not answer is not taken for down", () => {
    expect(refusalsOf(three().unreachable("pg1").build())).toEqual(["primary-unseen"]);
    expect(refusalsOf(three().paused("pg1").build())).toEqual(["primary-unseen"]);
  });
});

describe("a slot that lost WAL", () => {
  const lost = { walStatus: "lost", active: false } as const;

  test("on the standby's own upstream means that it cannot go on", () => {
    const world = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/4000", { receiver: false, sender: null, slot: lost })
      .build();
    expect(refusalsOf(world)).toEqual(["wal-removed"]);
  });

  test("elsewhere is a leftover: it is dropped, and the standby is left in peace", () => {
    const world = cluster()
      .primary("pg1", "0/5000", { extraSlots: [{ name: "pg3", ...lost }] })
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5000", { upstream: "pg2" })
      .build();
    expect(stepsOf(world)).toEqual(["drop-slots pg1"]);
  });
});

describe("whom a refusal concerns", () => {
  const world = three().down("pg2", { standbySignal: false, clean: true }).build();

  test("a command about another node ends well although a standby must be left alone", () => {
    expect(refusalsOf(world, { ...up, concerning: ["pg3"] })).toEqual([]);
  });

  test("a command about that standby does not", () => {
    expect(refusalsOf(world, { ...up, concerning: ["pg2"] })).toEqual(["not-a-standby"]);
  });
});

describe("a demand that nobody could meet", () => {
  const asks = (world: ReturnType<typeof three>) =>
    world.fileAsks({ mode: "quorum", commit: "remote_apply" }).build();
  const mode: Intent = { kind: "mode", allowBlocking: false };
  const paused = () =>
    cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000", { replayPaused: true })
      .standby("pg3", "0/5000", { receiver: false });

  test("is refused: nobody streams, or whoever streams must replay and is paused", () => {
    expect(refusalsOf(asks(paused()), mode)).toEqual(["would-block"]);
    expect(refusalsOf(paused().fileAsks({ mode: "quorum" }).build(), mode)).toEqual([]);
  });

  test("is granted to whoever insists", () => {
    expect(refusalsOf(asks(paused()), { kind: "mode", allowBlocking: true })).toEqual([]);
  });

  test("asks nothing of async", () => {
    expect(
      refusalsOf(three().absent("pg2").absent("pg3").quorum(1).fileAsks({ mode: "async" }).build(), mode),
    ).toEqual([]);
  });
});
