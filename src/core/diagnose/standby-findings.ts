/** Findings about the standbys: that they are there, that they follow whom they should, and that they keep up. */
import type { StandbyObservation } from "../observation.ts";
import { smallerIn } from "../limits.ts";
import { formatLsn } from "../lsn.ts";
import type { NodeName } from "../spec.ts";
import { type Finding, finding } from "./finding.ts";
import { isClean, nodeState } from "./node-state.ts";
import { type Scene, divergenceOf, expectedUpstream, isInFile, seen } from "./scene.ts";
import { formatBytes, formatDuration } from "./units.ts";
import { followedBy } from "./upstream.ts";

/** The tutorial's alarm: more than this behind is no longer a matter of moments. */
const BEHIND_WARNING_BYTES = 16 * 1024 * 1024;

export function standbyFindings(scene: Scene, name: NodeName): Finding[] {
  if (!isInFile(scene, name)) return outsider(scene, name);
  const state = nodeState(scene, name);
  // Reported with the primary's findings.
  if (state === "split-brain") return [];
  const node = seen(scene, name);
  const parted = divergedFinding(scene, name);
  if (node?.kind === "standby") {
    if (parted.length > 0) return parted;
    return [...attachment(scene, name, node), ...progress(scene, name, node)];
  }
  return [...absence(scene, name), ...parted];
}

function outsider(scene: Scene, name: NodeName): Finding[] {
  const state = nodeState(scene, name);
  if (state === "split-brain" || state === "missing") return [];
  const message = `${name} is not in the file, but something of it is still there`;
  return [finding("warning", "not-in-file", name, message)];
}

function divergedFinding(scene: Scene, name: NodeName): Finding[] {
  const parted = divergenceOf(scene, name);
  if (parted === null) return [];
  const primarySeen = scene.authority !== null && seen(scene, scene.authority.primary)?.kind === "primary";
  const whose = primarySeen ? `${scene.authority?.primary}'s history` : "the other standbys' history";
  const where =
    parted.fork === null
      ? unknownFork(scene, name)
      : `they parted at ${formatLsn(parted.fork.lsn)} on timeline ${parted.fork.timeline}`;
  const facts = {
    forkTimeline: parted.fork?.timeline ?? null,
    forkLsn: parted.fork === null ? null : formatLsn(parted.fork.lsn),
  };
  return [
    finding("error", "diverged", name, `${name} holds WAL that is no part of ${whose}: ${where}`, facts),
  ];
}

/** A stopped node does not tell where its timeline began: that they share none would be a guess. */
function unknownFork(scene: Scene, name: NodeName): string {
  const node = seen(scene, name);
  const timeline = node?.kind === "stopped" ? node.control?.timeline : undefined;
  return timeline === undefined
    ? "where they parted is not known"
    : `it is on timeline ${timeline}, and where that began is not known`;
}

/** Nodes that no server answers for. */
function absence(scene: Scene, name: NodeName): Finding[] {
  const node = seen(scene, name);
  switch (node?.kind) {
    case "starting":
      return [finding("warning", "standby-starting", name, `${name} is starting: ${node.reason}`)];
    case "stopped": {
      const clean = isClean(node);
      const agoMs = node.stoppedAtMs === null ? null : Math.max(0, scene.observation.atMs - node.stoppedAtMs);
      const when = agoMs === null ? "" : ` for ${formatDuration(agoMs)}`;
      const standby = node.standbySignal;
      const role = standby ? "" : "; it has no standby.signal and would start as a second primary";
      const message = `${name} has been stopped${when}${clean ? "" : ", without a clean shutdown"}${role}`;
      const facts = { clean, agoMs, exitCode: node.exitCode, standby };
      return [finding("warning", "standby-stopped", name, message, facts)];
    }
    case "paused":
      return [finding("warning", "standby-frozen", name, `${name} is frozen and may wake up at any moment`)];
    case "absent":
      return node.debris
        ? [
            finding(
              "warning",
              "standby-half-copied",
              name,
              `${name} holds an unfinished copy, which nothing is started from`,
            ),
          ]
        : [finding("warning", "standby-missing", name, `${name} has no data directory`)];
    case "unreachable":
      return [finding("warning", "standby-unreachable", name, `${name} does not answer: ${node.reason}`)];
    default:
      return [finding("warning", "standby-unreachable", name, `nothing was seen of ${name}`)];
  }
}

