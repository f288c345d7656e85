/**
 * What a test has said about its world so far, and the constants that every such world shares. No behaviour in here.
 */
import type { Authority } from "../../../src/core/authority.ts";
import { lsn } from "../../../src/core/lsn.ts";
import type {
  NodeObservation,
  ReplicationSlot,
  RunningConfiguration,
  SynchronousSettings,
  WalSender,
} from "../../../src/core/observation.ts";
import type { ClusterSpec, NodeName, ReplicationSpec } from "../../../src/core/spec.ts";
import type { TimelineHistory, WalPosition } from "../../../src/core/timeline.ts";

export const NOW_MS = Date.UTC(2025, 0, 2, 3, 4, 5);
export const SYSTEM = "7300000000000000001";

/** What a test may say about a node; everything else is as in a healthy cluster. */
export interface NodeOptions {
  /** In the file: the standby to cascade from, priority, delay. `delayMs` is in effect on the node, too. */
  readonly upstream?: NodeName;
  readonly priority?: number;
  readonly delayMs?: number;
  /** The node is known to the host, but not in the file. */
  readonly notInFile?: boolean;
  /** The node that it follows in fact, whatever the file says; null: an empty primary_conninfo. */
  readonly follows?: NodeName | null;
  /** The timeline it is on; the cluster's unless told. */
  readonly timeline?: number;
  /** Where timelines 1, 2, … were left, as this node knows it; the cluster's unless told. */
  readonly forks?: readonly string[];
  /** The same as the received position unless told. */
  readonly replayed?: string;
  readonly replayPaused?: boolean;
  /** False: no WAL receiver runs. "waiting": one runs, but does not stream. */
  readonly receiver?: boolean | "waiting";
  /** Its row in pg_stat_replication of its upstream; null: there is none. */
  readonly sender?: Partial<WalSender> | null;
  /** Its slot on its upstream; null: there is none. */
  readonly slot?: Partial<ReplicationSlot> | null;
  readonly configuration?: Partial<RunningConfiguration>;
  readonly systemIdentifier?: string;
  readonly serverVersion?: number;
  readonly startedAtMs?: number;
  readonly prepared?: boolean;
  /** More slots on this node, beside those of the standbys that follow it. */
  readonly extraSlots?: readonly Partial<ReplicationSlot>[];
  readonly extraSenders?: readonly Partial<WalSender>[];
}

export interface DownOptions {
  /** Of the control file; unclean unless told. */
  readonly clean?: boolean;
  readonly checkpoint?: string;
  readonly timeline?: number;
  readonly standbySignal?: boolean;
  readonly exitCode?: number | null;
  readonly stoppedAtMs?: number | null;
  readonly systemIdentifier?: string;
  /** The control file cannot be read. */
  readonly unreadable?: boolean;
  /** What its files say; as the record demands, unless told. */
  readonly synchronous?: SynchronousSettings;
}

/** One node of the draft; `override` is what is seen instead of a running server. */
export interface Draft {
  readonly name: NodeName;
  readonly role: "primary" | "standby";
  readonly position: string;
  readonly options: NodeOptions;
  readonly override: NodeObservation | DownOverride | null;
}
export interface DownOverride {
  readonly kind: "down";
  readonly options: DownOptions;
}

export interface Settings {
  readonly drafts: readonly Draft[];
  readonly spec: Partial<ClusterSpec>;
  readonly replication: ReplicationSpec;
  readonly authority: Partial<Authority>;
  /** Where timelines 1, 2, … were left: n forks make timeline n + 1. */
  readonly forks: readonly string[];
}

export function at(position: string, timeline = 1): WalPosition {
  return { timeline, lsn: lsn(position) };
}

/** The history of the timeline after `forks`. */
export function history(forks: readonly string[]): TimelineHistory {
  return {
    timeline: forks.length + 1,
    ancestors: forks.map((end, index) => ({ timeline: index + 1, end: lsn(end) })),
  };
}
