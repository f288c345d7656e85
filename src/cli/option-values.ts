/** Reads the values of options that commander leaves as text. */
import { parseDuration } from "../config/duration.ts";
import { quoted } from "../config/problems.ts";
import { PgrepKitError } from "../support/errors.ts";

export function positiveNumber(text: string, option: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new PgrepKitError("usage", {
    message: `${option} takes a whole number from 1 on, not ${JSON.stringify(text)}`,
  });
}

export function seconds(text: string, option: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 86_400) return value * 1000;
  throw new PgrepKitError("usage", {
    message: `${option} takes seconds, such as 0.5 or 10, not ${JSON.stringify(text)}`,
  });
}

/** Milliseconds. */
export function duration(text: string, option: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new PgrepKitError("usage", {
    message: `${option} takes a duration of at most 24 days, such as 500ms, 5min or 1h, not ${JSON.stringify(text)}`,
  });
}

/** An option and its value as messages name them; whatever a terminal would obey is escaped. */
export function asTyped(option: string, value: string): string {
  return `${option} ${/^[\w.,:@/-]+$/.test(value) ? value : quoted(value)}`;
}

/** Options for the journal, as they were typed: those that carry a value. */
export function given(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    typeof value === "string" ? [`--${name}`, value] : [],
  );
}
