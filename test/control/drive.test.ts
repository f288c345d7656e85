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

interface Told {
  /** Looks and stages, in their order. */
  readonly acts: string[];
  readonly journal: JournalEvent[];
}

/** `mode quorum` on a cluster that runs asynchronously. */
async function driveMode(lookAgeMs: number | null): Promise<Told> {
  const cluster = paperCluster();
  const record = paperRecord();
  const up = { kind: "up", allowBlocking: false, remove: [], concerning: null } as const;
  await command(cluster, record, specOf("async"), up);
  const told: Told = { acts: [], journal: [] };
  const nodes = ["pg1", "pg2"];
  const earlier = lookAgeMs === null ? null : await cluster.observe(nodes);
  const result = await drive({
    intent: { kind: "mode", allowBlocking: false },
    spec: specOf("quorum"),
    nodes,
    ...(earlier === null ? {} : { look: { ...earlier, atMs: Date.now() - (lookAgeMs ?? 0) } }),
    runtime: {
      observe: (...args) => {
        told.acts.push("look");
        return cluster.observe(...args);
      },
      apply: (...args) => cluster.apply(...args),
    },
    authority: record,
    journal: {
      append: async (event) => {
        told.journal.push(event);
        return { ...event, seq: told.journal.length, at: "", command: "" };
      },
      read: async function* () {},
    },
    listener: { stageBegins: (stage) => told.acts.push(stage.map((step) => step.kind).join("+")) },
    signal: new AbortController().signal,
  });
  expect(result.kind).toBe("settled");
  return told;
}

const FROM_THE_FIRST_DECISION = ["record-authority", "configure+configure", "look", "confirm-rule", "look"];

test("the nodes are looked at before every decision, but for one that follows on a mere change of the record", async () => {
  const { acts, journal } = await driveMode(null);
  expect(acts).toEqual(["look", ...FROM_THE_FIRST_DECISION]);
  const kinds = journal
    .map((event) => event.kind)
    .filter((kind) => kind === "observed" || kind === "decided");
  expect(kinds.join(" ")).toBe("observed decided decided observed decided observed decided");
});

test("a look that was taken a moment before is the first, and journaled as such", async () => {
  const { acts, journal } = await driveMode(100);
  expect(acts).toEqual(FROM_THE_FIRST_DECISION);
  expect(journal[0]?.kind).toBe("observed");
});

test("a look that has grown old, or is of the future, is not believed", async () => {
  for (const ageMs of [5_000, -5_000]) {
    expect((await driveMode(ageMs)).acts[0]).toBe("look");
  }
});
