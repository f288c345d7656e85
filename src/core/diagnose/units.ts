/**
 * Bytes and durations as people read them. PostgreSQL's units: a kB is 1024 bytes, and it is written kB.
 */

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** `0 B`, `3 kB`, `4.7 kB`, `23 MB`. */
export function formatBytes(bytes: number): string {
  return inUnits(bytes, Math.round);
}

/** The same for an upper bound: never rounded down, because "up to" must stay true. */
export function formatByteBound(bytes: number): string {
  return inUnits(bytes, Math.ceil);
}

function inUnits(bytes: number, round: (value: number) => number): string {
  let value = bytes;
  let unit = 0;
  while (unit < BYTE_UNITS.length - 1 && rounded(value, round) >= 1024) {
    value /= 1024;
    unit += 1;
  }
  const shown = unit === 0 ? round(value) : rounded(value, round);
  return `${shown} ${BYTE_UNITS[unit]}`;
}

/** Two significant places below ten, whole numbers above: more is noise. */
function rounded(value: number, round: (value: number) => number): number {
  return value < 9.95 ? round(value * 10) / 10 : round(value);
}

/** `0 ms`, `0.4 ms`, `41 ms`, `2.1 s`, `41 s`, `3 min`, `2.5 h`, `3 d`. */
export function formatDuration(ms: number): string {
  const units: readonly (readonly [name: string, ms: number])[] = [
    ["ms", 1],
    ["s", 1000],
    ["min", 60_000],
    ["h", 3_600_000],
    ["d", 86_400_000],
  ];
  let chosen = units[0];
  for (const unit of units) if (unit[1] <= 1 || rounded(ms / unit[1], Math.round) >= 1) chosen = unit;
  const [name, size] = chosen ?? ["ms", 1];
  return `${rounded(ms / size, Math.round)} ${name}`;
}
