import { describe, expect, it } from "vitest";
import { renderDecision, renderPlan } from "../../src/cli/render/plan.ts";
import { stepCommands } from "../../src/cli/render/step-commands.ts";
import { decide } from "../../src/core/decide.ts";
import type { Step } from "../../src/core/plan.ts";
import { cluster, type WorldBuilder } from "../core/builders/world.ts";
import { plain } from "./screen.ts";

const host = { paths: (node: string) => ({ data: `/n/${node}/data`, conf: `/n/${node}/conf` }) };

function planned(world: WorldBuilder, columns = 140): string {
  const { spec, authority, observation } = world.build();
  const decision = decide(
    { kind: "up", allowBlocking: false, remove: [], concerning: null },
    spec,
    authority,
    observation,
  );
  if (decision.kind === "refuse") throw new Error(decision.refusals[0]?.message);
  return renderDecision(decision, { host, observation }, plain(columns));
}

const three = (): WorldBuilder =>
  cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").standby("pg3", "0/5000");

describe("a plan that is only shown", () => {
  it("lists every step with what it does and why, and says that nothing was changed", () => {
    const text = planned(three().fileAsks({ mode: "quorum" }));
    expect(text).toMatch(
      /^ {2}1 {2}record authority +ANY 1 \(pg1, pg2, pg3\) demanded, not yet proved\n? +before any node is told/m,
    );
    expect(text).toContain("configure pg1, pg2, pg3");
    expect(text).toContain("synchronous_standby_names = 'ANY 1 (pg1, pg2, pg3)'");
    expect(text).toContain("SELECT pg_reload_conf()");
    expect(text).toContain("wait until pg2, pg3 have flushed past the LSN at which it took effect");
    expect(text.split("\n").at(-1)).toBe("Nothing was changed.");
    const alone = cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").fileAsks({ mode: "quorum" });
    expect(planned(alone)).toContain("wait until pg2 has flushed past");
  });

  it("numbers stages, so that what runs side by side stands under one number", () => {
    const text = planned(three().fileAsks({ mode: "quorum" }));
    expect(text.match(/^ {2}\d/gm)).toHaveLength(3);
    expect(text).toContain("Steps under one number run side by side.");
  });

  it("shows the copy of a missing standby with the real tool", () => {
    const text = planned(three().absent("pg3"));
    expect(text).toContain(
      "pg_basebackup --slot=pg3 --pgdata=/n/pg3/data --wal-method=stream --checkpoint=fast",
    );
    expect(text).toContain("postgres -D /n/pg3/data -c config_file=/n/pg3/conf/postgresql.conf");
  });

  it("says so when there is nothing to do", () => {
    expect(planned(three())).toBe("Nothing to do: the cluster is what its file says.");
  });

  it("puts the reason below where it does not fit beside", () => {
    const step: Step = { kind: "stop", node: "pg1", because: "so that its last WAL reaches the standbys" };
    expect(renderPlan([[step]], () => ["pg_ctl stop"], plain(100))[0]).toBe(
      "  1  stop pg1  pg_ctl stop  so that its last WAL reaches the standbys",
    );
    expect(renderPlan([[step]], () => ["pg_ctl stop"], plain(50)).slice(0, 2)).toEqual([
      "  1  stop pg1  pg_ctl stop",
      "               so that its last WAL reaches the",
    ]);
  });
});

describe("the commands of a step", () => {
  const around = { paths: host.paths, observation: null };
  const configuration = { settings: { port: "5432" }, token: "t" };
  const rule = { method: "ANY", acks: 1, listed: ["pg1", "pg2"], commit: "on" } as const;
  const steps: readonly Step[] = [
    { kind: "record-authority", change: { kind: "found", cluster: "demo", primary: "pg1" }, because: "" },
    { kind: "record-authority", change: { kind: "identify", systemIdentifier: "7" }, because: "" },
    { kind: "record-authority", change: { kind: "demand", rule: null, afterWeakCommit: false }, because: "" },
    { kind: "record-authority", change: { kind: "doubt", afterWeakCommit: false }, because: "" },
    { kind: "initialise", node: "pg1", because: "" },
    { kind: "clone", node: "pg2", from: "pg1", slot: "pg2", because: "" },
    { kind: "start", node: "pg1", configuration, because: "" },
    { kind: "configure", node: "pg1", configuration, because: "" },
    { kind: "stop", node: "pg1", because: "" },
    { kind: "prepare", node: "pg1", because: "" },
    { kind: "make-slots", node: "pg1", slots: ["pg2", "pg3"], because: "" },
    { kind: "drop-slots", node: "pg1", slots: ["pg2"], because: "" },
    { kind: "await-streaming", node: "pg2", from: "pg1", because: "" },
    { kind: "confirm-rule", node: "pg1", rule, afterWeakCommit: false, fromNothing: true, because: "" },
    { kind: "remove", node: "pg2", because: "" },
  ];

  it("are there for every kind of step, and hold no password", () => {
    for (const step of steps) {
      const texts = stepCommands(step, around);
      expect(texts.length, step.kind).toBeGreaterThan(0);
      expect(texts.join()).not.toMatch(/password/i);
    }
    expect(stepCommands(steps[10] as Step, around)).toHaveLength(2);
  });
});
