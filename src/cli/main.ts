#!/usr/bin/env node
/** argv in, exit code out: the only place that ends the process. */
import { PgrepKitError, messageOf } from "../support/errors.ts";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { run } from "./program.ts";

// What nobody caught is a bug of ours, and so is a command that waits for nothing that could still come.
process.on("uncaughtException", (error) => void fail(error));
process.on("beforeExit", () => void fail(new Error("the command stopped before it came to its end")));

let codeSoFar = 0;
// A reader that went away (`pgrep-kit logs pg1 | head`) is no failure of ours. Changes write nothing there before their end.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(codeSoFar);
  void fail(
    new PgrepKitError("output-unwritable", {
      message: "the output could not be written",
      detail: messageOf(error),
    }),
  );
});
// Nobody hears what is going on (`pgrep-kit up 2>&1 | head -1`, a closed terminal): no reason to stop a change midway.
process.stderr.on("error", () => undefined);

async function fail(error: unknown): Promise<void> {
  try {
    await reportFailure(error, false);
  } finally {
    process.exit(exitCodeOf(error));
  }
}

async function main(): Promise<void> {
  const code = await run(process.argv);
  codeSoFar = code;
  // Sockets of a client that was given up on must not keep the command alive; what is still to be printed is printed first.
  process.stdout.write("", (error) => {
    // What went wrong there is told, and ends the process, above.
    if (!error) process.stderr.write("", () => process.exit(code));
  });
}

void main();
