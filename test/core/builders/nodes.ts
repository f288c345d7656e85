/**
 * The observations behind `world.ts`: servers whose senders, slots and configurations agree with each other.
 */
import type { Authority } from "../../../src/core/authority.ts";
import { confirmers, synchronousStandbyNames } from "../../../src/core/commit-rule.ts";
import { bytesBetween, lsn } from "../../../src/core/lsn.ts";
import { nodeConfiguration, TOKEN_SETTING } from "../../../src/core/node-configuration.ts";
import type {
  NodeObservation,
  Observation,
  ReplicationSlot,
  Running,
  StoppedObservation,
  WalSender,
} from "../../../src/core/observation.ts";
import { type ClusterSpec, type NodeName, slotName, upstreamOf } from "../../../src/core/spec.ts";
import { at, type DownOptions, type Draft, history, NOW_MS, type Settings, SYSTEM } from "./draft.ts";

const STARTED_MS = NOW_MS - 3_600_000;

/** Ports 54321, 54322, … on the loopback; 5432 among the nodes. */
export function wiringOf(drafts: readonly Draft[]): Observation["wiring"] {
  const wires = drafts.map((draft, index) => {
    const wire = {
      host: "127.0.0.1",
      port: 54321 + index,
      peerHost: draft.name,
      peerPort: 5432,
      listenAddresses: "*",
      listenPort: 5432,
      data: "/node/data",
      passfile: "/node/conf/pgpass",
    };
    return [draft.name, wire] as const;
  });
  return Object.fromEntries(wires);
}

export function observe(
  settings: Settings,
  spec: ClusterSpec,
  authority: Authority,
  wiring: Observation["wiring"],
): Observation["nodes"] {
  const world = { settings, spec, authority, wiring };
  return Object.fromEntries(settings.drafts.map((draft) => [draft.name, nodeOf(world, draft)]));
}

interface Draftsheet {
  readonly settings: Settings;
  readonly spec: ClusterSpec;
  readonly authority: Authority;
  readonly wiring: Observation["wiring"];
}

function nodeOf(world: Draftsheet, draft: Draft): NodeObservation {
  if (draft.override?.kind === "down") return stopped(world, draft, draft.override.options);
  if (draft.override !== null) return draft.override;
  const timeline = timelineOf(world, draft);
  const running = runningOf(world, draft);
  if (draft.role === "primary") return { kind: "primary", flushed: at(draft.position, timeline), ...running };
  const { options } = draft;
  const upstream = followedBy(world, draft);
  const wire = upstream === null ? undefined : world.wiring[upstream];
  const conninfo =
    wire === undefined ? "" : `host=${wire.peerHost} port=${wire.peerPort} application_name=${draft.name}`;
  const asTold = running.configuration.file["primary_conninfo"] ?? "";
  return {
    kind: "standby",
    received: at(draft.position, timeline),
    replayed: lsn(options.replayed ?? draft.position),
    replayPaused: options.replayPaused ?? false,
    delayMs: options.delayMs ?? 0,
    receiver:
      receives(world, draft) && wire
        ? { streaming: options.receiver !== "waiting", host: wire.peerHost, port: wire.peerPort }
        : null,
    primaryConninfo: options.follows === undefined ? asTold : conninfo,
    ...running,
  };
}

function timelineOf(world: Draftsheet, draft: Draft): number {
  return draft.options.timeline ?? (draft.options.forks ?? world.settings.forks).length + 1;
}

function runningOf(world: Draftsheet, draft: Draft): Running {
  const { options } = draft;
  const { settings, token } = nodeConfiguration(world.spec, world.authority, draft.name, world.wiring);
  const forks = options.forks ?? world.settings.forks.slice(0, timelineOf(world, draft) - 1);
  const followers = world.settings.drafts.filter((other) => followedBy(world, other) === draft.name);
  return {
    startedAtMs: options.startedAtMs ?? STARTED_MS,
    serverVersion: options.serverVersion ?? 170004,
    systemIdentifier: options.systemIdentifier ?? SYSTEM,
    history: history(forks),
    configuration: {
      loaded: token,
      file: { ...settings, [TOKEN_SETTING]: token },
      overrides: {},
      synchronousStandbyNames: settings["synchronous_standby_names"] ?? "",
      synchronousCommit: settings["synchronous_commit"] ?? "on",
      pendingRestart: [],
      limits: {
        max_connections: 100,
        max_worker_processes: 8,
        max_wal_senders: 16,
        max_prepared_transactions: 0,
        max_locks_per_transaction: 64,
      },
      ...options.configuration,
    },
    senders: [
      ...followers.flatMap((other) => senderOf(world, draft, other)),
      ...(options.extraSenders ?? []).map(fullSender),
    ],
    slots: [
      ...followers.flatMap((other) => slotOf(world, draft, other)),
      ...(options.extraSlots ?? []).map(fullSlot),
    ],
    prepared: options.prepared ?? true,
  };
}

