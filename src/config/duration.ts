/**
 * Durations in PostgreSQL's notation: a number with `ms`, `s`, `min`, `h` or `d`, without a unit milliseconds.
 * https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES
 */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
/** Settings in milliseconds are 32-bit integers in PostgreSQL. */
const LONGEST_MS = 2_147_483_647;

/** Milliseconds, or null where the text is no duration or one that PostgreSQL cannot hold. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,10}(?:\.\d{1,6})?) ?(ms|s|min|h|d)?$/.exec(text.trim());
  if (!match) return null;
  const ms = Math.round(Number(match[1]) * (UNITS[match[2] ?? "ms"] ?? 1));
  return ms <= LONGEST_MS ? ms : null;
}

/** The shortest exact notation: `5min`, `90s`, `1500ms`. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNITS).toReversed();
  const [unit, size] = units.find(([, unitMs]) => ms !== 0 && ms % unitMs === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
