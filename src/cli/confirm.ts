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
  if (/^y(es)?$/i.test((await ask("Go on? [y/N] ")).trim())) return;
  throw new PgrepKitError("confirmation-needed", { message: "not confirmed; nothing was changed" });
}

/** The answer; none where the input ends (^D). ^C is an interruption, not an answer. */
async function ask(question: string): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      // What is said next must not stand behind the question.
      const ended = (): void => {
        say("");
        resolve("");
      };
      prompt.once("close", ended);
      prompt.once("SIGINT", () => {
        prompt.off("close", ended);
        say("");
        reject(new PgrepKitError("interrupted", { message: "interrupted; nothing was changed" }));
      });
      prompt.question(question).then((answer) => {
        prompt.off("close", ended);
        resolve(answer);
      }, reject);
    });
  } finally {
    prompt.close();
  }
}
