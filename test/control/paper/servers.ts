// Servers made of paper: an implementation of the runtime port in memory, for stories that would take hours with real
// ones. They obey what PostgreSQL obeys (a standby copies its primary's system identifier, a reload loads what is
// written, a start needs a data directory), and nothing of what decides is used to make them behave.
import { type NodeConfiguration, TOKEN_SETTING } from "../../../src/core/node-configuration.ts";
import type { NodeObservation, Observation, Running, WalSender } from "../../../src/core/observation.ts";
import type { Step } from "../../../src/core/plan.ts";
import { type NodeName, slotName } from "../../../src/core/spec.ts";
import { lsn } from "../../../src/core/lsn.ts";
import type { NodeRuntime, StepOutcome } from "../../../src/runtime/node-runtime.ts";

export interface PaperServer {
  data: "none" | "debris" | "whole";
  systemIdentifier: string;
  standbySignal: boolean;
  state: "stopped" | "running" | "frozen" | "unreachable";
  startedAtMs: number;
  prepared: boolean;
  slots: Set<string>;
  written: Record<string, string>;
  writtenToken: string | null;
  loaded: Record<string, string>;
  loadedToken: string | null;
  overrides: Record<string, string>;
}

/** The command died: thrown in the middle of a step, before or after its effect. */
export class Killed extends Error {}

export interface PaperCluster extends NodeRuntime {
  readonly servers: Map<NodeName, PaperServer>;
  readonly applied: Step[];
  /** The n-th step from now on kills the command, before or after it took effect. */
  killAt: { steps: number; afterEffect: boolean } | null;
  /** Called after every effect. */
  onEffect: () => void;
  startTimes(): Record<NodeName, number | null>;
}

const POSITION = { timeline: 1, lsn: lsn("0/5000000") };

function blank(): PaperServer {
  return {
    data: "none",
    systemIdentifier: "",
    standbySignal: false,
    state: "stopped",
    startedAtMs: 0,
    prepared: false,
    slots: new Set(),
    written: {},
    writtenToken: null,
    loaded: {},
    loadedToken: null,
    overrides: {},
  };
}

export function paperCluster(): PaperCluster {
  const servers = new Map<NodeName, PaperServer>();
  const at = (name: NodeName): PaperServer => {
    const server = servers.get(name) ?? blank();
    servers.set(name, server);
    return server;
  };
  let clock = 1_000;
  let made = 0;
  const self: PaperCluster = {
    servers,
    applied: [],
    killAt: null,
    onEffect: () => undefined,
    startTimes: () =>
      Object.fromEntries(
        [...servers].map(([name, server]) => [name, server.state === "running" ? server.startedAtMs : null]),
      ),
    observe: async (names) => observation(servers, [...new Set([...names, ...servers.keys()])], ++clock),
    apply: async (step) => {
      const killing = self.killAt !== null && --self.killAt.steps <= 0 ? self.killAt : null;
      if (killing !== null) self.killAt = null;
      if (killing?.afterEffect === false) throw new Killed(`killed before ${step.kind}`);
      const outcome = effect(step, at, () => String(7_000 + ++made), ++clock);
      self.applied.push(step);
      self.onEffect();
      if (killing !== null) throw new Killed(`killed after ${step.kind}`);
      return outcome;
    },
  };
  return self;
}

function effect(
  step: Step,
  at: (name: NodeName) => PaperServer,
  identifier: () => string,
  now: number,
): StepOutcome {
  const done: StepOutcome = { kind: "done" };
  switch (step.kind) {
    case "record-authority":
      throw new Error("the record is not the runtime's");
    case "initialise": {
      const server = at(step.node);
      if (server.data !== "whole")
        Object.assign(server, blank(), { data: "whole", systemIdentifier: identifier() });
      return done;
    }
    case "clone": {
      const from = at(step.from);
      if (from.state !== "running" || !from.slots.has(step.slot))
        throw new Error(`${step.from} cannot be copied`);
      const { systemIdentifier, overrides } = from;
      const server = at(step.node);
      if (server.data !== "whole") {
        Object.assign(server, blank(), {
          data: "whole",
          standbySignal: true,
          systemIdentifier,
          prepared: from.prepared,
          overrides: { ...overrides },
        });
      }
      return done;
    }
    case "start": {
      const server = at(step.node);
      if (server.data !== "whole") throw new Error(`${step.node} has no data`);
      write(server, step.configuration);
      if (server.state !== "running") server.startedAtMs = now;
      server.state = "running";
      load(server);
      return done;
    }
    case "configure": {
      const server = at(step.node);
      write(server, step.configuration);
      server.overrides = {};
      load(server);
      return done;
    }
    case "stop":
      at(step.node).state = "stopped";
      return done;
    case "prepare":
      at(step.node).prepared = true;
      return done;
    case "make-slots":
      for (const slot of step.slots) at(step.node).slots.add(slot);
      return done;
    case "drop-slots":
      for (const slot of step.slots) at(step.node).slots.delete(slot);
      return done;
    case "await-streaming": {
      const from = at(step.from);
      return follows(step.node, at(step.node), step.from, from)
        ? done
        : { kind: "unknown", waitedFor: `${step.node} to stream` };
    }
    case "confirm-rule":
      return { kind: "confirmed", since: POSITION };
    case "remove":
      Object.assign(at(step.node), blank());
      return done;
  }
}

