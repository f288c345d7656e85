/**
 * Refusals: named reasons not to act (law L5). A refusal lists every reason at once, each with a stable code,
 * what was seen, and what would resolve it. `guides/errors.md` explains each code.
 */

export const REFUSAL_CODES = [
  "no-authority",
  "primary-missing",
  "primary-unseen",
  "primary-down",
  "primary-is-standby",
  "primary-behind",
  "wal-removed",
  "foreign-data",
  "not-a-standby",
  "split-brain",
  "node-unseen",
  "node-missing",
  "diverged",
  "standbys-first",
  "would-block",
  "removes-primary",
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /** A short factual sentence without a full stop. */
  readonly message: string;
  /** What was seen. */
  readonly detail: string;
  /** What would resolve it. */
  readonly hint: string;
}
