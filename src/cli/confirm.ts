/** Asks before something that cannot be taken back. `--yes` is the answer in advance; without a terminal nobody is asked. */
import { createInterface } from "node:readline/promises";
import { PgrepKitError } from "../support/errors.ts";
import { say } from "./terminal.ts";

/** Returns when the user agreed; throws `confirmation-needed` otherwise. `consequence` is a whole sentence. */
export async function confirm(consequence: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (process.stdin.isTTY !== true) {
    throw new PgrepKitError("confirmation-needed", {
      message: "this needs a confirmation, and there is no terminal to ask on",
      detail: consequence,
      hint: "Look at it with --dry-run, then confirm with --yes.",
    });
  }
  say(consequence);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question("Go on? [y/N] ");
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    prompt.close();
  }
  throw new PgrepKitError("confirmation-needed", { message: "not confirmed; nothing was changed" });
}
