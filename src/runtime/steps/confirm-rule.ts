/**
 * Proves that a commit rule covers every commit from one LSN on (law L4). A reload is no instant: the postmaster, the
 * backends, the WAL senders and the checkpointer read the new settings each on their own. So the order is:
 *
 * 1. a new session shows the rule: the postmaster has it, and has signalled everybody before it forked that session;
 * 2. WAL written after that has been sent by each WAL sender, also of standbys that the rule no longer lists: it has been
 *    round its loop, where it reads the settings;
 * 3. the checkpointer, which arms the wait for everybody, has begun and ended a checkpoint: it reads the settings before
 *    each. Needed only where no commit had to wait until now; and the only sign that it gives to anybody;
 * 4. statements from before have ended, where they may have been told to wait for nobody;
 * 5. here the rule took effect; more WAL is written, and every standby of the rule must flush it.
 *
 * The second barrier also closes the gap of step 2: a sender that was in mid-loop then has begun a new one by now.
 * https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
 */
import { type CommitRule, confirmers, synchronousStandbyNames } from "../../core/commit-rule.ts";
import { type Lsn, lsn, parseLsn } from "../../core/lsn.ts";
import type { Step } from "../../core/plan.ts";
import type { NodeName } from "../../core/spec.ts";
import type { WalPosition } from "../../core/timeline.ts";
import {
  BARRIER_POSITION,
  CHECKPOINT,
  FLUSHED_POSITION,
  OLDER_STATEMENTS,
  RULE_IN_EFFECT,
  WAIT_FOR_NOBODY,
  WAL_SENDERS,
  WRITE_BARRIER,
} from "../../postgres/queries.ts";
import type { Session } from "../../postgres/session.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { type UntilOptions, until } from "../../support/until.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";

const DEADLINE_MS = 15_000;
const POLL_MS = 5;
const CHECKPOINT_DEADLINE_MS = 60_000;

export async function confirmRule(
  context: RuntimeContext,
  step: Step & { kind: "confirm-rule" },
  signal: AbortSignal,
): Promise<StepOutcome> {
  const waiting: UntilOptions = { everyMs: POLL_MS, deadlineMs: DEADLINE_MS, signal };
  await using session: Session = await context.sessions.fresh(step.node);
  const names = confirmers(step.rule, step.node);
  if (!(await inEffect(session, step.rule)))
    return unknown(`${step.node} to run by ${synchronousStandbyNames(step.rule)}`);
  await session.query(WAIT_FOR_NOBODY);
  const first = await writeBarrier(session);
  if ((await until(() => allSent(session, first), waiting)) === null)
    return unknown("the WAL senders to go on");
  if (step.fromNothing && !(await checkpointed(session)))
    return unknown("the checkpoint by which commits begin to wait");
  if (step.afterWeakCommit && (await until(() => noOlderStatement(session), waiting)) === null) {
    return unknown(await describeOlderStatements(session));
  }
  const since = await currentPosition(session);
  const second = await writeBarrier(session);
  const behind = { names };
  const flushed = await until(async () => {
    behind.names = await notFlushed(session, names, second);
    return behind.names.length === 0 ? allSent(session, second) : null;
  }, waiting);
  if (flushed === null) {
    const behindText = (await withFrozen(context, behind.names)).join(", ");
    return unknown(`${behindText} to flush past ${step.node}'s WAL of this change`);
  }
  const impossible = await aheadOfPrimary(session, names);
  if (impossible.length > 0) throw primaryBehind(step.node, impossible);
  return { kind: "confirmed", since };
}

/** `pg3 (frozen)`: of such a one nothing will come however long it is waited for. */
async function withFrozen({ host }: RuntimeContext, names: readonly NodeName[]): Promise<string[]> {
  const seen = await host.list().catch(() => null);
  return names.map((name) => (seen?.get(name)?.state === "paused" ? `${name} (frozen)` : name));
}

function unknown(waitedFor: string): StepOutcome {
  return { kind: "unknown", waitedFor };
}

async function inEffect(session: Session, rule: CommitRule): Promise<boolean> {
  const [row] = await session.query(RULE_IN_EFFECT);
  if (row?.["names"] !== synchronousStandbyNames(rule)) return false;
  // A default of pgrep-kit's own role hides the server's value; configure has checked the file by its token.
  // and so does one of the database.
  return row["level"] === rule.commit || /user|database/.test(String(row["source"]));
}

async function writeBarrier(session: Session): Promise<Lsn> {
  await session.query(WRITE_BARRIER);
  const [row] = await session.query(BARRIER_POSITION);
  return lsn(String(row?.["flushed"]));
}

/** Only those that are connected: whoever is absent has no WAL sender that could count by an older rule. */
async function allSent(session: Session, barrier: Lsn): Promise<true | null> {
  const rows = await session.query(WAL_SENDERS);
  const behind = rows.filter((row) => row["state"] === "streaming" && reached(row["sent"]) < barrier);
  return behind.length === 0 ? true : null;
}

/** Standbys that confirm WAL which the primary does not have: its data is older than it was, and they confirm anything. */
async function aheadOfPrimary(session: Session, names: readonly NodeName[]): Promise<NodeName[]> {
  const rows = await session.query(WAL_SENDERS);
  // Read after the senders: by then the primary has flushed whatever it had sent.
  const [row] = await session.query(BARRIER_POSITION);
  const own = lsn(String(row?.["flushed"]));
  return names.filter((name) => rows.some((each) => each["name"] === name && reached(each["flushed"]) > own));
}

function primaryBehind(primary: NodeName, ahead: readonly NodeName[]): PgrepKitError {
  return new PgrepKitError("server-failed", {
    message: `${ahead.join(", ")} confirm WAL that ${primary} does not have`,
    detail: `The data of ${primary} is older than it was: nothing that they confirm proves anything.`,
    hint: `Do not write to ${primary}. pgrep-kit status shows how far it is behind.`,
  });
}

async function notFlushed(session: Session, names: readonly NodeName[], barrier: Lsn): Promise<NodeName[]> {
  const rows = await session.query(WAL_SENDERS);
  return names.filter(
    (name) => !rows.some((row) => row["name"] === name && reached(row["flushed"]) >= barrier),
  );
}

function reached(value: unknown): Lsn {
  return (typeof value === "string" ? parseLsn(value) : null) ?? lsn("0/0");
}

/** Whether the checkpointer did one in time; past the deadline the session is gone. */
async function checkpointed(session: Session): Promise<boolean> {
  try {
    await session.query(CHECKPOINT, [], CHECKPOINT_DEADLINE_MS);
    return true;
  } catch (error) {
    if (error instanceof PgrepKitError && error.code === "deadline") return false;
    throw error;
  }
}

async function noOlderStatement(session: Session): Promise<true | null> {
  return (await session.query(OLDER_STATEMENTS)).length === 0 ? true : null;
}

async function describeOlderStatements(session: Session): Promise<string> {
  const [oldest] = await session.query(OLDER_STATEMENTS);
  const which =
    oldest === undefined
      ? "statements"
      : `the statement of process ${oldest["pid"]} (${oldest["seconds"]} s old)`;
  return `${which} from before the change to end`;
}

async function currentPosition(session: Session): Promise<WalPosition> {
  const [row] = await session.query(FLUSHED_POSITION);
  return { timeline: Number(row?.["timeline"]), lsn: lsn(String(row?.["inserted"])) };
}
