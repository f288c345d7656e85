// Any cluster that the file can describe, for property tests.
import * as fc from "fast-check";
import { confirmers, ruleOf } from "../../src/core/commit-rule.ts";
import type { ClusterSpec, NodeSpec } from "../../src/core/spec.ts";

const name = fc.oneof(
  fc
    .stringMatching(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/)
    .filter((text) => text !== "localhost" && text !== "zz-new"),
  fc.constantFrom("null", "true", "false", "on", "no", "y", "n", "any", "e1"),
);

/** Numbers and switches as well as text that YAML might take for something else. */
const settingValue = fc.oneof(
  fc.constantFrom(
    "on",
    "off",
    "true",
    "null",
    "~",
    "",
    "128MB",
    "10GB",
    "5min",
    "0",
    "010",
    "1e3",
    "0x10",
    "-1",
    "1.50",
  ),
  fc.constantFrom(
    "# no comment",
    "a: b",
    "'",
    '"',
    "\\",
    "- a",
    "*",
    "&x",
    "!x",
    "%m [%p] ",
    " lead",
    "trail ",
    "|",
    "ü→",
  ),
  fc.string({ maxLength: 30 }).filter((text) => !/\p{Cc}/u.test(text)),
);
const settingName = fc
  .stringMatching(/^[a-z_][a-z0-9_]{0,12}(\.[a-z][a-z0-9_]{0,8})?$/)
  .map((text) => `x_${text}`);

function nodes(): fc.Arbitrary<NodeSpec[]> {
  return fc.uniqueArray(name, { minLength: 1, maxLength: 6 }).chain((names) =>
    fc.tuple(
      ...names.map((own, index) =>
        fc.record({
          name: fc.constant(own),
          priority: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1000 })),
          // From an earlier node, so that no loop comes about; the first has none.
          upstream:
            index === 0
              ? fc.constant(null)
              : fc.option(fc.constantFrom(...names.slice(0, index)), { freq: 1 }),
          delayMs: fc.oneof(
            fc.constant(0),
            fc.constantFrom(1, 999, 30_000, 5_400_000, 86_400_000),
            fc.nat(2_147_483_647),
          ),
        }),
      ),
    ),
  );
}

export function anySpec(): fc.Arbitrary<ClusterSpec> {
  const parts = fc.record({
    name,
    postgres: fc.integer({ min: 15, max: 20 }),
    runtime: fc.constantFrom("docker" as const, "process" as const),
    image: fc.option(fc.constantFrom("postgres:17-alpine", "registry.example:5000/a/b:1")),
    nodes: nodes(),
    mode: fc.constantFrom("async" as const, "sync" as const, "quorum" as const),
    acks: fc.integer({ min: 1, max: 15 }),
    commit: fc.constantFrom("remote_write" as const, "on" as const, "remote_apply" as const),
    among: fc.option(fc.infiniteStream(fc.boolean())),
    settings: fc.dictionary(settingName, settingValue, { maxKeys: 5, noNullPrototype: true }),
  });
  return parts.map(({ mode, acks, commit, among, ...spec }) => {
    const attached = spec.nodes.filter((node) => node.upstream === null).map((node) => node.name);
    const some = among === null ? null : attached.filter(() => among.next().value === true);
    const replication = { mode, acks, commit, among: some === null || some.length === 0 ? null : some };
    const image = spec.runtime === "docker" ? spec.image : null;
    return possible({ ...spec, image, replication });
  });
}

/** With as many confirmations as there can be, or none. */
export function possible(spec: ClusterSpec): ClusterSpec {
  const rule = ruleOf(spec);
  const most = rule === null ? spec.replication.acks : confirmers(rule, spec.nodes[0]?.name ?? "").length;
  const { acks } = spec.replication;
  const replication =
    most === 0
      ? { ...spec.replication, mode: "async" as const }
      : { ...spec.replication, acks: Math.min(acks, most) };
  return { ...spec, replication };
}
