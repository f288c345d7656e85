/**
 * A world in one line, for tests: what the file asks for, what the authority record says, and what was seen.
 * Whatever a line does not mention is as in a healthy cluster: senders, slots and configurations agree with each other,
 * so that a world without faults is settled. It must never use the code under test to decide what is healthy,
 * beyond `nodeConfiguration`, which is what nodes are told.
 */
import type { Authority, Proof } from "../../../src/core/authority.ts";
import { type CommitRule, ruleOf } from "../../../src/core/commit-rule.ts";
import type { NodeObservation, Observation } from "../../../src/core/observation.ts";
import type { ClusterSpec, NodeName, NodeSpec, ReplicationSpec } from "../../../src/core/spec.ts";
import {
  at,
  type DownOptions,
  type DownOverride,
  type Draft,
  NOW_MS,
  type NodeOptions,
  type Settings,
  SYSTEM,
} from "./draft.ts";
import { observe, wiringOf } from "./nodes.ts";

export interface World {
  readonly spec: ClusterSpec;
  readonly authority: Authority;
  readonly observation: Observation;
}

export interface WorldBuilder {
  primary(name: NodeName, position: string, options?: NodeOptions): WorldBuilder;
  standby(name: NodeName, position: string, options?: NodeOptions): WorldBuilder;
  /** A stopped server; crashed unless `clean`. A node that was not named before joins the file. */
  down(name: NodeName, options?: DownOptions): WorldBuilder;
  unreachable(name: NodeName, reason?: string): WorldBuilder;
  paused(name: NodeName, processes?: readonly number[]): WorldBuilder;
  starting(name: NodeName, reason?: string): WorldBuilder;
  /** No data directory. */
  absent(name: NodeName, options?: { readonly debris: boolean }): WorldBuilder;
  async(): WorldBuilder;
  /** `quorum` and `sync` are demanded by file and record, and proved since 0/1000, unless `.pending()` follows. */
  quorum(acks?: number, options?: Partial<ReplicationSpec>): WorldBuilder;
  sync(acks?: number, options?: Partial<ReplicationSpec>): WorldBuilder;
  proved(since?: string, timeline?: number): WorldBuilder;
  pending(): WorldBuilder;
  proofs(...proofs: readonly Proof[]): WorldBuilder;
  /** Only the file asks for it; the record and the nodes do not know it yet. */
  fileAsks(replication: Partial<ReplicationSpec>): WorldBuilder;
  /** Where the timelines 1, 2, … were left; the cluster is on the next one. */
  forks(...lsns: readonly string[]): WorldBuilder;
  spec(change: Partial<ClusterSpec>): WorldBuilder;
  authority(change: Partial<Authority>): WorldBuilder;
  build(): World;
}

const ASYNC: ReplicationSpec = { mode: "async", acks: 1, commit: "on", among: null };

/** An empty world. The first node named is the primary by record. */
export function cluster(): WorldBuilder {
  return builder({ drafts: [], spec: {}, replication: ASYNC, authority: {}, forks: [] });
}

/** `{ rule, since }` for `.proofs(…)`; pending without `since`. */
export function proof(rule: CommitRule, since?: string, timeline = 1): Proof {
  return { rule, since: since === undefined ? null : at(since, timeline), afterWeakCommit: false };
}

