import { describe, expect, it } from "vitest";
import { decide } from "../../../src/core/decide.ts";
import { isRunning } from "../../../src/core/observation.ts";
import { nodeConfiguration } from "../../../src/core/node-configuration.ts";
import { cluster } from "./world.ts";

describe("the world builder", () => {
  it("makes a healthy world of which decide says that it is settled", () => {
    const { spec, authority, observation } = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5000", { upstream: "pg2" })
      .quorum(1)
      .build();
    const intent = { kind: "up", allowBlocking: false, remove: [], concerning: null } as const;
    expect(decide(intent, spec, authority, observation)).toEqual({ kind: "settled" });
  });

  it("makes standbys that their upstream knows, each with an active slot", () => {
    const { observation } = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/4000", { upstream: "pg2" })
      .build();
    const pg1 = observation.nodes["pg1"];
    const pg2 = observation.nodes["pg2"];
    if (!isRunning(pg1) || !isRunning(pg2)) throw new Error("both run");
    expect(pg1.senders.map((sender) => sender.applicationName)).toEqual(["pg2"]);
    expect(pg2.senders.map((sender) => sender.applicationName)).toEqual(["pg3"]);
    expect(pg2.slots).toMatchObject([{ name: "pg3", active: true, retainedBytes: 0x1000 }]);
  });

  it("gives every running node the configuration that it is to have", () => {
    const { spec, authority, observation } = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .quorum(1)
      .build();
    for (const [name, node] of Object.entries(observation.nodes)) {
      if (!isRunning(node)) throw new Error("it runs");
      expect(node.configuration.loaded).toBe(
        nodeConfiguration(spec, authority, name, observation.wiring).token,
      );
    }
  });

  it("takes the rule and its proof into the record, and only into the file where asked", () => {
    const proved = cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").quorum(1).build();
    expect(proved.authority.proofs).toMatchObject([
      { rule: { acks: 1, listed: ["pg1", "pg2"] }, since: { timeline: 1 } },
    ]);
    const asked = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .fileAsks({ mode: "quorum" })
      .build();
    expect(asked.authority.rule).toBeNull();
    expect(asked.spec.replication.mode).toBe("quorum");
  });

  it("lets the standbys of a stopped primary lose their receivers, and those of an unreachable one keep them", () => {
    const gone = cluster().down("pg1").standby("pg2", "0/5000").build();
    expect(gone.observation.nodes["pg2"]).toMatchObject({ receiver: null });
    const unseen = cluster().unreachable("pg1").standby("pg2", "0/5000").build();
    expect(unseen.observation.nodes["pg2"]).toMatchObject({ receiver: { streaming: true } });
  });
});
