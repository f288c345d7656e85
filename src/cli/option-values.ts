/** Reads the values of options that commander leaves as text. */
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
