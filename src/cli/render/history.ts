/** The journal as text: for each command what was asked, what was seen, what was decided, what was done. */
import type { JournalEntry, UnreadableLine } from "../../control/journal.ts";
import { padEnd, type Screen, type Style, wrap } from "./style.ts";
import { formatElapsed } from "./units.ts";

export type HistoryLine = JournalEntry | UnreadableLine;

/** The entries of the newest `count` commands; damaged lines stay, because evidence is missing there. */
export function lastCommands(lines: readonly HistoryLine[], count: number): HistoryLine[] {
  const commands = [...new Set(lines.flatMap((line) => (line.kind === "unreadable" ? [] : [line.command])))];
  const wanted = new Set(count > 0 ? commands.slice(-count) : []);
  return lines.filter((line) => line.kind === "unreadable" || wanted.has(line.command));
}

export function renderHistory(lines: readonly HistoryLine[], screen: Screen): string[] {
  if (lines.length === 0) return ["Nothing was done yet."];
  const text: string[] = [];
  let command: string | null = null;
  const ended = new Set(lines.flatMap((line) => (line.kind === "end" ? [line.command] : [])));
  for (const [index, line] of lines.entries()) {
    if (line.kind === "unreadable") {
      text.push(
        `  ${screen.style.red("✗")} line ${line.line} of ${line.file} cannot be read: evidence is missing here`,
      );
      continue;
    }
    if (line.command !== command) {
      if (command !== null) text.push("");
      command = line.command;
      if (line.kind !== "command") text.push(`${timeText(line.at)}  (its beginning is no longer kept)`);
    }
    text.push(...entryLines(line, screen));
    const isLast = !lines
      .slice(index + 1)
      .some((other) => other.kind !== "unreadable" && other.command === command);
    if (isLast && !ended.has(line.command)) {
      text.push(
        `  ${padEnd("ended", LABEL)}${screen.style.yellow("without a word: it was killed, or is still at work")}`,
      );
    }
  }
  return text;
}

const LABEL = 9;

function entryLines(entry: JournalEntry, screen: Screen): string[] {
  const { style } = screen;
  switch (entry.kind) {
    case "command":
      return [
        `${timeText(entry.at)}  ${style.bold(["pgrep-kit", entry.verb, ...entry.arguments].join(" "))}`,
      ];
    case "observed":
      return labelled("saw", entry.summary, screen);
    case "decided":
      return [
        ...labelled("decided", entry.decision === "act" ? entry.summary : entry.decision, screen),
        ...entry.lines.flatMap((line) => labelled("", line, screen)),
      ];
    case "step-begin":
      return [];
    case "step-end": {
      const step = `${entry.step} ${entry.node ?? ""}`.trim();
      const detail = entry.detail === null ? "" : `: ${entry.detail.split("\n")[0]}`;
      const sign = outcomeSign(entry.outcome, style);
      return labelled(
        "did",
        `${sign} ${padEnd(step + detail, 40)}  ${formatElapsed(entry.durationMs)}`,
        screen,
      );
    }
    case "end":
      return labelled(
        "ended",
        `exit code ${entry.exitCode}${entry.message === null ? "" : `: ${entry.message}`}`,
        screen,
      );
  }
}

function outcomeSign(outcome: "done" | "unknown" | "failed", style: Style): string {
  if (outcome === "done") return style.green("✓");
  return outcome === "unknown" ? style.yellow("! outcome unknown:") : style.red("✗ failed:");
}

function labelled(label: string, text: string, screen: Screen): string[] {
  const indent = " ".repeat(LABEL + 2);
  return wrap(`  ${padEnd(label, LABEL)}${text}`, screen.columns, indent);
}

/** `2025-01-02 03:04:05 UTC`. */
function timeText(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

export interface HistoryReport {
  readonly version: 1;
  readonly entries: readonly HistoryLine[];
}

export function historyReport(lines: readonly HistoryLine[]): HistoryReport {
  return { version: 1, entries: lines };
}
