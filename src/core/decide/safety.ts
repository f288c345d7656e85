/**
 * What forbids to go on with the whole cluster, and what forbids to touch one standby. Nothing in here acts;
 * every reason that holds is listed, so that the user learns all of them at once.
 */
import type { Authority } from "../authority.ts";
import { divergence as whereParted } from "../diagnose/divergence.ts";
import { stopCommand, thawCommand } from "../diagnose/host-commands.ts";
import { ONCE_NOBODY_NEEDS_IT } from "../diagnose/next-steps.ts";
import { formatLsn } from "../lsn.ts";
import { type NodeObservation, type Observation, hasData, isRunning } from "../observation.ts";
import { standbysAhead } from "../primary-behind.ts";
import type { Refusal } from "../refusals.ts";
import { type ClusterSpec, type NodeName, slotName, upstreamOf } from "../spec.ts";
import { relate } from "../timeline.ts";

/** Reasons not to touch anything: the record and what was seen of the primary do not fit together. */
export function clusterRefusals(
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): Refusal[] {
  const refusals = [...splitBrain(spec, authority, observation), ...foreignData(authority, observation)];
  if (!spec.nodes.some((node) => node.name === authority.primary)) {
    refusals.push({
      code: "removes-primary",
      message: `the file does not name ${authority.primary}, which is the primary`,
      detail: `Term ${authority.term} belongs to ${authority.primary}; without it nobody may accept writes.`,
      hint: `Put ${authority.primary} back into the file.`,
    });
  }
  return [...refusals, ...primaryRefusals(spec, authority, observation)];
}

function splitBrain(spec: ClusterSpec, authority: Authority, observation: Observation): Refusal[] {
  return Object.entries(observation.nodes)
    .filter(([name, node]) => node.kind === "primary" && name !== authority.primary)
    .map(([name]) => ({
      code: "split-brain",
      message: `${name} accepts writes without authority`,
      detail: `Term ${authority.term} belongs to ${authority.primary}.`,
      hint: `Stop ${name} before anything else, and keep its data: what only it holds may be writes that somebody needs.${typed(stopCommand(name, spec, observation))}`,
    }));
}

function foreignData(authority: Authority, observation: Observation): Refusal[] {
  return Object.entries(observation.nodes).flatMap(([name, node]) => {
    const found = identifierOf(node);
    if (authority.systemIdentifier === null || found === null || found === authority.systemIdentifier)
      return [];
    return [
      {
        code: "foreign-data",
        message: `${name} holds the data of another cluster`,
        detail: `Its system identifier is ${found}; this cluster's is ${authority.systemIdentifier}.`,
        hint: `Move that data away, then run pgrep-kit up.`,
      },
    ];
  });
}

function identifierOf(node: NodeObservation): string | null {
  if (isRunning(node)) return node.systemIdentifier;
  return node.kind === "stopped" ? (node.control?.systemIdentifier ?? null) : null;
}

/** Why nothing can be decided with this primary as it is, or was seen. */
export function primaryRefusals(
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): Refusal[] {
  const name = authority.primary;
  const node = observation.nodes[name];
  if (node === undefined || node.kind === "absent") {
    if (authority.systemIdentifier === null) return [];
    return [
      {
        code: "primary-missing",
        message: `${name} is the primary, but its data is gone`,
        detail: `Term ${authority.term} belongs to ${name}. An empty primary would be a new cluster beside the old one's copies.`,
        hint: `Bring its data back. If that is impossible, a standby has to take over.`,
      },
    ];
  }
  if (node.kind === "unreachable" || node.kind === "paused") {
    const isFrozen = node.kind === "paused";
    return [
      {
        code: "primary-unseen",
        message: `${name}, the primary, ${isFrozen ? "is frozen" : "does not answer"}`,
        detail: isFrozen
          ? "It answers nobody and may wake up at any moment."
          : `What was seen: ${node.reason}. That does not prove that it is down.`,
        hint: isFrozen
          ? `Let it go on, then run the command again.${typed(thawCommand(name, spec, observation))}`
          : `Find out why ${name} does not answer: pgrep-kit logs ${name}`,
      },
    ];
  }
  if (node.kind === "standby" || (node.kind === "stopped" && node.standbySignal)) {
    return [
      {
        code: "primary-is-standby",
        message: `${name} should be the primary, but its data is a standby's`,
        detail: `Term ${authority.term} belongs to ${name}; a standby.signal file makes it read-only.`,
        hint: `If you made it a standby on purpose, undo that; nothing else may accept writes in this term.`,
      },
    ];
  }
  return primaryBehind(authority, observation);
}

