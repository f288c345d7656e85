// The loop itself: when it looks, and what it puts into the journal. Whether it converges, convergence.test.ts asks.
import { expect, test } from "vitest";
import { drive } from "../../src/control/drive.ts";
import type { JournalEvent } from "../../src/control/journal.ts";
import type { ClusterSpec } from "../../src/core/spec.ts";
import { command, paperRecord } from "./paper/desk.ts";
import { paperCluster } from "./paper/servers.ts";

function specOf(mode: "async" | "quorum"): ClusterSpec {
  const nodes = ["pg1", "pg2"].map((name) => ({ name, priority: 0, upstream: null, delayMs: 0 }));
  const replication = { mode, acks: 1, commit: "on", among: null } as const;
  return { name: "demo", postgres: 17, runtime: "process", image: null, nodes, replication, settings: {} };
}

test("the nodes are looked at before every decision, but for one that follows on a mere change of the record", async () => {
  const cluster = paperCluster();
  const record = paperRecord();
  await command(cluster, record, specOf("async"), {
    kind: "up",
    allowBlocking: false,
    remove: [],
    concerning: null,
  });
  const told: string[] = [];
  const journaled: JournalEvent[] = [];
  const result = await drive({
    intent: { kind: "mode", allowBlocking: false },
    spec: specOf("quorum"),
    nodes: ["pg1", "pg2"],
    runtime: {
      observe: (...args) => {
        told.push("look");
        return cluster.observe(...args);
      },
      apply: (...args) => cluster.apply(...args),
    },
    authority: record,
    journal: {
      append: async (event) => {
        journaled.push(event);
        return { ...event, seq: journaled.length, at: "", command: "" };
      },
      read: async function* () {},
    },
    listener: { stageBegins: (stage) => told.push(stage.map((step) => step.kind).join("+")) },
    signal: new AbortController().signal,
  });
  expect(result.kind).toBe("settled");
  expect(told).toEqual(["look", "record-authority", "configure+configure", "look", "confirm-rule", "look"]);
  const seen = journaled.filter((event) => event.kind === "observed" || event.kind === "decided");
  expect(seen.map((event) => event.kind)).toEqual([
    "observed",
    "decided",
    "decided",
    "observed",
    "decided",
    "observed",
    "decided",
  ]);
});
