/** Findings about who may write and who does (laws L1 and L2). A primary that was not seen is never called lost. */
import type { Authority } from "../authority.ts";
import { isForeign } from "../candidates.ts";
import { formatLsn } from "../lsn.ts";
import { type Observation, hasData } from "../observation.ts";
import { standbysAhead } from "../primary-behind.ts";
import type { NodeName } from "../spec.ts";
import { type Finding, finding } from "./finding.ts";
import { isClean } from "./node-state.ts";
import { type Scene, identityOf, isInFile, seen } from "./scene.ts";
import { formatDuration } from "./units.ts";

export function primaryFindings(scene: Scene): Finding[] {
  const { authority } = scene;
  if (authority === null) return [...unauthorised(scene), ...unrecorded(scene)];
  const outside = isInFile(scene, authority.primary)
    ? []
    : [
        finding(
          "error",
          "primary-not-in-file",
          authority.primary,
          `the file does not name ${authority.primary}, which is the primary`,
        ),
      ];
  return [
    ...unauthorised(scene),
    ...foreign(scene),
    ...wentBack(scene, authority),
    ...authorised(scene, authority.primary),
    ...outside,
  ];
}

function wentBack(scene: Scene, authority: Authority): Finding[] {
  return standbysAhead(authority, scene.observation).map(({ node, lsn, primaryLsn }) => {
    const facts = { ahead: node, aheadLsn: formatLsn(lsn), primaryLsn: formatLsn(primaryLsn) };
    const message = `${authority.primary} is behind ${node} (${facts.primaryLsn} against ${facts.aheadLsn}), though it is the primary: its data is older than it was`;
    return finding("error", "primary-behind", authority.primary, message, facts);
  });
}

function unauthorised(scene: Scene): Finding[] {
  const { authority } = scene;
  return writers(scene.observation)
    .filter((name) => name !== authority?.primary)
    .filter((_, __, all) => authority !== null || all.length > 1)
    .map((name) => {
      const node = seen(scene, name);
      const timeline = node?.kind === "primary" ? node.flushed.timeline : null;
      const owner = authority === null ? "there is no record of who may" : owned(scene, authority.primary);
      const message = `${name} accepts writes on timeline ${timeline} without authority (${owner})`;
      return finding("error", "split-brain", name, message, {
        timeline,
        authority: authority?.primary ?? null,
      });
    });
}

function owned(scene: Scene, primary: NodeName): string {
  const node = seen(scene, primary);
  const timeline = node?.kind === "primary" ? `, timeline ${node.flushed.timeline}` : "";
  return `term ${scene.authority?.term} belongs to ${primary}${timeline}`;
}

function writers(observation: Observation): NodeName[] {
  return Object.entries(observation.nodes)
    .filter(([, node]) => node.kind === "primary")
    .map(([name]) => name);
}

function unrecorded(scene: Scene): Finding[] {
  const holders = scene.names.filter((name) => hasData(seen(scene, name)));
  if (holders.length === 0) return [];
  const nodes = holders.join(", ");
  const message = `no record says who may be primary, but ${nodes} ${holders.length === 1 ? "has" : "have"} data or could not be seen`;
  return [finding("error", "no-authority", null, message, { nodes })];
}

function foreign(scene: Scene): Finding[] {
  return scene.names.flatMap((name) => {
    const identity = identityOf(seen(scene, name));
    if (identity === null || !isForeign(identity, scene.authority)) return [];
    const own = scene.authority?.systemIdentifier ?? null;
    const message = `${name} holds the data of another cluster (system identifier ${identity}, ours is ${own})`;
    return [finding("error", "foreign-data", name, message, { systemIdentifier: identity, expected: own })];
  });
}

/** What is wrong with the node that has the authority. */
function authorised(scene: Scene, name: NodeName): Finding[] {
  const node = seen(scene, name);
  switch (node?.kind) {
    case "primary":
      return node.prepared
        ? []
        : [finding("warning", "not-prepared", name, `${name} lacks roles or databases of pgrep-kit`)];
    case "standby":
      return [
        finding("error", "primary-in-recovery", name, `${name} has the authority, but runs as a standby`),
      ];
    case "starting":
      return [
        finding("error", "primary-starting", name, `${name} does not accept connections yet: ${node.reason}`),
      ];
    case "stopped": {
      const { exitCode, stoppedAtMs } = node;
      const clean = isClean(node);
      const agoMs = stoppedAtMs === null ? null : Math.max(0, scene.observation.atMs - stoppedAtMs);
      const message = `${name} ${clean ? "was shut down" : ended(exitCode)}${agoMs === null ? "" : ` ${formatDuration(agoMs)} ago`}`;
      return [finding("error", "primary-lost", name, message, { exitCode, clean, agoMs })];
    }
    case "absent":
      return [
        finding("error", "primary-lost", name, `${name} has no data directory`, { debris: node.debris }),
      ];
    case "paused":
      return [
        finding(
          "error",
          "primary-unseen",
          name,
          `${name} is frozen: it answers nobody and may wake up at any moment`,
        ),
      ];
    default: {
      const reason = node?.reason ?? "nothing was seen of it";
      return [
        finding(
          "error",
          "primary-unseen",
          name,
          `${name} does not answer (${reason}), which proves nothing about it`,
        ),
      ];
    }
  }
}

/** 128 + signal is what hosts report for a server that a signal ended. */
function ended(exitCode: number | null): string {
  if (exitCode === 137) return "ended (killed)";
  if (exitCode === null || exitCode === 0) return "ended without a clean shutdown";
  return `ended (exit code ${exitCode})`;
}