function primaryBehind(authority: Authority, observation: Observation): Refusal[] {
  const { primary } = authority;
  const isRunning = observation.nodes[primary]?.kind === "primary";
  return standbysAhead(authority, observation).map(({ node, lsn, primaryLsn }) => ({
    code: "primary-behind",
    message: `${primary} is behind ${node}, though it is the primary`,
    detail: isRunning
      ? `${node} holds WAL up to ${formatLsn(lsn)}, ${primary} only up to ${formatLsn(primaryLsn)}: its data is older than it was.`
      : `${node} has replayed a checkpoint at ${formatLsn(lsn)}; the last one of ${primary} is at ${formatLsn(primaryLsn)}: its data is older than it was.`,
    hint: `Do not ${isRunning ? `write to ${primary}` : `start ${primary} as it is`}. Bring back its newest data, or let ${node} take over.`,
  }));
}

/** Why this standby must not be started or attached; null where nothing forbids it. */
export function standbyRefusal(
  name: NodeName,
  spec: ClusterSpec,
  authority: Authority,
  observation: Observation,
): Refusal | null {
  const node = observation.nodes[name];
  if (!hasData(node) || node === undefined) return null;
  if (node.kind === "unreachable" || node.kind === "paused") {
    const isFrozen = node.kind === "paused";
    return {
      code: "node-unseen",
      message: `${name} ${isFrozen ? "is frozen" : "does not answer"}`,
      detail: isFrozen
        ? "It answers nobody and may wake up at any moment."
        : `What was seen: ${node.reason}.`,
      hint: isFrozen
        ? `Let it go on, then run the command again.${typed(thawCommand(name, spec, observation))}`
        : `Look at pgrep-kit logs ${name}, then run the command again.`,
    };
  }
  if (node.kind === "stopped" && !node.standbySignal) {
    return {
      code: "not-a-standby",
      message: `${name} would start as a second primary`,
      detail: `Its data directory holds no standby.signal, and term ${authority.term} belongs to ${authority.primary}.`,
      hint: `Nothing starts it as it is. A fresh copy, ${ONCE_NOBODY_NEEDS_IT}: pgrep-kit remove-standby ${name}, then pgrep-kit add-standby ${name}`,
    };
  }
  const upstream = upstreamOf(spec, name, authority.primary);
  return divergence(name, node, authority, observation) ?? lostSlot(name, node, upstream, observation);
}

function divergence(
  name: NodeName,
  node: NodeObservation,
  authority: Authority,
  observation: Observation,
): Refusal | null {
  const primary = observation.nodes[authority.primary];
  if (node.kind !== "standby" || primary?.kind !== "primary") return null;
  const relation = relate(node.received, primary.history);
  if (relation.kind === "prefix") return null;
  const fork = relation.fork ?? whereParted(node.received, node.history, primary.history)?.fork ?? null;
  const parted =
    fork === null
      ? "where they parted is not known"
      : `they parted at ${formatLsn(fork.lsn)} on timeline ${fork.timeline}`;
  return {
    code: "diverged",
    message: `${name} holds WAL that never became part of ${authority.primary}'s history`,
    detail: `${name} is at ${formatLsn(node.received.lsn)} on timeline ${node.received.timeline}, ${authority.primary} on timeline ${primary.history.timeline}; ${parted}.`,
    hint: `It cannot follow. A fresh copy, ${ONCE_NOBODY_NEEDS_IT}: pgrep-kit remove-standby ${name}, then pgrep-kit add-standby ${name}`,
  };
}

/** A slot that lost WAL its standby still needs: streaming can never resume. Slots elsewhere are leftovers, and say nothing. */
function lostSlot(
  name: NodeName,
  node: NodeObservation,
  upstream: NodeName | null,
  observation: Observation,
): Refusal | null {
  if (node.kind === "standby" && node.receiver?.streaming === true) return null;
  const holder = upstream === null ? undefined : observation.nodes[upstream];
  if (
    !isRunning(holder) ||
    !holder.slots.some((slot) => slot.name === slotName(name) && slot.walStatus === "lost")
  )
    return null;
  return {
    code: "wal-removed",
    message: `${name} needs WAL that is gone`,
    detail: `Its slot on ${upstream} is lost: it held back more than max_slot_wal_keep_size while ${name} was away.`,
    hint: `A fresh copy: pgrep-kit remove-standby ${name}, then pgrep-kit add-standby ${name}`,
  };
}

/** A command on a line of its own, to be copied. */
function typed(command: string | null): string {
  return command === null ? "" : `\n${command}`;
}

/** For commands that change a cluster which must be there already. */
export function nothingFounded(): Refusal {
  return {
    code: "no-authority",
    message: "there is no cluster yet",
    detail: "No authority record says who may be primary.",
    hint: "Make it first: pgrep-kit up",
  };
}
