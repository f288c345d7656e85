/** Turns whatever ended a command into text and an exit code. Loaded only when something failed. */
import { BrokenInvariant } from "../support/assert.ts";
import { ERROR_CODES, PgrepKitError } from "../support/errors.ts";

const OUR_BUG = 70;

export function exitCodeOf(error: unknown): number {
  return error instanceof PgrepKitError ? ERROR_CODES[error.code] : OUR_BUG;
}

/** `asJson`: for programs that asked for JSON; on stderr like every error, so that stdout stays data. */
export async function reportFailure(error: unknown, asJson: boolean): Promise<void> {
  if (error instanceof PgrepKitError) {
    const { errorReport, renderError } = await import("./render/error.ts");
    process.stderr.write(`${asJson ? JSON.stringify(errorReport(error)) : renderError(error)}\n`);
    return;
  }
  const what = error instanceof BrokenInvariant ? "a broken invariant" : "an unexpected failure";
  process.stderr.write(`error:   ${what} in pgrep-kit; this is a bug\n`);
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
}
