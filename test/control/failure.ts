// What a rejected promise was rejected with, for tests that look at more than one part of an error.
import { PgrepKitError } from "../../src/support/errors.ts";

export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<PgrepKitError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof PgrepKitError) return error;
    throw error;
  }
  throw new Error("expected a PgrepKitError, but nothing was thrown");
}
