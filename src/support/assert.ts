/**
 * Assertions for our own mistakes only. A broken invariant ends the command with exit code 70;
 * nothing that a user, a server or an engine can cause may end up here.
 */

export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}

/** Ends the command when `condition` does not hold: `message` says which invariant broke. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message);
}

/** The value, which by construction is there. */
export function present<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`);
  return value;
}

/** For the default branch of a switch over a closed union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new BrokenInvariant(`unexpected value: ${JSON.stringify(value)}`);
}
