/**
 * Waits for what no event announces, such as the end of a process that is not our child. It looks every few
 * milliseconds, and must never wait without a deadline or a signal that ends it.
 */
import { until } from "../../support/until.ts";

const LOOK_EVERY_MS = 5;

/** True once `holds` does; false when the deadline passed first. Rejects with the signal's reason on abort. */
export async function awaitCondition(
  holds: () => boolean | Promise<boolean>,
  limits:
    | { readonly timeoutMs: number; readonly everyMs?: number }
    | { readonly signal: AbortSignal; readonly everyMs?: number },
): Promise<boolean> {
  const met = await until(async () => ((await holds()) ? true : null), {
    everyMs: limits.everyMs ?? LOOK_EVERY_MS,
    deadlineMs: "timeoutMs" in limits ? limits.timeoutMs : Number.POSITIVE_INFINITY,
    signal: "signal" in limits ? limits.signal : undefined,
  });
  return met !== null;
}
