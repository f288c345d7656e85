/** ^C and SIGTERM: the first asks the command to stop in good order, the second ends it at once. */
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
