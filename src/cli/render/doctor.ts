/**
 * The doctor's screen: what is wrong first, each with its remedy, then everything that was found in order, then one
 * line that sums it up. Pure: from an examination to lines of text.
 */
import { GROUPS } from "../../monitor/doctor/check.ts";
import type { Examination } from "../../monitor/doctor/examine.ts";
import { type Screen, type Style, padEnd, widthOf, wrap } from "./style.ts";

export function renderDoctor(examination: Examination, screen: Screen): string[] {
  const wide = Math.max(...examination.checks.map(({ title }) => widthOf(title)));
  return [
    ...problemLines(examination, wide, screen),
    ...GROUPS.flatMap((group) => groupLines(examination, group, wide, screen)),
    ...missedLines(examination, screen),
    ...summaryLines(examination, screen),
  ];
}

const LEAD = 3;
const GAP = 2;

/** The failures before the warnings. */
function problemLines({ checks }: Examination, wide: number, screen: Screen): string[] {
  const all = checks.flatMap((check) => check.problems.map((problem) => ({ check, problem })));
  const ordered = ["fail", "warning"].flatMap((level) =>
    all.filter(({ problem }) => problem.level === level),
  );
  const indent = " ".repeat(LEAD + wide + GAP);
  const words = (text: string): string[] => (text === "" ? [] : wrap(indent + text, screen.columns, indent));
  const lines = ordered.flatMap(({ check, problem }) => [
    ...line(mark(problem.level, screen.style), check.title, problem.text, wide, screen),
    ...words(problem.advice),
    // On one line, however long, so that it can be copied.
    ...(problem.command === null ? [] : [indent + screen.style.bold(problem.command)]),
    ...words(problem.remark),
  ]);
  return lines.length === 0 ? [] : [...lines, ""];
}

function mark(level: "fail" | "warning", style: Style): string {
  return level === "fail" ? style.red("✗") : style.yellow("!");
}

function groupLines({ checks }: Examination, group: string, wide: number, screen: Screen): string[] {
  const { style } = screen;
  const passed = checks.filter((check) => check.group === group && check.status === "pass");
  if (passed.length === 0) return [];
  const lines = passed.flatMap((check) => line(style.green("✓"), check.title, check.text, wide, screen));
  return [style.bold(group), ...lines, ""];
}

/** Each reason once, with all that was missed for it. What was found elsewhere in a check is told above. */
function missedLines({ checks }: Examination, screen: Screen): string[] {
  const missed = checks.filter(({ notChecked }) => notChecked !== null);
  if (missed.length === 0) return [];
  const reasons = [...new Set(missed.map(({ notChecked }) => notChecked ?? ""))];
  const lines = reasons.flatMap((reason) => {
    const titles = missed.filter(({ notChecked }) => notChecked === reason).map(({ title }) => title);
    const indent = " ".repeat(LEAD + 2);
    return [
      ` ${screen.style.dim("–")} not checked: ${reason}`,
      ...wrap(indent + titles.join(", "), screen.columns, indent),
    ];
  });
  return [screen.style.bold("Not checked"), ...lines, ""];
}

function line(sign: string, title: string, text: string, wide: number, screen: Screen): string[] {
  const head = ` ${sign} ${padEnd(title, wide)}`;
  const indent = " ".repeat(LEAD + wide + GAP);
  const [first = "", ...rest] = wrap(indent + text, screen.columns, indent);
  return [`${head}${" ".repeat(GAP)}${first.slice(indent.length)}`, ...rest];
}

function summaryLines(
  { cluster, passed, warnings, failed, notChecked }: Examination,
  { style }: Screen,
): string[] {
  const parts = [
    failed > 0 ? `${failed} failed` : "",
    warnings > 0 ? `${warnings} ${warnings === 1 ? "warning" : "warnings"}` : "",
    notChecked > 0 ? `${notChecked} not checked` : "",
    `${passed} passed`,
  ].filter((part) => part !== "");
  const sign = failed > 0 ? style.red("✗") : warnings + notChecked > 0 ? style.yellow("!") : style.green("✓");
  const said = failed === 0 && warnings > 0 ? ` Warnings alone do not fail the check: exit code 0.` : "";
  return [`${sign} ${cluster ?? "this machine"}: ${parts.join(", ")}.${said}`];
}
