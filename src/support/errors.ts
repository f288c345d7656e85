/**
 * Operating errors: what the surroundings did, in PostgreSQL's manner of speaking
 * (https://www.postgresql.org/docs/current/error-style-guide.html). Expected outcomes are values, not errors.
 * `guides/errors.md` explains every code; no text in here may ever hold a password.
 */

/** Every code, with the exit code of a command that ends with it. */
export const ERROR_CODES = {
  usage: 2,
  "cluster-file-missing": 2,
  "cluster-file-invalid": 2,
  "cluster-file-exists": 2,
  "cluster-file-changed": 2,
  "state-corrupt": 2,
  "state-mismatch": 2,
  "state-copied": 2,
  "state-missing": 2,
  "state-unwritable": 2,
  "unknown-node": 2,
  "setting-refused": 2,
  "unsupported-version": 2,
  "confirmation-needed": 2,
  locked: 5,
  "authority-changed": 5,
  "no-runtime": 4,
  "docker-unavailable": 4,
  "docker-forbidden": 4,
  "docker-failed": 4,
  "image-missing": 4,
  "image-unusable": 4,
  "volume-foreign": 4,
  "port-taken": 4,
  "binaries-missing": 4,
  "user-missing": 4,
  "disk-full": 4,
  "server-failed": 4,
  "server-unreachable": 4,
  "sql-failed": 4,
  "tool-missing": 4,
  "copy-failed": 4,
  "remove-failed": 4,
  "output-unwritable": 5,
  deadline: 5,
  "not-converging": 5,
  interrupted: 130,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorText {
  /** A short factual sentence, lower case, without a full stop. */
  readonly message: string;
  readonly detail?: string;
  /** What to do. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class PgrepKitError extends Error {
  override readonly name = "PgrepKitError";
  readonly code: ErrorCode;
  readonly detail: string | null;
  readonly hint: string | null;

  constructor(code: ErrorCode, text: ErrorText) {
    super(text.message, text.cause === undefined ? undefined : { cause: text.cause });
    this.code = code;
    this.detail = text.detail ?? null;
    this.hint = text.hint ?? null;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === "")
    return thrown.errors.map(messageOf).join("; ");
  return thrown instanceof Error ? thrown.message : String(thrown);
}
