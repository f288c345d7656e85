import { describe, expect, it } from "vitest";
import { type Progress, startProgress } from "../../src/cli/render/progress.ts";
import type { Stage, Step } from "../../src/core/plan.ts";
import type { StepOutcome } from "../../src/runtime/node-runtime.ts";
import { at } from "../core/builders/draft.ts";
import { coloured, plain } from "./screen.ts";

const DONE: StepOutcome = { kind: "done" };
const primary = { settings: { primary_conninfo: "" }, token: "a" };
const standby = { settings: { primary_conninfo: "host=pg1" }, token: "b" };
const rule = { method: "ANY", acks: 1, listed: ["pg1", "pg2", "pg3"], commit: "on" } as const;

function recorded(interactive = false) {
  const written: string[] = [];
  const clock = { ms: 0, ticks: [] as (() => void)[], cancelled: 0 };
  const progress = startProgress({
    screen: interactive ? { ...plain(), interactive: true } : plain(),
    write: (text) => written.push(text),
    now: () => clock.ms,
    every: (_, tick) => {
      clock.ticks.push(tick);
      return () => void (clock.cancelled += 1);
    },
  });
  const lines = (): string[] => written.join("").split("\n").slice(0, -1);
  return { progress, written, clock, lines };
}

function run(progress: Progress, stage: Stage, outcome: StepOutcome = DONE, durationMs = 1100): void {
  progress.stageBegins(stage);
  for (const step of stage) progress.stepEnded(step, outcome, durationMs);
  progress.stageEnded(stage, durationMs);
}

const clones: Stage = ["pg2", "pg3"].map((node) => ({
  kind: "clone",
  node,
  from: "pg1",
  slot: node,
  because: "",
}));