function attachment(scene: Scene, name: NodeName, node: StandbyObservation): Finding[] {
  const state = nodeState(scene, name);
  const expected = expectedUpstream(scene, name);
  const followed = followedBy(node, scene.observation.wiring);
  const target =
    followed.kind === "node" ? followed.node : followed.kind === "stranger" ? followed.address : null;
  if (target !== null && expected !== null && target !== expected) {
    const message = `${name} follows ${target}, the file says ${expected}`;
    return [finding("warning", "wrong-upstream", name, message, { follows: target, expected })];
  }
  switch (state) {
    case "slot-lost":
      return [slotLost(name)];
    case "disconnected": {
      // Nobody can receive from a server that is down: that one is the news, this is only its consequence.
      const severity = node.receiver === null && isDown(scene, target) ? "note" : "warning";
      const message = whyDisconnected(scene, name, node, target);
      return [finding(severity, "standby-disconnected", name, message, { upstream: target })];
    }
    case "catching-up": {
      const lag = scene.lags.get(name);
      const bytes = lag?.replay.bytes ?? null;
      const rest = bytes === null ? "" : `, ${formatBytes(bytes)} to go`;
      return [
        finding("warning", "standby-catching-up", name, `${name} is catching up with ${target}${rest}`, {
          behindBytes: bytes,
        }),
      ];
    }
    default:
      return [];
  }
}

export function slotLost(name: NodeName): Finding {
  const message = `${name} needs WAL that is gone: its slot kept max_slot_wal_keep_size and no more`;
  return finding("error", "slot-lost", name, message);
}

function isDown(scene: Scene, name: NodeName | null): boolean {
  const kind = name === null ? undefined : seen(scene, name)?.kind;
  return kind === "stopped" || kind === "absent" || kind === "starting";
}

function whyDisconnected(
  scene: Scene,
  name: NodeName,
  node: StandbyObservation,
  target: string | null,
): string {
  if (target === null) return `${name} follows nobody: its primary_conninfo is empty`;
  if (node.receiver === null) {
    return `${name} receives nothing from ${target}${isDown(scene, target) ? ", which is down" : ""}`;
  }
  if (!node.receiver.streaming) return `${name} is connected to ${target}, but does not stream`;
  return `${target} does not know ${name}: no row in its pg_stat_replication`;
}

/** PostgreSQL stops the replay itself then, and would end the server if told to go on. */
function smallerThanUpstream(scene: Scene, name: NodeName, node: StandbyObservation): string | null {
  const source = scene.authority === null ? undefined : seen(scene, scene.authority.primary);
  if (source?.kind !== "primary" || name === scene.authority?.primary) return null;
  const names = smallerIn(node.configuration.limits, source.configuration.limits);
  return names.length === 0 ? null : names.join(", ");
}

/** How a standby that receives keeps up. */
function progress(scene: Scene, name: NodeName, node: StandbyObservation): Finding[] {
  const lag = scene.lags.get(name);
  const bytes = lag?.replay.bytes ?? null;
  const behind = bytes === null ? "" : `; it is ${formatBytes(bytes)} behind`;
  const findings: Finding[] = [];
  const quietMs = lag?.silentMs ?? null;
  if (quietMs !== null) {
    const message = `${name} has not confirmed anything for ${formatDuration(quietMs)}`;
    findings.push(finding("warning", "standby-silent", name, message, { silentMs: quietMs }));
  }
  if (node.replayPaused) {
    const smaller = smallerThanUpstream(scene, name, node);
    const why =
      smaller === null
        ? "is paused (not by pgrep-kit)"
        : `stopped, because its ${smaller} is smaller than the primary's`;
    const message = `${name} receives, but its replay ${why}${behind}`;
    findings.push(finding("warning", "replay-paused", name, message, { behindBytes: bytes, smaller }));
  } else if (node.delayMs > 0) {
    const message = `${name} replays ${formatDuration(node.delayMs)} late, as it is told to`;
    findings.push(finding("note", "delayed", name, message, { delayMs: node.delayMs }));
  } else if (bytes !== null && bytes >= BEHIND_WARNING_BYTES) {
    findings.push(
      finding("warning", "behind", name, `${name} is ${formatBytes(bytes)} behind`, { behindBytes: bytes }),
    );
  }
  return findings;
}
