/** What a running server answered to `OBSERVE`, turned into an observation. Only shapes are checked here, nothing is judged. */
import { lsn, parseLsn } from "../core/lsn.ts";
import type {
  PrimaryObservation,
  ReplicationSlot,
  Running,
  StandbyObservation,
  WalSender,
} from "../core/observation.ts";
import { type TimelineHistory, parseHistoryFile } from "../core/timeline.ts";

interface Answer {
  readonly inRecovery: boolean;
  readonly startedAtMs: number;
  readonly serverVersion: number;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly history: string | null;
  readonly flushed: string | null;
  readonly receivedLsn: string | null;
  readonly replayedLsn: string | null;
  readonly replayPaused: boolean | null;
  readonly delayMs: number;
  readonly primaryConninfo: string;
  readonly receiver: {
    readonly status: string;
    readonly host: string | null;
    readonly port: number | null;
  } | null;
  readonly prepared: boolean;
  readonly loaded: string | null;
  readonly file: Readonly<Record<string, string>> | null;
  readonly overrides: Readonly<Record<string, string>> | null;
  readonly synchronousStandbyNames: string;
  readonly synchronousCommit: string | null;
  readonly pendingRestart: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly senders: readonly (Omit<WalSender, "sent" | "written" | "flushed" | "replayed"> & {
    readonly sent: string | null;
    readonly written: string | null;
    readonly flushed: string | null;
    readonly replayed: string | null;
  })[];
  readonly slots: readonly ReplicationSlot[];
}

export function serverFacts(json: string): PrimaryObservation | StandbyObservation {
  const answer = JSON.parse(json) as Answer;
  const running = runningFacts(answer);
  if (!answer.inRecovery) {
    return {
      kind: "primary",
      ...running,
      flushed: { timeline: answer.timeline, lsn: lsn(answer.flushed ?? "0/0") },
    };
  }
  const { receiver } = answer;
  return {
    kind: "standby",
    ...running,
    received: { timeline: answer.timeline, lsn: lsn(answer.receivedLsn ?? "0/0") },
    replayed: lsn(answer.replayedLsn ?? "0/0"),
    replayPaused: answer.replayPaused === true,
    delayMs: Number(answer.delayMs),
    receiver:
      receiver === null
        ? null
        : { streaming: receiver.status === "streaming", host: receiver.host ?? "", port: receiver.port ?? 0 },
    primaryConninfo: answer.primaryConninfo,
  };
}

function runningFacts(answer: Answer): Running {
  const { file, overrides } = answer;
  return {
    startedAtMs: Number(answer.startedAtMs),
    serverVersion: answer.serverVersion,
    systemIdentifier: answer.systemIdentifier,
    history: historyOf(answer),
    prepared: answer.prepared,
    configuration: {
      loaded: answer.loaded,
      file: file ?? {},
      overrides: overrides ?? {},
      synchronousStandbyNames: answer.synchronousStandbyNames,
      // A role or database default hides the server's own value from this session: then the files tell it.
      synchronousCommit:
        answer.synchronousCommit ?? overrides?.["synchronous_commit"] ?? file?.["synchronous_commit"] ?? "on",
      pendingRestart: answer.pendingRestart,
      limits: answer.limits,
    },
    senders: answer.senders.map((sender) => ({
      ...sender,
      sent: position(sender.sent),
      written: position(sender.written),
      flushed: position(sender.flushed),
      replayed: position(sender.replayed),
    })),
    slots: answer.slots.map((slot) => ({
      ...slot,
      retainedBytes: Number(slot.retainedBytes),
      safeBytes: slot.safeBytes === null ? null : Number(slot.safeBytes),
    })),
  };
}

/** A timeline without a history file is taken to have no known ancestors: nothing of another timeline is then a prefix. */
function historyOf(answer: Answer): TimelineHistory {
  const none = { timeline: answer.timeline, ancestors: [] };
  return answer.history === null ? none : (parseHistoryFile(answer.timeline, answer.history) ?? none);
}

function position(text: string | null) {
  return text === null ? null : parseLsn(text);
}