describe("progress", () => {
  it("tells steps of one kind together, with the longest time", () => {
    const { progress, lines } = recorded();
    run(progress, clones);
    expect(lines()).toEqual([` ✓ ${"pg2, pg3 copied from pg1".padEnd(40)}  1.1 s`]);
  });

  it.each([
    [[{ kind: "initialise", node: "pg1", because: "" }], "pg1 has an empty data directory"],
    [
      [{ kind: "start", node: "pg1", configuration: primary, because: "" }],
      "Primary pg1 accepts connections",
    ],
    [
      ["pg2", "pg3"].map((node): Step => ({ kind: "start", node, configuration: standby, because: "" })),
      "pg2, pg3 accept connections",
    ],
    [
      [{ kind: "configure", node: "pg2", configuration: standby, because: "" }],
      "pg2 has loaded its settings",
    ],
    [[{ kind: "stop", node: "pg1", because: "" }], "pg1 stopped"],
    [[{ kind: "prepare", node: "pg1", because: "" }], "Roles and database made on pg1"],
    [[{ kind: "make-slots", node: "pg1", slots: ["pg2", "pg3"], because: "" }], "Slots pg2, pg3 made on pg1"],
    [[{ kind: "drop-slots", node: "pg1", slots: ["pg2"], because: "" }], "Slot pg2 dropped on pg1"],
    [[{ kind: "await-streaming", node: "pg2", from: "pg1", because: "" }], "pg2 streams from pg1"],
    [[{ kind: "remove", node: "pg4", because: "" }], "pg4 removed"],
  ] as readonly (readonly [Stage, string])[])("has words for %j", (stage, words) => {
    const { progress, lines } = recorded();
    run(progress, stage);
    expect(lines()[0]).toContain(` ✓ ${words} `);
  });

  it("keeps bookkeeping to itself unless it takes long", () => {
    const record: Stage = [
      { kind: "record-authority", change: { kind: "found", cluster: "demo", primary: "pg1" }, because: "" },
    ];
    const { progress, lines } = recorded();
    run(progress, record, DONE, 5);
    expect(lines()).toEqual([]);
    run(progress, record, DONE, 1500);
    expect(lines()[0]).toContain("Authority recorded");
  });

  it("says after a demand which rule the nodes were told, and where it took effect", () => {
    const { progress, lines } = recorded();
    run(
      progress,
      [{ kind: "record-authority", change: { kind: "demand", rule, afterWeakCommit: false }, because: "" }],
      DONE,
      5,
    );
    run(
      progress,
      ["pg1", "pg2"].map((node) => ({ kind: "configure", node, configuration: standby, because: "" })),
      DONE,
      100,
    );
    run(
      progress,
      [{ kind: "confirm-rule", node: "pg1", rule, afterWeakCommit: false, fromNothing: true, because: "" }],
      { kind: "confirmed", since: at("0/5A02000") },
      30,
    );
    expect(lines()).toEqual([
      " ✓ synchronous_standby_names = ANY 1 (pg1, pg2, pg3) on pg1, pg2  0.1 s",
      " ✓ pg2, pg3 have flushed past 0/5A02000, where it took effect  0.03 s",
    ]);
  });

  it("says what is still being waited for when a deadline passed", () => {
    const { progress, lines } = recorded();
    run(
      progress,
      [{ kind: "await-streaming", node: "pg2", from: "pg1", because: "" }],
      { kind: "unknown", waitedFor: "pg2 to stream" },
      30_000,
    );
    expect(lines()[0]).toMatch(/^ ! still waiting for pg2 to stream +30 s$/);
  });

  it("tells what was done and what was not when a stage fails midway", () => {
    const { progress, lines } = recorded();
    progress.stageBegins(clones);
    progress.stepEnded(clones[0] as Step, DONE, 900);
    progress.done();
    expect(lines()).toEqual([
      ` ✓ ${"pg2 copied from pg1".padEnd(40)}  0.9 s`,
      " ✗ copying pg3 from pg1: not done",
    ]);
  });

  it("writes plain lines in CI, and a sign of life for work that takes long", () => {
    const { progress, written, clock } = recorded();
    progress.stageBegins(clones);
    clock.ms = 15_000;
    clock.ticks.at(-1)?.();
    expect(written).toEqual(["   still copying pg2, pg3 from pg1  15 s\n"]);
    progress.stepEnded(clones[0] as Step, DONE, 16_000);
    clock.ms = 30_000;
    clock.ticks.at(-1)?.();
    expect(written.at(-1)).toBe("   still copying pg3 from pg1  30 s\n");
    progress.stageEnded(clones, 31_000);
    expect(written.join("")).not.toContain("\u001b");
  });

  it("spins on a terminal with what it waits for and for how long, and leaves no trace of it", () => {
    const { progress, written, clock } = recorded(true);
    progress.stageBegins(clones);
    clock.ms = 300;
    clock.ticks.at(-1)?.();
    expect(written.at(-1)).toMatch(/^\r\u001b\[2K . copying pg2, pg3 from pg1 +0\.3 s/);
    progress.stageEnded(clones, 400);
    expect(clock.cancelled).toBe(1);
    expect(written).toContain("\r\u001b[2K");
  });

  it("never draws a line that is wider than the terminal", () => {
    const { progress, written, clock } = recorded(true);
    progress.message("x".repeat(500));
    clock.ticks.at(-1)?.();
    expect([...(written.at(-1) ?? "")].length).toBeLessThanOrEqual(100 + "\r\u001b[2K".length);
    progress.done();
    expect(clock.cancelled).toBe(1);
  });

  it("passes the host's messages on, each once", () => {
    const { progress, lines } = recorded();
    progress.message("pulling postgres:17");
    progress.message("pulling postgres:17");
    expect(lines()).toEqual(["   pulling postgres:17"]);
  });

  it("says the same in colour", () => {
    const written: string[] = [];
    const progress = startProgress({
      screen: { ...coloured(), interactive: false },
      write: (text) => written.push(text),
      now: () => 0,
      every: () => () => {},
    });
    run(progress, clones);
    expect(written.join("")).toContain("\u001b[32m✓\u001b[39m");
  });
});
