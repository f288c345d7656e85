/**
 * A rolling restart: one standby after another, each streaming again before the next, the primary last.
 * A node counts as restarted once its server is another one than the command met: by its own start time, which no
 * difference between two clocks can touch.
 */
import type { Authority } from "../authority.ts";
import type { Decision, Intent } from "../decision.ts";
import { limitChanges, limitsAfterStart, smallerIn } from "../limits.ts";
import { desiredConfiguration, nodeConfiguration } from "../node-configuration.ts";
import { type Observation, hasData, isRunning, streamsFrom } from "../observation.ts";
import type { Stage, Step } from "../plan.ts";
import type { Refusal } from "../refusals.ts";
import { type ClusterSpec, type NodeName, upstreamOf } from "../spec.ts";
import { doubtTampered } from "./commit-mode.ts";
import { newDraft } from "./draft.ts";
import { clusterRefusals, nothingFounded, standbyRefusal } from "./safety.ts";

type RestartIntent = Intent & { kind: "restart" };

export function decideRestart(
  intent: RestartIntent,
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): Decision {
  if (authority === null) return { kind: "refuse", refusals: [nothingFounded()] };
  const refusals = [
    ...clusterRefusals(spec, authority, observation),
    ...intent.nodes.filter((name) => !hasData(observation.nodes[name])).map(nothingToRestart),
    ...intent.nodes.flatMap((name) =>
      name === authority.primary ? [] : (standbyRefusal(name, spec, authority, observation) ?? []),
    ),
    ...standbysFirst(intent.nodes, spec, authority, observation),
  ];
  if (refusals.length > 0) return { kind: "refuse", refusals };
  const draft = newDraft(spec, authority, observation);
  // A start writes the settings anew: what was changed by hand would be gone, and its effect on the proof unnoticed.
  doubtTampered(draft);
  const restarts = inOrder(intent, spec, authority, observation).flatMap((name) =>
    planNode(name, intent, spec, authority, observation),
  );
  const plan = [...draft.stages, ...restarts];
  return plan.length === 0 ? { kind: "settled" } : { kind: "act", plan };
}

function nothingToRestart(name: NodeName): Refusal {
  return {
    code: "node-missing",
    message: `${name} has no data, so there is no server to restart`,
    detail: "The node is in the file, but was not made yet, or not to its end.",
    hint: "Make it: pgrep-kit up",
  };
}

/**
 * A primary that comes back with more of one of the five settings stops the replay of every standby that runs with less,
 * and a standby cannot be told to go on before it was restarted itself.
 */
function standbysFirst(
  nodes: readonly NodeName[],
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): Refusal[] {
  const { primary } = authority;
  const source = observation.nodes[primary];
  if (!nodes.includes(primary) || !isRunning(source)) return [];
  const { settings } = nodeConfiguration(spec, authority, primary, observation.wiring);
  const next = limitsAfterStart(settings, source.configuration.overrides);
  const grown = smallerIn(source.configuration.limits, next);
  const smaller = spec.nodes.flatMap(({ name }) => {
    const node = observation.nodes[name];
    if (name === primary || !isRunning(node)) return [];
    const turn = nodes.includes(name);
    const has = turn ? limitsAfterStart(settings, node.configuration.overrides) : node.configuration.limits;
    const which = smallerIn(has, next).filter((setting) => grown.includes(setting));
    return which.map((setting) => ({ name, setting, has: has[setting], next: next[setting] }));
  });
  const [first] = smaller;
  if (first === undefined) return [];
  const names = [...new Set(smaller.map(({ name }) => name))];
  const which = [...new Set(smaller.map(({ setting }) => setting))];
  const byFile = which.every((setting) => source.configuration.overrides[setting] === undefined);
  return [
    {
      code: "standbys-first",
      message: `a restart of ${primary} would stop the replay of ${names.join(", ")}`,
      detail: `${primary} would come back with a greater ${which.join(", ")} than they run with: ${first.setting} ${first.next}, and ${first.has} on ${first.name}.`,
      hint: byFile
        ? "One node after another, the standbys first: pgrep-kit restart"
        : `Write ${which.join(", ")} under settings: in the file, so that every node has it; then pgrep-kit up, and pgrep-kit restart.`,
    },
  ];
}

/**
 * The primary last; but first where it only lowers settings in which a standby must not be smaller: a standby that had
 * them lowered before it replayed the primary's own change would not start.
 */
function inOrder(
  { nodes, before }: RestartIntent,
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): NodeName[] {
  const { primary } = authority;
  const last = nodes.filter((name) => name === primary);
  const others = nodes.filter((name) => name !== primary);
  const node = observation.nodes[primary];
  // Down already: others need it to stream from. Or back already: they must have heard of what it lowered.
  if (!isRunning(node) || isRestarted(node, before[primary])) return [...last, ...others];
  const { settings } = nodeConfiguration(spec, authority, primary, observation.wiring);
  const { lowered, raised } = limitChanges(node.configuration.limits, settings);
  return lowered && !raised ? [...last, ...others] : [...others, ...last];
}

/** It is another server than the one that the command met. */
function isRestarted(
  { startedAtMs }: { readonly startedAtMs: number },
  before: number | null | undefined,
): boolean {
  return startedAtMs !== before;
}

function planNode(
  name: NodeName,
  intent: RestartIntent,
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): Stage[] {
  const node = observation.nodes[name];
  const running = isRunning(node);
  const restarted = running && isRestarted(node, intent.before[name]);
  const stages: Stage[] = [];
  if (running && !restarted) stages.push([{ kind: "stop", node: name, because: "to be started again" }]);
  if (!restarted) {
    const configuration = desiredConfiguration(spec, authority, name, observation);
    stages.push([{ kind: "start", node: name, configuration, because: "with the settings of the file" }]);
  }
  const waiting = attachments(name, restarted, spec, authority, observation);
  return waiting.length === 0 ? stages : [...stages, waiting];
}

/** Who must be seen streaming before the next node may be stopped: the node itself, or those that receive from it. */
function attachments(
  name: NodeName,
  restarted: boolean,
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): Step[] {
  return spec.nodes.flatMap((other): Step[] => {
    const from = upstreamOf(spec, other.name, authority.primary);
    if (from === null || (other.name !== name && from !== name)) return [];
    // Nobody can follow an upstream that is down; its own turn comes.
    if (from !== name && !isRunning(observation.nodes[from])) return [];
    if (restarted && streamsFrom(observation, other.name, from)) return [];
    const standby = observation.nodes[other.name];
    // Whoever is down anyway is not waited for.
    if (other.name !== name && !isRunning(standby)) return [];
    return [{ kind: "await-streaming", node: other.name, from, because: "before anything else is stopped" }];
  });
}
