/**
 * Converge to the file: found the cluster, make what is missing, start what is down, attach, then bring the commit rule
 * to the file's. A node whose place in the history is uncertain is left alone and named; the others go on.
 */
import { present } from "../../support/assert.ts";
import { type Authority, changed } from "../authority.ts";
import type { Decision, Intent } from "../decision.ts";
import { type NodeObservation, type Observation, hasData, isRunning, streamsFrom } from "../observation.ts";
import type { Step } from "../plan.ts";
import type { Refusal } from "../refusals.ts";
import { type ClusterSpec, type NodeName, slotName, upstreamOf } from "../spec.ts";
import { blockedStandbys } from "./blocked-standbys.ts";
import { doubtTampered, planCommitRule } from "./commit-mode.ts";
import { type Draft, configurationOf, newDraft, record, stage, standbysOf } from "./draft.ts";
import { planDrift } from "./plan-drift.ts";
import { clusterRefusals } from "./safety.ts";

type UpIntent = Intent & { kind: "up" };

export function decideUp(
  intent: UpIntent,
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): Decision {
  if (authority === null) {
    const refusal = refuseUnrecorded(spec, observation);
    if (refusal !== null) return { kind: "refuse", refusals: [refusal] };
  } else {
    const refusals = clusterRefusals(spec, authority, observation);
    if (refusals.length > 0) return { kind: "refuse", refusals };
  }
  const draft = draftFor(spec, authority, observation);
  const blocked = blockedStandbys(draft);
  doubtTampered(draft);
  planServers(draft, blocked);
  const usable = standbysOf(draft).filter((name) => !blocked.has(name));
  // Before anybody is told to use them.
  planSlots(draft, usable);
  planDrift(draft, blocked);
  planCopies(draft, usable);
  planAttachment(draft, usable);
  planStaleSlots(draft, usable);
  const ruleRefusal = planCommitRule(draft, intent.allowBlocking, blocked);
  if (ruleRefusal === null) planRemovals(draft, intent.remove);
  if (draft.stages.length > 0) return { kind: "act", plan: draft.stages };
  const { concerning } = intent;
  const standing = [...blocked].filter(([name]) => concerning === null || concerning.includes(name));
  // The rule may be refused for the sake of a standby that is listed for itself as well.
  const refusals = new Set(standing.map(([, refusal]) => refusal));
  if (ruleRefusal !== null) refusals.add(ruleRefusal);
  return refusals.size > 0 ? { kind: "refuse", refusals: [...refusals] } : { kind: "settled" };
}

/** Without a record nobody may be primary; only an entirely empty cluster can be founded. */
function refuseUnrecorded(spec: ClusterSpec, observation: Observation): Refusal | null {
  const holders = spec.nodes.map((node) => node.name).filter((name) => hasData(observation.nodes[name]));
  if (holders.length === 0) return null;
  return {
    code: "no-authority",
    message: "there is data, but no record of who may be primary",
    detail: `${holders.join(", ")} hold data; the authority record in the state folder is missing.`,
    hint: "Bring the state folder back. Nothing may be guessed from the data alone.",
  };
}

function draftFor(spec: ClusterSpec, authority: Authority | null, observation: Observation): Draft {
  if (authority !== null) return newDraft(spec, authority, observation);
  const first = present(spec.nodes[0], "the first node of the file");
  const change = { kind: "found", cluster: spec.name, primary: first.name } as const;
  const founded = present(changed(null, change), "the record of a new cluster");
  const step: Step = { kind: "record-authority", change, because: "before anybody may accept writes" };
  const draft = newDraft(spec, founded, observation);
  stage(draft, [step]);
  return draft;
}

/** Brings the primary up, and with it every standby that has its data: they need not wait for one another. */
function planServers(draft: Draft, blocked: ReadonlyMap<NodeName, Refusal>): void {
  const name = draft.authority.primary;
  const node = draft.observation.nodes[name];
  const founding = draft.authority.systemIdentifier === null;
  if (!hasData(node))
    stage(draft, [{ kind: "initialise", node: name, because: "to be copied by the standbys" }]);
  const down = [name, ...standbysOf(draft)].filter((candidate) =>
    needsStart(candidate, draft.observation.nodes[candidate], name, blocked),
  );
  stage(
    draft,
    down.map((candidate) => startStep(draft, candidate, "to bring the cluster up")),
  );
  for (const candidate of down) draft.running.add(candidate);
  if (founding) planIdentification(draft, node);
  if (node?.kind === "primary" ? !node.prepared : founding) {
    stage(draft, [{ kind: "prepare", node: name, because: "so that standbys and applications can log in" }]);
  }
}

function needsStart(
  name: NodeName,
  node: NodeObservation | undefined,
  primary: NodeName,
  blocked: ReadonlyMap<NodeName, Refusal>,
): boolean {
  if (blocked.has(name)) return false;
  if (node?.kind === "stopped" || node?.kind === "starting") return true;
  return name === primary && !hasData(node);
}

/** The identity of the data, once the first primary was seen running: every later copy must have the same. */
function planIdentification(draft: Draft, node: NodeObservation | undefined): void {
  if (node?.kind !== "primary") return;
  record(
    draft,
    { kind: "identify", systemIdentifier: node.systemIdentifier },
    "so that no other data is taken for this cluster's",
  );
}