/** The node that `draft` follows, or would follow if it ran. */
function followedBy(world: Draftsheet, draft: Draft): NodeName | null {
  if (draft.options.follows !== undefined) return draft.options.follows;
  if (draft.role === "primary") return null;
  const upstream = draft.options.notInFile === true ? draft.options.upstream : undefined;
  return upstream ?? upstreamOf(world.spec, draft.name, world.authority.primary);
}

function receives(world: Draftsheet, draft: Draft): boolean {
  if (draft.override !== null || draft.role === "primary" || draft.options.receiver === false) return false;
  const upstream = world.settings.drafts.find((other) => other.name === followedBy(world, draft));
  // Unreachable and frozen servers may well go on sending for all that their standbys know.
  const gone =
    upstream?.override?.kind === "down" ||
    upstream?.override?.kind === "absent" ||
    upstream?.override?.kind === "starting";
  return upstream !== undefined && !gone;
}

function senderOf(world: Draftsheet, upstream: Draft, standby: Draft): WalSender[] {
  const { options } = standby;
  if (options.sender === null || !receives(world, standby)) return [];
  const received = lsn(standby.position);
  return [
    fullSender({
      applicationName: standby.name,
      sent: received,
      written: received,
      flushed: received,
      replayed: lsn(options.replayed ?? standby.position),
      syncState: syncStateOf(world, upstream, standby),
      ...options.sender,
    }),
  ];
}

function syncStateOf(world: Draftsheet, upstream: Draft, standby: Draft): string {
  const { rule } = world.authority;
  if (rule === null || upstream.role !== "primary") return "async";
  const connected = confirmers(rule, upstream.name).filter((name) => {
    const draft = world.settings.drafts.find((other) => other.name === name);
    return (
      draft !== undefined &&
      draft.options.sender !== null &&
      receives(world, draft) &&
      followedBy(world, draft) === upstream.name
    );
  });
  const place = connected.indexOf(standby.name);
  if (place < 0) return "async";
  if (rule.method === "ANY") return "quorum";
  return place < rule.acks ? "sync" : "potential";
}

function fullSender(part: Partial<WalSender>): WalSender {
  return {
    applicationName: "walreceiver",
    state: "streaming",
    sent: null,
    written: null,
    flushed: null,
    replayed: null,
    writeLagMs: null,
    flushLagMs: null,
    replayLagMs: null,
    syncState: "async",
    repliedAgoMs: 100,
    ...part,
  };
}

function slotOf(world: Draftsheet, upstream: Draft, standby: Draft): ReplicationSlot[] {
  const { options } = standby;
  if (options.slot === null) return [];
  const never = standby.override?.kind === "absent";
  return [
    fullSlot({
      name: slotName(standby.name),
      active: receives(world, standby),
      walStatus: never ? null : "reserved",
      retainedBytes: never ? 0 : bytesBetween(lsn(standby.position), lsn(upstream.position)),
      ...options.slot,
    }),
  ];
}

function fullSlot(part: Partial<ReplicationSlot>): ReplicationSlot {
  return {
    name: "unnamed",
    kind: "physical",
    active: false,
    walStatus: "reserved",
    retainedBytes: 0,
    safeBytes: 1_073_741_824,
    ...part,
  };
}

function stopped(world: Draftsheet, draft: Draft, options: DownOptions): StoppedObservation {
  const standby = options.standbySignal ?? draft.role === "standby";
  const state =
    options.clean === true
      ? standby
        ? "shut down in recovery"
        : "shut down"
      : standby
        ? "in archive recovery"
        : "in production";
  return {
    kind: "stopped",
    exitCode: options.exitCode === undefined ? (options.clean === true ? 0 : 137) : options.exitCode,
    stoppedAtMs: options.stoppedAtMs === undefined ? NOW_MS - 12_000 : options.stoppedAtMs,
    control:
      options.unreadable === true
        ? null
        : {
            systemIdentifier: options.systemIdentifier ?? SYSTEM,
            timeline: options.timeline ?? timelineOf(world, draft),
            checkpoint: lsn(options.checkpoint ?? draft.position),
            state,
            checksums: true,
            limits: {},
          },
    standbySignal: standby,
    synchronous: options.synchronous ?? {
      synchronousStandbyNames: synchronousStandbyNames(world.authority.rule),
      synchronousCommit: world.authority.rule?.commit ?? "on",
    },
  };
}
