/**
 * The doctor's screen: what is wrong first, each with its remedy, then everything that was found in order, then one
 * line that sums it up. Pure: from an examination to lines of text.
 */
import { GROUPS } from "../../monitor/doctor/check.ts";
import type { CheckResult, Examination } from "../../monitor/doctor/examine.ts";
import { type Screen, type Style, padEnd, widthOf, wrap } from "./style.ts";

export function renderDoctor(examination: Examination, screen: Screen): string[] {
  const wide = Math.max(...examination.checks.map(({ title }) => widthOf(title)));
  return [
    ...problemLines(examination, wide, screen),
    ...GROUPS.flatMap((group) => groupLines(examination, group, wide, screen)),
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
  const lines = ordered.flatMap(({ check, problem }) => [
    ...line(mark(problem.level, screen.style), check.title, problem.text, wide, screen),
    // A command stays on one line of its own, to be copied.
    ...(isCommand(problem.remedy)
      ? [indent + screen.style.bold(problem.remedy)]
      : wrap(indent + problem.remedy, screen.columns, indent)),
  ]);
  return lines.length === 0 ? [] : [...lines, ""];
}

function isCommand(remedy: string): boolean {
  return /^(pgrep-kit|docker|chmod|rm) /.test(remedy);
}

function mark(level: "fail" | "warning", style: Style): string {
  return level === "fail" ? style.red("✗") : style.yellow("!");
}

function groupLines({ checks }: Examination, group: string, wide: number, screen: Screen): string[] {
  const { style } = screen;
  const passed = checks.filter((check) => check.group === group && check.status === "pass");
  const missed = checks.filter((check) => check.group === group && isMissed(check));
  if (passed.length + missed.length === 0) return [];
  return [
    style.bold(group),
    ...passed.flatMap((check) => line(style.green("✓"), check.title, check.text, wide, screen)),
    ...missedLines(missed, wide, screen),
    "",
  ];
}

/** What was found elsewhere is told above; that there may be more, here. */
function isMissed({ notChecked }: CheckResult): boolean {
  return notChecked !== null;
}

/** One line for all that were missed for one reason, where there are several. */
function missedLines(missed: readonly CheckResult[], wide: number, screen: Screen): string[] {
  const reasons = [...new Set(missed.map(({ notChecked }) => notChecked ?? ""))];
  return reasons.flatMap((reason) => {
    const checks = missed.filter(({ notChecked }) => notChecked === reason);
    const [first] = checks;
    const sign = screen.style.dim("–");
    if (first !== undefined && checks.length === 1)
      return line(sign, first.title, `not checked: ${reason}`, wide, screen);
    const titles = checks.map(({ title }) => title).join(", ");
    return line(sign, "Not checked", `${reason}: ${titles}`, wide, screen);
  });
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
