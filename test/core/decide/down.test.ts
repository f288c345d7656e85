import { describe, expect, test } from "vitest";
import { decide } from "../../../src/core/decide.ts";
import { type World, cluster } from "../builders/world.ts";

const three = () => cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").standby("pg3", "0/5000");

function stagesOf({ spec, authority, observation }: World): string[][] {
  const decision = decide({ kind: "down" }, spec, authority, observation);
  return decision.kind === "act"
    ? decision.plan.map((stage) =>
        stage.map((step) => ("node" in step ? `${step.kind} ${step.node}` : step.kind)),
      )
    : [[decision.kind]];
}

describe("stopping the cluster", () => {
  test("stops the primary first, so that its last WAL reaches the standbys", () => {
    expect(stagesOf(three().build())).toEqual([["stop pg1"], ["stop pg2", "stop pg3"]]);
  });

  test("stops what does not answer as well, but not what is known to be down", () => {
    expect(stagesOf(three().unreachable("pg2").down("pg3", { clean: true }).build())).toEqual([
      ["stop pg1"],
      ["stop pg2"],
    ]);
  });

  test("is done where nothing runs, also where a folder cannot be looked into", () => {
    const { spec, authority, observation } = three()
      .down("pg1", { clean: true })
      .down("pg2", { clean: true })
      .build();
    const nodes = {
      ...observation.nodes,
      pg3: { kind: "unreachable", reason: "no such folder", isStopped: true } as const,
    };
    expect(stagesOf({ spec, authority, observation: { ...observation, nodes } })).toEqual([["settled"]]);
  });
});