function builder(settings: Settings): WorldBuilder {
  const next = (change: Partial<Settings>): WorldBuilder => builder({ ...settings, ...change });
  const seen = (name: NodeName, override: NodeObservation | DownOverride): WorldBuilder =>
    next({ drafts: overridden(settings.drafts, name, override) });
  const demand = (replication: ReplicationSpec): WorldBuilder => {
    const { rule: _, proofs: __, ...rest } = settings.authority;
    return next({ replication, authority: rest });
  };
  return {
    primary: (name, position, options = {}) =>
      next({ drafts: [...settings.drafts, { name, role: "primary", position, options, override: null }] }),
    standby: (name, position, options = {}) =>
      next({ drafts: [...settings.drafts, { name, role: "standby", position, options, override: null }] }),
    down: (name, options = {}) => seen(name, { kind: "down", options }),
    unreachable: (name, reason = "connection timed out") => seen(name, { kind: "unreachable", reason }),
    paused: (name, processes) =>
      seen(name, { kind: "paused", ...(processes === undefined ? {} : { processes }) }),
    starting: (name, reason = "the database system is starting up") =>
      seen(name, { kind: "starting", reason }),
    absent: (name, options = { debris: false }) => seen(name, { kind: "absent", debris: options.debris }),
    async: () => demand(ASYNC),
    quorum: (acks = 1, options = {}) => demand({ ...ASYNC, mode: "quorum", acks, ...options }),
    sync: (acks = 1, options = {}) => demand({ ...ASYNC, mode: "sync", acks, ...options }),
    proved: (since = "0/1000", timeline) =>
      next({
        authority: {
          ...settings.authority,
          proofs: [proof(demanded(settings), since, timeline ?? settings.forks.length + 1)],
        },
      }),
    pending: () => next({ authority: { ...settings.authority, proofs: [proof(demanded(settings))] } }),
    proofs: (...proofs) => next({ authority: { ...settings.authority, proofs } }),
    fileAsks: (replication) => {
      const { rule, proofs } = authorityOf(settings);
      return next({
        replication: { ...settings.replication, ...replication },
        authority: { ...settings.authority, rule, proofs },
      });
    },
    forks: (...forks) => next({ forks }),
    spec: (change) => next({ spec: { ...settings.spec, ...change } }),
    authority: (change) => next({ authority: { ...settings.authority, ...change } }),
    build: () => build(settings),
  };
}

/** The draft with `name` seen as `override`; a new one at the end if there was none. */
function overridden(
  drafts: readonly Draft[],
  name: NodeName,
  override: NodeObservation | DownOverride,
): Draft[] {
  if (drafts.some((draft) => draft.name === name)) {
    return drafts.map((draft) => (draft.name === name ? { ...draft, override } : draft));
  }
  const role = drafts.length === 0 ? "primary" : "standby";
  return [...drafts, { name, role, position: "0/5000", options: {}, override }];
}

function specOf(settings: Settings): ClusterSpec {
  const nodes: NodeSpec[] = settings.drafts
    .filter((draft) => draft.options.notInFile !== true)
    .map(({ name, options }) => ({
      name,
      priority: options.priority ?? 0,
      upstream: options.upstream ?? null,
      delayMs: options.delayMs ?? 0,
    }));
  return {
    name: "demo",
    postgres: 17,
    runtime: "docker",
    image: null,
    nodes,
    replication: settings.replication,
    settings: {},
    ...settings.spec,
  };
}

function demanded(settings: Settings): CommitRule {
  const rule = settings.authority.rule ?? ruleOf(specOf(settings));
  if (rule === null)
    throw new RangeError("no commit rule to prove: say .quorum() or .sync() first, after the nodes");
  return rule;
}

function authorityOf(settings: Settings): Authority {
  const rule = settings.authority.rule === undefined ? ruleOf(specOf(settings)) : settings.authority.rule;
  const proofs = rule === null ? [] : [proof(rule, "0/1000", settings.forks.length + 1)];
  const primary = settings.drafts.find((draft) => draft.role === "primary") ?? settings.drafts[0];
  return {
    cluster: "demo",
    term: settings.forks.length + 1,
    primary: primary?.name ?? "pg1",
    systemIdentifier: SYSTEM,
    rule,
    proofs,
    ...settings.authority,
  };
}

function build(settings: Settings): World {
  const spec = specOf(settings);
  const authority = authorityOf(settings);
  const wiring = wiringOf(settings.drafts);
  const nodes = observe(settings, spec, authority, wiring);
  return { spec, authority, observation: { atMs: NOW_MS, nodes, wiring } };
}
