/** Starts, stops and removes servers. A start ends when the server accepts connections, or says why it does not. */
import type { NodeConfiguration } from "../../core/node-configuration.ts";
import type { NodeName } from "../../core/spec.ts";
import { HAS_REPLAYED, TO_BE_REPLAYED } from "../../postgres/queries.ts";
import { ConnectError, type Session } from "../../postgres/session.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { until } from "../../support/until.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";
import { writeConfiguration } from "./write-configuration.ts";

/** Crash recovery may take minutes; a server that has nothing to recover is there in a fraction of a second. */
const START_DEADLINE_MS = 300_000;
const STOP_DEADLINE_MS = 120_000;
const REPLAY_GRACE_MS = 2_000;
const POLL_MS = 15;
const LOG_LINES = 8;

export async function start(
  context: RuntimeContext,
  node: NodeName,
  configuration: NodeConfiguration,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { host, sessions } = context;
  await writeConfiguration(context, node, configuration);
  await host.start(node, context.portOf(node));
  await sessions.forget(node);
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  let ended = false;
  const watch = host.ended(node, either).then(
    () => (ended = true),
    () => undefined,
  );
  try {
    const accepted = await until(() => (ended ? gaveUp(context, node) : connect(context, node)), {
      everyMs: POLL_MS,
      deadlineMs: START_DEADLINE_MS,
      signal,
    });
    return accepted === null
      ? { kind: "unknown", waitedFor: `${node} to accept connections` }
      : { kind: "done" };
  } finally {
    ending.abort();
    await watch;
  }
}

async function connect(context: RuntimeContext, node: NodeName): Promise<Session | null> {
  try {
    return await context.sessions.to(node);
  } catch (error) {
    if (error instanceof ConnectError && error.failure.kind === "rejected") {
      throw new PgrepKitError("server-unreachable", {
        message: `${node} rejects pgrep-kit: ${error.failure.reason}`,
        hint: "The passwords in the state folder and those of the servers differ, or another server has that port.",
      });
    }
    return null;
  }
}

async function gaveUp(context: RuntimeContext, node: NodeName): Promise<never> {
  const lines: string[] = [];
  for await (const line of context.host.logs(node, { lines: LOG_LINES, follow: false })) lines.push(line);
  throw new PgrepKitError("server-failed", {
    message: `the server of ${node} ended while it was starting`,
    detail: lines.join("\n"),
    hint: `The whole log: pgrep-kit logs ${node}`,
  });
}

/**
 * A standby replays what it has received before it goes: its control file follows the replay, and with it how far it is
 * known to be, and what settings it may be started with. For a moment only, and only if it can be asked.
 */
async function letReplay(context: RuntimeContext, node: NodeName, signal: AbortSignal): Promise<void> {
  try {
    const session = await context.sessions.to(node);
    const [row] = await session.query(TO_BE_REPLAYED, [], REPLAY_GRACE_MS);
    if (row === undefined) return;
    await until(
      async () => {
        const [answer] = await session.query(HAS_REPLAYED, [row["received"]], REPLAY_GRACE_MS);
        return answer?.["replayed"] === true ? true : null;
      },
      { everyMs: POLL_MS, deadlineMs: REPLAY_GRACE_MS, signal },
    );
  } catch {
    // A server that cannot be asked is stopped all the same.
    signal.throwIfAborted();
  }
}

export async function stop(
  context: RuntimeContext,
  node: NodeName,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { host, sessions } = context;
  const seen = (await host.list()).get(node);
  if (seen?.state === "running") await letReplay(context, node, signal);
  await sessions.forget(node);
  // A frozen server takes no signal; nothing can be asked of it before it goes on.
  if (seen?.state === "paused") await host.resume(node);
  await host.stop(node, STOP_DEADLINE_MS);
  return { kind: "done" };
}

export async function remove(context: RuntimeContext, node: NodeName): Promise<StepOutcome> {
  await context.sessions.forget(node);
  await context.host.remove(node);
  return { kind: "done" };
}
