/**
 * What the user asked for: the content of pgrep-kit.yaml, checked and with its defaults filled in.
 * Nothing in here was observed; nothing in here changes without an edit of the file.
 */

/** A DNS label: lower-case letters, digits and inner hyphens, so that it is safe as host, container and file name. */
export type NodeName = string;

export type RuntimeKind = "docker" | "process";
export type CommitMode = "async" | "sync" | "quorum";
/** `synchronous_commit` levels that wait for a standby. `local` and `off` wait for none and are no mode of a cluster. */
export type CommitLevel = "remote_write" | "on" | "remote_apply";

export interface NodeSpec {
  readonly name: NodeName;
  /** The greater one is preferred among equals, and comes first in `FIRST`. */
  readonly priority: number;
  /** Null: attached to the primary, whoever that is. */
  readonly upstream: NodeName | null;
  /** `recovery_min_apply_delay`; 0 replays at once. */
  readonly delayMs: number;
}

export interface ReplicationSpec {
  readonly mode: CommitMode;
  /** W: how many standbys confirm before a commit returns. */
  readonly acks: number;
  readonly commit: CommitLevel;
  /** The only standbys that may confirm; null: every node that is attached to the primary. */
  readonly among: readonly NodeName[] | null;
}

export interface ClusterSpec {
  readonly name: string;
  readonly postgres: number;
  readonly runtime: RuntimeKind;
  /** Null: the host's own choice (`postgres:<major>` on Docker). */
  readonly image: string | null;
  /** In the order of the file; the first is the initial primary. */
  readonly nodes: readonly NodeSpec[];
  readonly replication: ReplicationSpec;
  /** postgresql.conf settings of the user, as text. */
  readonly settings: Readonly<Record<string, string>>;
}

export const OLDEST_POSTGRES = 15;
export const NEWEST_POSTGRES = 18;

export function nodeSpec(spec: ClusterSpec, name: NodeName): NodeSpec | null {
  return spec.nodes.find((node) => node.name === name) ?? null;
}

/** Physical slot names allow no hyphen, node names no underscore: so the mapping is one to one. */
export function slotName(node: NodeName): string {
  return node.replaceAll("-", "_");
}

/** The node a standby receives from: its `upstream`, or the primary; null for the primary itself. */
export function upstreamOf(spec: ClusterSpec, node: NodeName, primary: NodeName): NodeName | null {
  if (node === primary) return null;
  return nodeSpec(spec, node)?.upstream ?? primary;
}