function startStep(draft: Draft, node: NodeName, because: string): Step {
  return { kind: "start", node, configuration: configurationOf(draft, node), because };
}

/** One physical slot per standby on its upstream, before the standby connects. */
function planSlots(draft: Draft, standbys: readonly NodeName[]): void {
  const missing = new Map<NodeName, string[]>();
  for (const name of standbys) {
    const upstream = upstreamOf(draft.spec, name, draft.authority.primary);
    if (upstream === null || !draft.running.has(upstream)) continue;
    const node = draft.observation.nodes[upstream];
    if (isRunning(node) && node.slots.some((slot) => slot.name === slotName(name))) continue;
    missing.set(upstream, [...(missing.get(upstream) ?? []), slotName(name)]);
  }
  stage(
    draft,
    [...missing].map(([node, slots]) => ({
      kind: "make-slots",
      node,
      slots,
      because: "so that the WAL they need is kept from now on",
    })),
  );
}

/** Copies of what is absent, level by level: a cascaded standby is copied from its own upstream, once that runs. */
function planCopies(draft: Draft, standbys: readonly NodeName[]): void {
  let absent = standbys.filter((name) => !hasData(draft.observation.nodes[name]));
  while (absent.length > 0) {
    const level = absent.filter((name) => draft.running.has(upstream(draft, name)));
    if (level.length === 0) return;
    const late = level.filter((name) => !isRunning(draft.observation.nodes[upstream(draft, name)]));
    // A slot on an upstream that only this plan starts was not planned above.
    planLateSlots(draft, late);
    stage(
      draft,
      level.map((name) => cloneStep(draft, name)),
    );
    stage(
      draft,
      level.map((name) => startStep(draft, name, "so that it replays what its upstream writes")),
    );
    for (const name of level) draft.running.add(name);
    absent = absent.filter((name) => !level.includes(name));
  }
}

function planLateSlots(draft: Draft, names: readonly NodeName[]): void {
  const planned = draft.stages.flat();
  const missing = names.filter(
    (name) => !planned.some((step) => step.kind === "make-slots" && step.slots.includes(slotName(name))),
  );
  stage(
    draft,
    missing.map((name) => ({
      kind: "make-slots",
      node: upstream(draft, name),
      slots: [slotName(name)],
      because: "so that the WAL it needs is kept from now on",
    })),
  );
}

function upstream(draft: Draft, name: NodeName): NodeName {
  return present(upstreamOf(draft.spec, name, draft.authority.primary), `the upstream of ${name}`);
}

function cloneStep(draft: Draft, name: NodeName): Step {
  const from = upstream(draft, name);
  return {
    kind: "clone",
    node: name,
    from,
    slot: slotName(name),
    because: `to follow ${from} from there on`,
  };
}

function planAttachment(draft: Draft, standbys: readonly NodeName[]): void {
  const waiting = standbys.filter(
    (name) => draft.running.has(name) && draft.running.has(upstream(draft, name)) && !streams(draft, name),
  );
  stage(
    draft,
    waiting.map((name) => ({
      kind: "await-streaming",
      node: name,
      from: upstream(draft, name),
      because: "so that it is known to follow",
    })),
  );
}

function streams(draft: Draft, name: NodeName): boolean {
  return streamsFrom(draft.observation, name, upstream(draft, name));
}

/**
 * Slots of standbys that receive from elsewhere now (law L10). Only once they stream there: until then the old one may
 * be all that keeps their WAL.
 */
function planStaleSlots(draft: Draft, standbys: readonly NodeName[]): void {
  const moved = standbys.filter((name) => streams(draft, name));
  const steps = Object.entries(draft.observation.nodes).flatMap(([holder, node]): Step[] => {
    if (!isRunning(node)) return [];
    const stale = moved.filter((name) => name !== holder && upstream(draft, name) !== holder).map(slotName);
    const slots = node.slots
      .filter((slot) => !slot.active && stale.includes(slot.name))
      .map((slot) => slot.name);
    if (slots.length === 0) return [];
    return [
      {
        kind: "drop-slots",
        node: holder,
        slots,
        because: "because their standbys receive from elsewhere now",
      },
    ];
  });
  stage(draft, steps);
}

/** Nodes that left the file, with the user's consent: data first, then the slot that would hold WAL back for nobody. */
function planRemovals(draft: Draft, remove: readonly NodeName[]): void {
  const gone = remove.filter((name) => hasData(draft.observation.nodes[name]));
  stage(
    draft,
    gone.map((name) => ({ kind: "remove", node: name, because: "because it left the file" })),
  );
  const holders = Object.entries(draft.observation.nodes).flatMap(([holder, node]): Step[] => {
    if (!isRunning(node) || remove.includes(holder)) return [];
    const slots = node.slots
      .map((slot) => slot.name)
      .filter((slot) => remove.some((name) => slotName(name) === slot));
    if (slots.length === 0) return [];
    return [
      {
        kind: "drop-slots",
        node: holder,
        slots,
        because: "so that it keeps no WAL for a standby that is gone",
      },
    ];
  });
  stage(draft, holders);
}