function write(server: PaperServer, { settings, token }: NodeConfiguration): void {
  server.written = { ...settings };
  server.writtenToken = token;
}

export function load(server: PaperServer): void {
  server.loaded = { ...server.written, ...server.overrides };
  server.loadedToken = server.writtenToken;
}

function follows(name: NodeName, server: PaperServer, upstream: NodeName, from: PaperServer): boolean {
  return (
    server.state === "running" &&
    server.standbySignal &&
    from.state === "running" &&
    server.systemIdentifier === from.systemIdentifier &&
    (server.loaded["primary_conninfo"] ?? "").includes(`host=${upstream} `) &&
    from.slots.has(slotName(name))
  );
}

function observation(
  servers: ReadonlyMap<NodeName, PaperServer>,
  names: readonly NodeName[],
  atMs: number,
): Observation {
  const wiring = names.map((name, index) => [
    name,
    {
      host: "127.0.0.1",
      port: 20_001 + index,
      peerHost: name,
      peerPort: 5432,
      listenAddresses: "*",
      listenPort: 5432,
      data: "/node/data",
      passfile: "/node/conf/pgpass",
    },
  ]);
  const nodes = names.map((name) => [name, seen(name, servers.get(name) ?? blank(), servers)] as const);
  return { atMs, nodes: Object.fromEntries(nodes), wiring: Object.fromEntries(wiring) };
}

function seen(
  name: NodeName,
  server: PaperServer,
  servers: ReadonlyMap<NodeName, PaperServer>,
): NodeObservation {
  if (server.data !== "whole") return { kind: "absent", debris: server.data === "debris" };
  if (server.state === "frozen") return { kind: "paused" };
  if (server.state === "unreachable") return { kind: "unreachable", reason: "no answer" };
  if (server.state === "stopped") {
    const { systemIdentifier, standbySignal } = server;
    const files = { ...server.written, ...server.overrides };
    const synchronous =
      server.writtenToken === null
        ? {}
        : {
            synchronousStandbyNames: files["synchronous_standby_names"] ?? "",
            synchronousCommit: files["synchronous_commit"] ?? "on",
          };
    const control = {
      systemIdentifier,
      timeline: 1,
      checkpoint: POSITION.lsn,
      state: "shut down",
      checksums: true,
      limits: {},
    };
    return { kind: "stopped", exitCode: 0, stoppedAtMs: null, control, standbySignal, synchronous };
  }
  const running = runningFacts(server, senders(name, server, servers));
  if (!server.standbySignal) return { kind: "primary", ...running, flushed: POSITION };
  const streaming = [...servers].some(([other, from]) => follows(name, server, other, from));
  return {
    kind: "standby",
    ...running,
    received: POSITION,
    replayed: POSITION.lsn,
    replayPaused: false,
    delayMs: 0,
    receiver: streaming ? { streaming, host: "", port: 5432 } : null,
    primaryConninfo: server.loaded["primary_conninfo"] ?? "",
  };
}

function senders(
  name: NodeName,
  server: PaperServer,
  servers: ReadonlyMap<NodeName, PaperServer>,
): WalSender[] {
  return [...servers]
    .filter(([other, standby]) => follows(other, standby, name, server))
    .map(([applicationName]) => ({
      applicationName,
      state: "streaming",
      sent: POSITION.lsn,
      written: POSITION.lsn,
      flushed: POSITION.lsn,
      replayed: POSITION.lsn,
      writeLagMs: null,
      flushLagMs: null,
      replayLagMs: null,
      syncState: "async",
      repliedAgoMs: 1,
    }));
}

function runningFacts(server: PaperServer, own: readonly WalSender[]): Running {
  const { writtenToken } = server;
  return {
    startedAtMs: server.startedAtMs,
    serverVersion: 170_004,
    systemIdentifier: server.systemIdentifier,
    history: { timeline: 1, ancestors: [] },
    prepared: server.prepared,
    senders: own,
    slots: [...server.slots].map((slot) => ({
      name: slot,
      kind: "physical",
      active: own.some((sender) => slotName(sender.applicationName) === slot),
      walStatus: "reserved",
      retainedBytes: 0,
      safeBytes: 1_000_000,
    })),
    configuration: {
      loaded: server.loadedToken,
      file: { ...server.written, ...(writtenToken === null ? {} : { [TOKEN_SETTING]: writtenToken }) },
      overrides: server.overrides,
      synchronousStandbyNames: server.loaded["synchronous_standby_names"] ?? "",
      synchronousCommit: server.loaded["synchronous_commit"] ?? "on",
      pendingRestart: [],
      limits: {},
    },
  };
}
