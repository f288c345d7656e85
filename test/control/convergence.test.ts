// Random stories on servers made of paper: commands are killed at any step, servers die, people change settings by hand.
// After each story the same command again must end in the cluster that the file asks for, and no law may ever be broken.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coverage, isSettled } from "../../src/core/authority.ts";
import { ruleOf, sameRule, synchronousStandbyNames } from "../../src/core/commit-rule.ts";
import type { Intent } from "../../src/core/decision.ts";
import type { ClusterSpec, CommitMode, NodeName } from "../../src/core/spec.ts";
import { command, type PaperRecord, paperRecord } from "./paper/desk.ts";
import { load, type PaperCluster, paperCluster } from "./paper/servers.ts";

const up: Intent = { kind: "up", allowBlocking: false, remove: [], concerning: null };

function specOf(count: number, mode: CommitMode, acks: number, cascade: boolean): ClusterSpec {
  const nodes = Array.from({ length: count }, (_, index) => ({
    name: `pg${index + 1}`,
    priority: 0,
    upstream: cascade && index === 3 ? "pg2" : null,
    delayMs: 0,
  }));
  const confirmers = nodes.filter((node) => node.upstream === null).length - 1;
  const replication = {
    mode: confirmers === 0 ? "async" : mode,
    acks: Math.max(1, Math.min(acks, confirmers)),
    commit: "on",
    among: null,
  } as const;
  return { name: "demo", postgres: 17, runtime: "process", image: null, nodes, replication, settings: {} };
}

type Event =
  | { readonly kind: "kill"; readonly steps: number; readonly afterEffect: boolean }
  | { readonly kind: "crash" | "half-copied" | "reload-by-hand" | "override"; readonly node: number }
  | { readonly kind: "mode"; readonly mode: CommitMode; readonly acks: number }
  | { readonly kind: "down" | "restart" };

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant("kill" as const),
    steps: fc.integer({ min: 1, max: 12 }),
    afterEffect: fc.boolean(),
  }),
  fc.record({
    kind: fc.constantFrom(
      "crash" as const,
      "half-copied" as const,
      "reload-by-hand" as const,
      "override" as const,
    ),
    node: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({
    kind: fc.constant("mode" as const),
    mode: fc.constantFrom<CommitMode>("async", "sync", "quorum"),
    acks: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constantFrom("down" as const, "restart" as const) }),
);

/** L1: nobody but the recorded primary accepts writes. L4: what counts as proved is what the primary really runs by. */
function checkLaws(cluster: PaperCluster, record: PaperRecord, tampered: ReadonlySet<NodeName>): void {
  const writers = [...cluster.servers].filter(
    ([, server]) => server.state === "running" && !server.standbySignal,
  );
  expect(writers.map(([name]) => name).filter((name) => name !== record.current?.primary)).toEqual([]);
  if (record.current === null || tampered.has(record.current.primary)) return;
  const primary = cluster.servers.get(record.current.primary);
  const covered = coverage(record.current);
  if (primary?.state !== "running" || covered.kind !== "proved") return;
  expect(covered.rules.map((rule) => synchronousStandbyNames(rule))).toContain(
    primary.loaded["synchronous_standby_names"],
  );
}

async function tell(story: readonly Event[], first: ClusterSpec): Promise<void> {
  const cluster = paperCluster();
  const tampered = new Set<NodeName>();
  // A proof that a primary broke, because its settings were changed by hand while it ran, must be given up.
  let broken = false;
  const record = paperRecord(({ kind }) => {
    if (kind === "doubt" || kind === "demand") broken = false;
    checkLaws(cluster, record, tampered);
  });
  cluster.onEffect = () => checkLaws(cluster, record, tampered);
  let spec = first;
  const nodeAt = (index: number): NodeName => spec.nodes[index % spec.nodes.length]?.name ?? "pg1";
  for (const each of story) {
    const server = "node" in each ? cluster.servers.get(nodeAt(each.node)) : undefined;
    if (each.kind === "kill") {
      cluster.killAt = { steps: each.steps, afterEffect: each.afterEffect };
      await command(cluster, record, spec, up);
      cluster.killAt = null;
    } else if (each.kind === "mode") {
      spec = specOf(
        spec.nodes.length,
        each.mode,
        each.acks,
        spec.nodes.some((node) => node.upstream !== null),
      );
      await command(cluster, record, spec, up);
    } else if (each.kind === "down") await command(cluster, record, spec, { kind: "down" });
    else if (each.kind === "restart") {
      const nodes = spec.nodes.map((node) => node.name);
      if (record.current !== null)
        await command(cluster, record, spec, { kind: "restart", nodes, before: cluster.startTimes() });
    } else if (server !== undefined && server.data === "whole" && record.current !== null) {
      if (each.kind === "crash") server.state = "stopped";
      else if (each.kind === "half-copied" && server.standbySignal)
        Object.assign(server, { data: "debris", state: "stopped" });
      else if (each.kind === "reload-by-hand" || each.kind === "override") {
        tampered.add(nodeAt(each.node));
        if (each.kind === "override") server.overrides = { synchronous_standby_names: "" };
        else server.written = { ...server.written, synchronous_standby_names: "" };
        if (server.state === "running") {
          load(server);
          if (nodeAt(each.node) === record.current.primary && coverage(record.current).kind === "proved")
            broken = true;
        }
      }
    }
  }
  const end = await command(cluster, record, spec, up);
  tampered.clear();
  expect(end?.kind).toBe("settled");
  expect(broken).toBe(false);
  await checkHealthy(cluster, record, spec);
}

async function checkHealthy(cluster: PaperCluster, record: PaperRecord, spec: ClusterSpec): Promise<void> {
  const { current } = record;
  if (current === null) return expect.fail("no record");
  expect(isSettled(current)).toBe(true);
  expect(sameRule(current.rule, ruleOf(spec))).toBe(true);
  const names = spec.nodes.map((node) => node.name);
  const identifiers = names.map((name) => cluster.servers.get(name)?.systemIdentifier);
  expect(new Set(identifiers)).toEqual(new Set([current.systemIdentifier]));
  // L7: the same demand on every node.
  expect(
    new Set(names.map((name) => cluster.servers.get(name)?.loaded["synchronous_standby_names"])),
  ).toEqual(new Set([synchronousStandbyNames(current.rule)]));
  const before = cluster.applied.length;
  expect((await command(cluster, record, spec, up))?.kind).toBe("settled");
  expect(cluster.applied.length).toBe(before);
}

describe("convergence", () => {
  test("from nothing, in every mode and size", async () => {
    for (const count of [1, 2, 3, 4]) {
      for (const mode of ["async", "sync", "quorum"] as const)
        await tell([], specOf(count, mode, 1, count === 4));
    }
  });

  test("killed at every single step, before and after its effect, and run again", async () => {
    for (let steps = 1; steps <= 14; steps++) {
      for (const afterEffect of [false, true])
        await tell([{ kind: "kill", steps, afterEffect }], specOf(4, "quorum", 1, true));
    }
  });

  test("after any story of kills, crashes, tampering, changes of mode, restarts and half-made copies", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<CommitMode>("async", "sync", "quorum"),
        fc.boolean(),
        (story, count, mode, cascade) => tell(story, specOf(count, mode, 1, cascade)),
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});
