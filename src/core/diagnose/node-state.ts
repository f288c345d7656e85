/**
 * The one word for what a node does, and the marks for what is wrong with its data. Unseen is not down:
 * only what the host or the server itself says makes a node stopped.
 */
import { isForeign } from "../candidates.ts";
import type { StandbyObservation, StoppedObservation } from "../observation.ts";
import type { NodeName } from "../spec.ts";
import { type Scene, divergenceOf, expectedUpstream, identityOf, isInFile, seen } from "./scene.ts";
import { followedBy } from "./upstream.ts";

export const NODE_STATES = [
  /** The primary, with authority. */
  "running",
  /** Accepts writes without authority. */
  "split-brain",
  /** Has authority, but runs as a standby. */
  "in-recovery",
  "streaming",
  "catching-up",
  "replay-paused",
  "delayed",
  /** Streams, but has not answered its upstream for a while. */
  "silent",
  "disconnected",
  "wrong-upstream",
  "slot-lost",
  "starting",
  "stopped",
  "crashed",
  /** Frozen: may wake up at any moment. */
  "frozen",
  "unreachable",
  /** No data directory. */
  "missing",
  "half-copied",
] as const;

export type NodeState = (typeof NODE_STATES)[number];
export type NodeMark = "diverged" | "foreign-data" | "not-in-file";

export function nodeState(scene: Scene, name: NodeName): NodeState {
  const node = seen(scene, name);
  switch (node?.kind) {
    case undefined:
      return "unreachable";
    case "primary":
      return scene.authority?.primary === name ? "running" : "split-brain";
    case "standby":
      return scene.authority?.primary === name ? "in-recovery" : standbyState(scene, name, node);
    case "starting":
      return "starting";
    case "stopped":
      return isClean(node) ? "stopped" : "crashed";
    case "paused":
      return "frozen";
    case "unreachable":
      return "unreachable";
    case "absent":
      return node.debris ? "half-copied" : "missing";
  }
}

export function marksOf(scene: Scene, name: NodeName): NodeMark[] {
  const marks: NodeMark[] = [];
  const identity = identityOf(seen(scene, name));
  // The WAL of other data has no place in our history, so that it cannot have left it either.
  if (identity !== null && isForeign(identity, scene.authority)) marks.push("foreign-data");
  else if (divergenceOf(scene, name) !== null) marks.push("diverged");
  if (!isInFile(scene, name)) marks.push("not-in-file");
  return marks;
}

/** Stopped by a shutdown, so that nothing has to be recovered. Unclean where the control file could not be read. */
export function isClean(node: StoppedObservation): boolean {
  return node.control?.state === "shut down" || node.control?.state === "shut down in recovery";
}

function standbyState(scene: Scene, name: NodeName, node: StandbyObservation): NodeState {
  const lag = scene.lags.get(name);
  if (node.receiver === null || !node.receiver.streaming) {
    return lag?.slot?.walStatus === "lost" ? "slot-lost" : "disconnected";
  }
  const followed = followedBy(node, scene.observation.wiring);
  const expected = expectedUpstream(scene, name);
  if (expected !== null && (followed.kind !== "node" || followed.node !== expected)) return "wrong-upstream";
  if (lag?.attachment === "detached") return "disconnected";
  if (lag?.attachment === "attached" && lag.senderState !== "streaming") return "catching-up";
  if (node.replayPaused) return "replay-paused";
  if ((lag?.silentMs ?? null) !== null) return "silent";
  return node.delayMs > 0 ? "delayed" : "streaming";
}
