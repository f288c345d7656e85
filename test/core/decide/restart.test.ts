// The order of a restart, and what must not be restarted alone.
import { describe, expect, test } from "vitest";
import { decide } from "../../../src/core/decide.ts";
import { type Refusal } from "../../../src/core/refusals.ts";
import { cluster, type WorldBuilder } from "../builders/world.ts";

const LIMITS = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 16,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};
type Options = NonNullable<Parameters<WorldBuilder["standby"]>[2]>;
const runsWith = (limits: Partial<typeof LIMITS>): Options => ({
  configuration: { limits: { ...LIMITS, ...limits } },
});

/** Three nodes that run with the defaults, and a file that asks for `settings`. */
const asks = (settings: Record<string, string>, pg3: Options = {}, pg1: Options = {}): WorldBuilder =>
  cluster()
    .primary("pg1", "0/5000", pg1)
    .standby("pg2", "0/5000", runsWith({ max_connections: 200 }))
    .standby("pg3", "0/5000", pg3)
    .spec({ settings });

function decided(world: WorldBuilder, nodes: readonly string[]): string[] | readonly Refusal[] {
  const { spec, authority, observation } = world.build();
  const before = Object.fromEntries(
    Object.entries(observation.nodes).map(([name, node]) => [
      name,
      node.kind === "primary" || node.kind === "standby" ? node.startedAtMs : null,
    ]),
  );
  const decision = decide({ kind: "restart", nodes, before }, spec, authority, observation);
  if (decision.kind === "refuse") return decision.refusals;
  if (decision.kind === "settled") return [];
  return decision.plan.flat().flatMap((step) => (step.kind === "stop" ? [step.node] : []));
}

describe("a primary that would come back greater than a standby", () => {
  test("is not restarted alone: the standby that is still smaller is named, with the way", () => {
    expect(decided(asks({ max_connections: "200" }), ["pg1"])).toEqual([
      {
        code: "standbys-first",
        message: "a restart of pg1 would stop the replay of pg3",
        detail:
          "pg1 would come back with a greater max_connections than they run with: max_connections 200, and 100 on pg3.",
        hint: "One node after another, the standbys first: pgrep-kit restart",
      },
    ]);
  });

  test("is restarted once every standby runs with as much", () => {
    const ready = asks({ max_connections: "200" }, runsWith({ max_connections: 200 }));
    expect(decided(ready, ["pg1"])).toEqual(["pg1"]);
  });

  test("is restarted with the standbys, which go first", () => {
    expect(decided(asks({ max_connections: "200" }), ["pg1", "pg2", "pg3"])).toEqual(["pg2", "pg3", "pg1"]);
  });

  test("waits for no standby that is down: it starts with what the file says", () => {
    expect(decided(asks({ max_connections: "200" }).down("pg3"), ["pg1"])).toEqual(["pg1"]);
  });

  test("is no matter where other settings grow, or one of the five shrinks", () => {
    expect(decided(asks({ shared_buffers: "1GB" }), ["pg1"])).toEqual(["pg1"]);
    expect(decided(asks({ max_connections: "50" }), ["pg1"])).toEqual(["pg1"]);
    // Smaller than the primary already: a restart changes nothing in that.
    expect(decided(asks({}, runsWith({ max_connections: 90 })), ["pg1"])).toEqual(["pg1"]);
  });

  test("is refused for an override, too, which no standby would come back with", () => {
    const overridden = asks({}, {}, { configuration: { overrides: { max_connections: "300" } } });
    expect(decided(overridden, ["pg1", "pg2", "pg3"])).toMatchObject([
      {
        code: "standbys-first",
        message: "a restart of pg1 would stop the replay of pg2, pg3",
        hint: expect.stringMatching(/^Write max_connections under settings: in the file/),
      },
    ]);
  });

  test("a standby is restarted alone at any time", () => {
    expect(decided(asks({ max_connections: "200" }), ["pg3"])).toEqual(["pg3"]);
  });
});

test("a primary that came back with less is followed again before a standby is stopped: it must hear of what was lowered", () => {
  const { spec, authority, observation } = cluster()
    .primary("pg1", "0/5000", runsWith({ max_connections: 90 }))
    .standby("pg2", "0/5000", { receiver: false })
    .standby("pg3", "0/5000", { receiver: false })
    .spec({ settings: { max_connections: "90" } })
    .build();
  const started = (name: string): number | null => {
    const node = observation.nodes[name];
    return node?.kind === "primary" || node?.kind === "standby" ? node.startedAtMs : null;
  };
  const before = { pg1: -1, pg2: started("pg2"), pg3: started("pg3") };
  const decision = decide(
    { kind: "restart", nodes: ["pg1", "pg2", "pg3"], before },
    spec,
    authority,
    observation,
  );
  const first = decision.kind === "act" ? (decision.plan[0] ?? []) : [];
  expect(first.map((step) => [step.kind, "node" in step ? step.node : null])).toEqual([
    ["await-streaming", "pg2"],
    ["await-streaming", "pg3"],
  ]);
});
