/**
 * What is wrong with a cluster file, each with its place; and all of it in one error, so that nobody has to correct a
 * file one message at a time. Text from the file is shown quoted and escaped: a hostile one must not reach the terminal raw.
 */
import { relative } from "node:path";
import type { LineCounter } from "yaml";
import { PgrepKitError } from "../support/errors.ts";

export interface Problem {
  /** Where in the text, in characters. */
  readonly offset: number;
  readonly message: string;
  readonly hint: string | null;
  readonly code: "cluster-file-invalid" | "unsupported-version";
  /** What is left to say where an option has just been named with its value. */
  readonly ofOption?: string;
  /** Another place that may be the reason, where the first is as it was before. */
  readonly orOffset?: number;
}

/** Collects problems while a file is read. */
export interface Problems {
  readonly all: Problem[];
}

const MOST_SHOWN = 20;

export function report(
  problems: Problems,
  offset: number,
  message: string,
  hint: string | null = null,
  code: Problem["code"] = "cluster-file-invalid",
  more: Pick<Problem, "ofOption" | "orOffset"> = {},
): void {
  problems.all.push({ offset, message, hint, code, ...more });
}

/**
 * The one error that tells all `problems` (at least one), the first of the file first.
 * `typed` answers the option that a place comes from, or null where it is the file's own.
 */
export function problemsError(
  path: string,
  lines: LineCounter,
  problems: readonly Problem[],
  typed: (offset: number) => string | null,
): PgrepKitError {
  const sorted = problems.toSorted((a, b) => a.offset - b.offset);
  const shown = shownPath(path);
  const placed = (problem: Problem): string => {
    const option = typed(problem.offset);
    if (option !== null) return `${option}: ${problem.ofOption ?? problem.message}`;
    const reason = problem.orOffset === undefined ? null : typed(problem.orOffset);
    if (reason !== null) return `${reason}: ${problem.message}`;
    const { line, col } = lines.linePos(problem.offset);
    // An empty file has no line at all.
    return `${shown}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${problem.message}`;
  };
  const [first, ...others] = sorted;
  const further = others.slice(0, MOST_SHOWN).map((problem) => withHint(placed(problem), problem.hint));
  if (others.length > MOST_SHOWN) further.push(`and ${others.length - MOST_SHOWN} more`);
  const sameCode = sorted.every((problem) => problem.code === first?.code);
  const code = sameCode && first !== undefined ? first.code : "cluster-file-invalid";
  const isTyped = sorted.every(
    ({ offset, orOffset = offset }) => (typed(offset) ?? typed(orOffset)) !== null,
  );
  return new PgrepKitError(isTyped && code === "cluster-file-invalid" ? "usage" : code, {
    message: first === undefined ? shown : placed(first),
    ...(further.length === 0 ? {} : { detail: further.join("\n") }),
    ...(first === undefined || first.hint === null ? {} : { hint: first.hint }),
  });
}

function withHint(text: string, hint: string | null): string {
  return hint === null ? text : `${text} (${hint.replace(/\.$/, "")})`;
}

/** As short as it can be said from the current folder. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere !== "" && fromHere.length < path.length ? fromHere : path;
}

/** Text of the file, safe to print: quoted, cut, and without anything that a terminal would obey. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const escape = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return JSON.stringify(cut).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escape);
}
