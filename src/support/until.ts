/** Waiting for a condition, with a deadline and an end at an abort: never a bare sleep. */

export interface UntilOptions {
  readonly everyMs: number;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks `check` until it answers something other than null; null when the deadline passed first.
 * Rejects with the signal's reason when aborted, and with whatever `check` throws.
 */
export async function until<T>(check: () => Promise<T | null>, options: UntilOptions): Promise<T | null> {
  const end = performance.now() + options.deadlineMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await check();
    if (found !== null) return found;
    if (performance.now() >= end) return null;
    await pause(options.everyMs, options.signal);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done, { once: true });
  });
}
