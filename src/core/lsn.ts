/**
 * Log sequence numbers: byte positions in the write-ahead log of one timeline.
 * A bare LSN must never be compared across timelines; see `timeline.ts` for positions that can be.
 * https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */

export type Lsn = bigint & { readonly __brand: "Lsn" };

const PATTERN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Reads PostgreSQL's `16/B374D848`; null if the text is no LSN. */
export function parseLsn(text: string): Lsn | null {
  const match = PATTERN.exec(text);
  if (!match) return null;
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** An LSN that is known to be well-formed (a literal, or what a server printed). */
export function lsn(text: string): Lsn {
  const parsed = parseLsn(text);
  if (parsed === null) throw new RangeError(`not an LSN: ${text}`);
  return parsed;
}

/** PostgreSQL's own notation, upper case, without leading zeros. */
export function formatLsn(value: Lsn): string {
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffffffffn).toString(16).toUpperCase()}`;
}

/** Bytes that `behind` lacks of `ahead`; never negative, because a later reading of the standby is no negative lag. */
export function bytesBetween(behind: Lsn, ahead: Lsn): number {
  return ahead > behind ? Number(ahead - behind) : 0;
}

export function laterLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}
