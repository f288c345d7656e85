/** What a person can type next for the gravest finding. Suggestions only: nothing in here is ever run by pgrep-kit. */
import type { LossOutlook } from "../loss-outlook.ts";
import type { Observation } from "../observation.ts";
import type { ClusterSpec } from "../spec.ts";
import type { Finding, FindingCode } from "./finding.ts";
import { stopCommand, thawCommand } from "./host-commands.ts";

export interface NextStep {
  /** The verb of pgrep-kit that it needs; null: it needs none. */
  readonly verb: string | null;
  /** To be typed; null: there is nothing to type, only `why` to read. */
  readonly command: string | null;
  /** What must be so before it is typed; absent: nothing. */
  readonly once?: string;
  /** A remark behind the command, or the advice itself; may be empty. */
  readonly why: string;
}

/** What an advice rests on beside its finding. */
export interface Situation {
  readonly spec: ClusterSpec;
  readonly observation: Observation;
  /** All of them, the gravest first. */
  readonly findings: readonly Finding[];
  readonly outlook: LossOutlook;
}

/** Whatever has left the history, or may have, is looked at before it is deleted. */
export const ONCE_NOBODY_NEEDS_IT = "once you are sure that nobody needs what only it holds";

/** Alternatives, the best first: the first whose verb exists is the one to show. */
export function nextSteps(situation: Situation, about: readonly Finding[] = situation.findings): NextStep[] {
  for (const one of about) {
    const steps = stepsFor(one, situation);
    if (steps.length > 0) return steps;
  }
  return [];
}

/** The remarks beside a command, as one text: what must be so before, then what comes after it. */
export function remarkOf({ once, why }: NextStep): string {
  return [once ?? "", why].filter((part) => part !== "").join("; ");
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

function stepsFor({ code, node, severity, facts }: Finding, situation: Situation): NextStep[] {
  const { outlook } = situation;
  if (severity === "note") return [];
  if (BY_UP.has(code)) return [kit("up")];
  const name = node ?? "";
  switch (code) {
    case "split-brain":
      return [kit("fence", name, `then pgrep-kit divergence ${name}`), stopFirst(name, situation)];
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
      if (isFrozen(name, situation)) return [thaw(name, situation)];
      return outlook.kind === "proved"
        ? [kit("failover", "--dry-run", "shows each step"), kit("logs", name)]
        : [kit("logs", name)];
    case "primary-not-in-file":
      return [advice(`put ${name} back into pgrep-kit.yaml`)];
    case "commits-blocked":
      return [
        {
          ...toConfirmAgain(facts, situation),
          why: "or pgrep-kit mode async, to go on without confirmation",
        },
      ];
    case "diverged":
      return [kit("rejoin", name), { ...freshCopy(name), once: ONCE_NOBODY_NEEDS_IT }];
    case "slot-lost":
      return [kit("reinit", name), freshCopy(name)];
    case "standby-stopped":
      // Started as it is, it would be a second primary.
      return [facts["standby"] === false ? { ...freshCopy(name), once: ONCE_NOBODY_NEEDS_IT } : kit("up")];
    case "replay-paused":
      if (typeof facts["smaller"] === "string") return [kit("restart", name)];
      return [resumeReplay(name)];
    case "standby-frozen":
      return [thaw(name, situation)];
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
      return [restartOf(name, situation)];
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

/**
 * One node after another where the primary is among several: a primary that went first could leave standbys behind that
 * are smaller than it.
 */
function restartOf(name: string, { findings }: Situation): NextStep {
  const waiting = findings.filter((one) => one.code === "restart-pending");
  const others = waiting.flatMap(({ node }) => (node === null || node === name ? [] : [node]));
  if (others.length === 0) return kit("restart", name);
  if (waiting.some((one) => one.facts["primary"] === true))
    return kit("restart", "", "one node after another, in a safe order");
  return kit("restart", name, `then ${others.map((other) => `pgrep-kit restart ${other}`).join(", ")}`);
}

/** What lets the listed standbys confirm: what up cannot do stands first. */
function toConfirmAgain(facts: Finding["facts"], situation: Situation): NextStep {
  const { frozen, paused } = facts;
  if (typeof frozen === "string") return thaw(frozen, situation);
  return typeof paused === "string" ? resumeReplay(paused) : kit("up");
}

function isFrozen(name: string, { observation }: Situation): boolean {
  return observation.nodes[name]?.kind === "paused";
}

function thaw(name: string, { spec, observation }: Situation): NextStep {
  const command = thawCommand(name, spec, observation);
  return command === null ? advice(`let ${name} go on`) : { verb: null, command, why: "" };
}

function stopFirst(name: string, { spec, observation }: Situation): NextStep {
  const command = stopCommand(name, spec, observation);
  const keep = "keep its data: only it may hold some writes";
  return command === null
    ? advice(`stop ${name} before anything else, and ${keep}`)
    : { verb: null, command, why: `before anything else; ${keep}` };
}
