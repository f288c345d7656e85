/** What a person can type next for the gravest finding. Suggestions only: nothing in here is ever run by pgrep-kit. */
import type { LossOutlook } from "../loss-outlook.ts";
import type { ClusterSpec } from "../spec.ts";
import type { Finding, FindingCode } from "./finding.ts";

export interface NextStep {
  /** The verb of pgrep-kit that it needs; null: it needs none. */
  readonly verb: string | null;
  /** To be typed; null: there is nothing to type, only `why` to read. */
  readonly command: string | null;
  /** A remark behind the command, or the advice itself; may be empty. */
  readonly why: string;
}

/** Alternatives, the best first: the first whose verb exists is the one to show. */
export function nextSteps(spec: ClusterSpec, findings: readonly Finding[], outlook: LossOutlook): NextStep[] {
  for (const one of findings) {
    const steps = stepsFor(one, spec, outlook);
    if (steps.length > 0) return steps;
  }
  return [];
}

function kit(verb: string, args = "", why = ""): NextStep {
  return { verb, command: `pgrep-kit ${verb}${args === "" ? "" : ` ${args}`}`, why };
}

function resumeReplay(name: string): NextStep {
  return kit("psql", `--node ${name} -c 'select pg_wal_replay_resume()'`);
}

function advice(why: string): NextStep {
  return { verb: null, command: null, why };
}

const BY_UP: ReadonlySet<FindingCode> = new Set([
  "standby-stopped",
  "standby-missing",
  "standby-half-copied",
  "standby-disconnected",
  "slot-missing",
  "wrong-upstream",
  "not-prepared",
  "settings-not-written",
  "settings-not-loaded",
  "settings-changed",
  "mode-not-applied",
  "proof-pending",
  "proof-changing",
  "proof-void",
  "commit-settings-changed",
]);

function stepsFor(
  { code, node, severity, facts }: Finding,
  spec: ClusterSpec,
  outlook: LossOutlook,
): NextStep[] {
  if (severity === "note") return [];
  if (BY_UP.has(code)) return [kit("up")];
  const name = node ?? "";
  switch (code) {
    case "split-brain":
      return [
        kit("fence", name, `then pgrep-kit divergence ${name}`),
        advice(`stop ${name} before anything else, and keep its data: only it may hold some writes`),
      ];
    case "no-authority":
      return [
        kit("adopt"),
        advice("bring the state folder .pgrep-kit back; nothing is guessed from the data alone"),
      ];
    case "foreign-data":
      return [
        advice(`keep ${name}'s data if you know whose it is; it is never followed and never overwritten`),
      ];
    case "primary-lost":
      return afterLoss(outlook, facts["debris"] === undefined);
    case "primary-behind":
      return [advice(`write nothing to ${name}; bring back its newest data, or let a standby take over`)];
    case "primary-in-recovery":
      return [kit("history", "", "what was decided last"), advice("look at what was decided last")];
    case "primary-unseen":
      return outlook.kind === "proved"
        ? [kit("failover", "--dry-run", "shows each step"), kit("logs", name)]
        : [kit("logs", name)];
    case "primary-not-in-file":
      return [advice(`put ${name} back into pgrep-kit.yaml`)];
    case "commits-blocked":
      if (typeof facts["paused"] === "string") return [resumeReplay(facts["paused"])];
      return [kit("up", "", "or pgrep-kit mode async, to go on without confirmation")];
    case "diverged":
    case "slot-lost":
      return [kit(code === "diverged" ? "rejoin" : "reinit", name), freshCopy(name)];
    case "replay-paused":
      if (typeof facts["smaller"] === "string") return [kit("restart", name)];
      return [resumeReplay(name)];
    case "standby-frozen":
      return [thaw(name, spec)];
    case "standby-unreachable":
    case "standby-silent":
      return [kit("logs", name)];
    case "primary-starting":
    case "standby-starting":
    case "standby-catching-up":
    case "behind":
      return [kit("lag", "--watch")];
    case "slot-unreserved":
      return [kit("lag"), kit("up")];
    case "slot-orphaned":
      return [kit("doctor")];
    case "not-in-file":
      return [kit("remove-standby", name, "or put it back into the file")];
    case "settings-overridden":
      return [kit("up", "", "takes them back")];
    case "restart-pending":
      return [kit("restart", name)];
    default:
      return [];
  }
}

function afterLoss(outlook: LossOutlook, hasData: boolean): NextStep[] {
  // A primary without data cannot be started again, and an empty one must not take its place.
  const up = hasData
    ? kit("up", "", "starts it again")
    : advice("bring its data back; an empty server must not take its place");
  if (outlook.kind === "proved") return [kit("failover", "", "or --dry-run to see each step"), up];
  const failover = kit("failover", "--dry-run", "shows each step and what it would lose");
  return hasData ? [up, failover] : [failover, up];
}

function freshCopy(name: string): NextStep {
  return kit("remove-standby", name, `then pgrep-kit add-standby ${name}: a fresh copy`);
}

function thaw(name: string, spec: ClusterSpec): NextStep {
  if (spec.runtime === "process")
    return advice(`resume the processes of ${name} that are stopped: kill -CONT`);
  const filter = `--filter label=pgrep-kit.cluster=${spec.name} --filter label=pgrep-kit.node=${name}`;
  return { verb: null, command: `docker unpause $(docker ps -q ${filter})`, why: "" };
}
