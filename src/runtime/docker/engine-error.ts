/**
 * What the engine answers when it does not do as told, and what that means to a person. Nothing in here talks to
 * the engine. Callers that expect a status (404, 409) look at `EngineError.status`; everything else ends up as a
 * `PgrepKitError`.
 */
import { PgrepKitError, messageOf } from "../../support/errors.ts";

/** The engine understood the request and answered with an error status. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function isStatus(thrown: unknown, ...statuses: readonly number[]): thrown is EngineError {
  return thrown instanceof EngineError && statuses.includes(thrown.status);
}

/** Whether a text of the engine, of a tool or of the server tells of a full disk. */
export function tellsOfFullDisk(text: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(text);
}

export function diskFull(doing: string, cause: unknown): PgrepKitError {
  return new PgrepKitError("disk-full", {
    message: `the disk of the Docker engine is full: could not ${doing}`,
    detail: messageOf(cause),
    hint: "Free some space where the engine keeps its data (`docker system df` shows what uses it), then run the command again.",
    cause,
  });
}

/** An error for people. What is one already stays as it is, and so do aborts. */
export function asPgrepKitError(thrown: unknown, doing: string): unknown {
  if (!(thrown instanceof EngineError)) return thrown;
  if (tellsOfFullDisk(thrown.message)) return diskFull(doing, thrown);
  return new PgrepKitError("docker-failed", {
    message: `the Docker engine could not ${doing}`,
    detail: thrown.message,
    cause: thrown,
  });
}

/** Runs `work`; whatever the engine refuses in it becomes an error that says what we were doing. */
export async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw asPgrepKitError(thrown, what);
  }
}

/** As `work`, but an answer with one of these statuses counts as null: already done, or not there. */
export async function nullOn<T>(statuses: readonly number[], work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (thrown) {
    if (isStatus(thrown, ...statuses)) return null;
    throw thrown;
  }
}
