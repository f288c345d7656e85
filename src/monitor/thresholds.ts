/**
 * When a lag is worth waking somebody: bytes and time, each with a warning and a critical limit, and the words for it.
 * Reading what the user typed never throws: a mistake is a value with a hint.
 */

/** Null: this kind is not judged. */
export interface Limit {
  readonly bytes: number | null;
  readonly ms: number | null;
}

export interface Thresholds {
  readonly warn: Limit;
  readonly crit: Limit;
}

/** From good to critical, the tutorial's words. `unknown`: nothing can be said, which is never good news. */
export type Band = "good" | "acceptable" | "concerning" | "critical" | "unknown";

const MB = 1024 * 1024;

/**
 * The tutorial calls less than 100 ms good, less than 1 s acceptable, more than 5 s concerning, and minutes critical; its
 * monitor warns at 16 MB. It leaves 1 s to 5 s open: here they are concerning already.
 */
export const DEFAULT_THRESHOLDS: Thresholds = {
  warn: { bytes: 16 * MB, ms: 1000 },
  crit: { bytes: 256 * MB, ms: 60_000 },
};

const GOOD_BELOW = { bytes: MB, ms: 100 } as const;

export function bandOf(value: number, kind: "bytes" | "ms", { warn, crit }: Thresholds): Band {
  const critical = crit[kind];
  const warning = warn[kind];
  if (critical !== null && value >= critical) return "critical";
  if (warning !== null && value >= warning) return "concerning";
  return value < GOOD_BELOW[kind] ? "good" : "acceptable";
}

const SEVERITY: Readonly<Record<Band, number>> = {
  good: 0,
  acceptable: 1,
  concerning: 2,
  unknown: 3,
  critical: 4,
};

export function worseBand(a: Band, b: Band): Band {
  return SEVERITY[a] >= SEVERITY[b] ? a : b;
}

export type ParsedThresholds =
  | { readonly ok: true; readonly thresholds: Thresholds }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** Of `--warn` and `--crit`; an absent option keeps its defaults, a given one judges only the kinds that it names. */
export function parseThresholds(
  warnText: string | undefined,
  critText: string | undefined,
): ParsedThresholds {
  const warn = parseLimit("--warn", warnText, DEFAULT_THRESHOLDS.warn);
  if ("message" in warn) return { ok: false, ...warn };
  const crit = parseLimit("--crit", critText, DEFAULT_THRESHOLDS.crit);
  if ("message" in crit) return { ok: false, ...crit };
  for (const kind of ["bytes", "ms"] as const) {
    const low = warn[kind];
    const high = crit[kind];
    if (low === null || high === null || low <= high) continue;
    const what = kind === "bytes" ? "bytes" : "time";
    const message = `the ${what} of --warn must not be above that of --crit`;
    const hint = critText === undefined ? "Give --crit, too." : "Give --warn the smaller one.";
    return { ok: false, message, hint };
  }
  return { ok: true, thresholds: { warn, crit } };
}

interface Mistake {
  readonly message: string;
  readonly hint: string;
}

const HINT = "Give bytes (16MB), a time (1s), or both (16MB,1s).";

function parseLimit(option: string, text: string | undefined, otherwise: Limit): Limit | Mistake {
  if (text === undefined) return otherwise;
  let limit: Limit = { bytes: null, ms: null };
  for (const part of text.split(",")) {
    const value = parseQuantity(part.trim());
    if (value === null)
      return { message: `${option} ${JSON.stringify(text)} is neither bytes nor a time`, hint: HINT };
    if (limit[value.kind] !== null) {
      return {
        message: `${option} ${JSON.stringify(text)} names ${value.kind === "bytes" ? "bytes" : "a time"} twice`,
        hint: HINT,
      };
    }
    limit = { ...limit, [value.kind]: value.amount };
  }
  return limit;
}

/** PostgreSQL's units (1 kB is 1024 bytes), in any case but for `m`, which could be either. */
const UNITS: Readonly<Record<string, readonly [kind: "bytes" | "ms", size: number]>> = {
  b: ["bytes", 1],
  kb: ["bytes", 1024],
  mb: ["bytes", MB],
  gb: ["bytes", 1024 * MB],
  tb: ["bytes", 1024 * 1024 * MB],
  us: ["ms", 0.001],
  ms: ["ms", 1],
  s: ["ms", 1000],
  min: ["ms", 60_000],
  h: ["ms", 3_600_000],
  d: ["ms", 86_400_000],
};

function parseQuantity(text: string): { readonly kind: "bytes" | "ms"; readonly amount: number } | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ""];
  if (match === null || unit === undefined) return null;
  return { kind: unit[0], amount: Number(match[1]) * unit[1] };
}
