/** ^C and SIGTERM: the first asks the command to stop in good order, the second ends it at once. */
import { PgrepKitError } from "../support/errors.ts";

const INTERRUPTED = 130;

export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(
      new PgrepKitError("interrupted", {
        message: "interrupted",
        hint: "Nothing is broken by that; the same command goes on from where it was.",
      }),
    );
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}
