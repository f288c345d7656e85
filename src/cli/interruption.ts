/** ^C and SIGTERM: the first asks the command to stop in good order, and waits a moment for it; the second ends it at once. */
import { PgrepKitError } from "../support/errors.ts";

export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  const stopListening = (): void => {
    for (const name of SIGNALS) process.off(name, interrupt);
  };
  function interrupt(): void {
    // From now on the signal does what it does to any program: whoever presses ^C twice wants out at once.
    stopListening();
    controller.abort(
      new PgrepKitError("interrupted", {
        message: "interrupted",
        hint: "Nothing is broken by that; the same command goes on from where it was.",
      }),
    );
  }
  for (const name of SIGNALS) process.on(name, interrupt);
  return { signal: controller.signal, [Symbol.dispose]: stopListening };
}

export interface Grace {
  /** How long `work` may take to end in good order. */
  readonly graceMs: number;
  /** Called where it did not, and goes on though nobody waits for it any more. */
  readonly givenUp: () => void;
}

/** What `work` yields; rejects with the signal's reason, at once or after some grace. */
export async function orInterrupted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  { graceMs, givenUp }: Grace = { graceMs: 0, givenUp: () => undefined },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let listener: () => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    listener = () => {
      timer = setTimeout(() => {
        givenUp();
        reject(signal.reason);
      }, graceMs);
    };
    if (signal.aborted) listener();
    else signal.addEventListener("abort", listener, { once: true });
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", listener);
  }
}
