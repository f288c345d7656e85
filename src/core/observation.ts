/**
 * What was seen of the nodes at one moment, and what could not be seen. Facts only: no judgement, no wish.
 * Unseen is not down: a node that did not answer is `unreachable`, which proves nothing about it.
 */
import type { Lsn } from "./lsn.ts";
import type { NodeName } from "./spec.ts";
import type { TimelineHistory, WalPosition } from "./timeline.ts";

export interface Observation {
  /** Milliseconds since the epoch, by the observer's clock. */
  readonly atMs: number;
  /** Every node of the file, and every other one that the host or the state folder knows. */
  readonly nodes: Readonly<Record<NodeName, NodeObservation>>;
  /** Where each of them is, or would be, reached. */
  readonly wiring: Readonly<Record<NodeName, NodeWiring>>;
}

export interface NodeWiring {
  /** As pgrep-kit and the user reach it. */
  readonly host: string;
  readonly port: number;
  /** As the other nodes reach it. */
  readonly peerHost: string;
  readonly peerPort: number;
  /** What the server itself binds to. */
  readonly listenAddresses: string;
  readonly listenPort: number;
  /** Its data directory as the server sees it. */
  readonly data: string;
  /** The password file as the server sees it. */
  readonly passfile: string;
}

export type NodeObservation =
  | PrimaryObservation
  | StandbyObservation
  | StartingObservation
  | StoppedObservation
  | PausedObservation
  | UnreachableObservation
  | AbsentObservation;

/** What every server that answers tells. */
export interface Running {
  readonly startedAtMs: number;
  /** As `server_version_num`: 170004. */
  readonly serverVersion: number;
  readonly systemIdentifier: string;
  /** Of the timeline it is on. */
  readonly history: TimelineHistory;
  readonly configuration: RunningConfiguration;
  readonly senders: readonly WalSender[];
  readonly slots: readonly ReplicationSlot[];
  /** Roles and databases of pgrep-kit are there. */
  readonly prepared: boolean;
}

export interface RunningConfiguration {
  /** The token of the configuration that the server has loaded; null if it is not one of ours. */
  readonly loaded: string | null;
  /** What our file on the node says now, loaded or not. */
  readonly file: Readonly<Record<string, string>>;
  /** Settings that ALTER SYSTEM or a command line overrides, with the values in effect. */
  readonly overrides: Readonly<Record<string, string>>;
  readonly synchronousStandbyNames: string;
  readonly synchronousCommit: string;
  /** Settings that wait for a restart. */
  readonly pendingRestart: readonly string[];
  /** The five settings in which a standby must not be smaller than its primary, as in effect. */
  readonly limits: Readonly<Record<string, number>>;
}

export interface PrimaryObservation extends Running {
  readonly kind: "primary";
  readonly flushed: WalPosition;
}

export interface StandbyObservation extends Running {
  readonly kind: "standby";
  /** The greater of received and replayed: a restart forgets the former. */
  readonly received: WalPosition;
  readonly replayed: Lsn;
  readonly replayPaused: boolean;
  /** `recovery_min_apply_delay` in effect. */
  readonly delayMs: number;
  /** Null: no WAL receiver runs. */
  readonly receiver: { readonly streaming: boolean; readonly host: string; readonly port: number } | null;
  /** As in effect; empty when it follows nobody. */
  readonly primaryConninfo: string;
}

/** A process runs, but the server accepts no connection yet (recovery, or a standby before consistency). */
export interface StartingObservation {
  readonly kind: "starting";
  readonly reason: string;
}

export interface StoppedObservation {
  readonly kind: "stopped";
  /** Exit code of the server, where the host knows it. */
  readonly exitCode: number | null;
  readonly stoppedAtMs: number | null;
  /** Null: the control file could not be read. */
  readonly control: ControlData | null;
  /** standby.signal is in place: a start brings up a standby. */
  readonly standbySignal: boolean;
  /** The synchronous settings that its files hold, overrides included; empty where it was never configured. */
  readonly synchronous: SynchronousSettings;
}

export interface SynchronousSettings {
  readonly synchronousStandbyNames?: string;
  readonly synchronousCommit?: string;
}

export interface ControlData {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly checkpoint: Lsn;
  /** "shut down", "shut down in recovery", "in production", … in PostgreSQL's words. */
  readonly state: string;
  readonly checksums: boolean;
  /** Of the five settings in which a standby must not be smaller than its primary: what this data was last told. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Frozen by the engine or by SIGSTOP: holds its connections, answers nobody, and may wake up at any moment. */
export interface PausedObservation {
  readonly kind: "paused";
  /** The processes that are stopped, where the host knows them. */
  readonly processes?: readonly number[];
}

export interface UnreachableObservation {
  readonly kind: "unreachable";
  readonly reason: string;
  /** Known to the host: no server runs there, though what its folder holds could not be seen. */
  readonly isStopped?: boolean;
}

/** No data directory. `debris`: an unfinished copy is there, which nothing may be started from. */
export interface AbsentObservation {
  readonly kind: "absent";
  readonly debris: boolean;
}

/** A row of pg_stat_replication. https://www.postgresql.org/docs/current/monitoring-stats.html */
export interface WalSender {
  readonly applicationName: string;
  readonly state: string;
  readonly sent: Lsn | null;
  readonly written: Lsn | null;
  readonly flushed: Lsn | null;
  readonly replayed: Lsn | null;
  readonly writeLagMs: number | null;
  readonly flushLagMs: number | null;
  readonly replayLagMs: number | null;
  readonly syncState: string;
  /** Milliseconds since the standby's last answer; null if it never answered. */
  readonly repliedAgoMs: number | null;
}

export interface ReplicationSlot {
  readonly name: string;
  readonly kind: "physical" | "logical";
  readonly active: boolean;
  /** reserved, extended, unreserved, lost; null: the slot has never been used. */
  readonly walStatus: string | null;
  /** WAL that the slot holds back. */
  readonly retainedBytes: number;
  /** Left until `max_slot_wal_keep_size` makes the slot lost; null: no limit. */
  readonly safeBytes: number | null;
}

export function isRunning(
  node: NodeObservation | undefined,
): node is PrimaryObservation | StandbyObservation {
  return node?.kind === "primary" || node?.kind === "standby";
}

/** The upstream has a WAL sender for this standby, and it has caught up once. */
export function streamsFrom(observation: Observation, standby: NodeName, upstream: NodeName): boolean {
  const sender = observation.nodes[upstream];
  if (observation.nodes[standby]?.kind !== "standby" || !isRunning(sender)) return false;
  return sender.senders.some((row) => row.applicationName === standby && row.state === "streaming");
}

/** There is a data directory, whole as far as can be told; a node that could not be seen may have one. */
export function hasData(node: NodeObservation | undefined): boolean {
  return node !== undefined && node.kind !== "absent";
}
