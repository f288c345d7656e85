/**
 * Errors and refusals as text, in PostgreSQL's manner: what, the detail, the hint. A refusal also shows its code, because
 * people look it up and scripts match it. Nothing is added here that the error does not say.
 * https://www.postgresql.org/docs/current/error-style-guide.html
 */
import type { Refusal } from "../../core/refusals.ts";
import type { PgrepKitError } from "../../support/errors.ts";
import { padStart, type Screen, screenOf, widthOf, wrap } from "./style.ts";

/** Wider lines are hard to read, and a code far away from its message is not seen. */
const COLUMNS_MAX = 110;
const LABEL_COLUMNS = 9;

export function renderError(error: PgrepKitError, screen: Screen = errorScreen()): string {
  return [
    ...labelled("error:", error.message, screen),
    ...(error.detail === null ? [] : labelled("detail:", error.detail, screen)),
    ...(error.hint === null ? [] : labelled("hint:", error.hint, screen)),
  ].join("\n");
}

/** All of them: a user who resolves the first must not then meet the second. */
export function renderRefusals(refusals: readonly Refusal[], screen: Screen = errorScreen()): string {
  return refusals.map((refusal) => renderRefusal(refusal, screen).join("\n")).join("\n\n");
}

function renderRefusal({ code, message, detail, hint }: Refusal, screen: Screen): string[] {
  return [
    ...withCode(labelled("refused:", message, screen), code, screen),
    ...(detail === "" ? [] : labelled("detail:", detail, screen)),
    ...(hint === "" ? [] : labelled("hint:", hint, screen)),
  ];
}

/** The code at the right edge of the message's last line, or below it where there is no room. */
function withCode(lines: readonly string[], code: string, screen: Screen): string[] {
  const columns = Math.min(screen.columns, COLUMNS_MAX);
  const text = screen.style.dim(`[${code}]`);
  const last = lines.at(-1) ?? "";
  const room = columns - widthOf(last);
  if (room < widthOf(text) + 2) return [...lines, padStart(text, columns)];
  return [...lines.slice(0, -1), last + padStart(text, room)];
}

function labelled(label: string, text: string, screen: Screen): string[] {
  const { style } = screen;
  const room = Math.max(20, Math.min(screen.columns, COLUMNS_MAX) - LABEL_COLUMNS);
  // What follows a hint on a line of its own is a command: on one line, however long, so that it can be copied.
  const isCommand = (place: number): boolean => label === "hint:" && place > 0;
  const lines = text.split("\n").flatMap((line, place) => (isCommand(place) ? [line] : wrap(line, room, "")));
  const painted = label === "error:" || label === "refused:" ? style.red(label) : style.bold(label);
  return lines.map((line, index) =>
    index === 0
      ? `${painted}${" ".repeat(LABEL_COLUMNS - label.length)}${line}`
      : `${" ".repeat(LABEL_COLUMNS)}${line}`,
  );
}

function errorScreen(): Screen {
  return screenOf(process.stderr, process.env);
}

export interface ErrorReport {
  readonly version: 1;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly detail: string | null;
    readonly hint: string | null;
  };
}

/** For `-o json|yaml`. The cause stays out of it: it may hold what a driver put into it. */
export function errorReport({ code, message, detail, hint }: PgrepKitError): ErrorReport {
  return { version: 1, error: { code, message, detail, hint } };
}

export interface RefusalReport {
  readonly version: 1;
  readonly refused: readonly Refusal[];
}

export function refusalReport(refusals: readonly Refusal[]): RefusalReport {
  return {
    version: 1,
    refused: refusals.map(({ code, message, detail, hint }) => ({ code, message, detail, hint })),
  };
}
