/**
 * Waits for something that no event announces, such as the end of a process that is not our child. It looks every few
 * milliseconds and must never wait without a deadline or a signal that ends it.
 */
import { setTimeout as pause } from "node:timers/promises";

export const LOOK_EVERY_MS = 5;

/** True once `holds` does; false when `timeoutMs` passed first. Rejects with the signal's reason on abort. */
export async function awaitCondition(
  holds: () => boolean | Promise<boolean>,
  limits: { readonly timeoutMs?: number; readonly signal?: AbortSignal; readonly everyMs?: number },
): Promise<boolean> {
  const endMs = performance.now() + (limits.timeoutMs ?? Number.POSITIVE_INFINITY);
  for (;;) {
    limits.signal?.throwIfAborted();
    if (await holds()) return true;
    if (performance.now() >= endMs) return false;
    await pause(limits.everyMs ?? LOOK_EVERY_MS);
  }
}
