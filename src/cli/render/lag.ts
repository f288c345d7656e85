/**
 * The lag screen: a first line that Nagios understands, then every stage of every standby.
 * https://nagios-plugins.org/doc/guidelines.html
 */
import type { JudgedLag, LagAssessment, LagVerdict } from "../../monitor/lag.ts";
import type { Band, Thresholds } from "../../monitor/thresholds.ts";
import type { NodeState } from "../../core/diagnose/node-state.ts";
import type { LagStage } from "../../core/lag.ts";
import { timeText } from "./status.ts";
import type { Screen, Style } from "./style.ts";
import { type Column, renderTable } from "./table.ts";
import { formatBytes } from "./units.ts";

/** With `performanceData` the first line ends in what Nagios draws graphs of; people are better off without it. */
export function renderLag(assessment: LagAssessment, screen: Screen, performanceData: boolean): string[] {
  // Servers' own words are in it: a line's end or a bar would end the message for Nagios.
  const message = assessment.message.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "/");
  const first = `LAG ${paintVerdict(assessment.verdict, screen.style)}: ${message}`;
  const data = performanceData ? performance(assessment) : "";
  const lines = [data === "" ? first : `${first} | ${data}`];
  if (assessment.standbys.length === 0) return lines;
  const rows = assessment.standbys.map((one) => lagRow(one, screen.style));
  return [...lines, "", ...renderTable(COLUMNS, rows, screen)];
}

const COLUMNS: readonly Column[] = [
  { title: "STANDBY" },
  { title: "FROM" },
  { title: "STATE" },
  { title: "BEHIND" },
  { title: "", joined: true },
  { title: "IS" },
  { title: "SEND" },
  { title: "WRITE" },
  { title: "", joined: true },
  { title: "FLUSH" },
  { title: "", joined: true },
  { title: "SLOT KEEPS" },
];

const NONE = "–";

function lagRow(judged: JudgedLag, style: Style): string[] {
  const { lag, replayTime, band } = judged;
  const { slot } = lag;
  return [
    lag.node,
    lag.upstream ?? NONE,
    stateCell(judged),
    ...stage({ bytes: lag.replay.bytes, time: replayTime }),
    paintBand(band, style),
    lag.send.bytes === null ? NONE : formatBytes(lag.send.bytes),
    ...stage(lag.write),
    ...stage(lag.flush),
    slot === null ? NONE : slot.walStatus === "lost" ? "lost" : formatBytes(slot.retainedBytes),
  ];
}

const SENDING: ReadonlySet<NodeState> = new Set(["streaming", "catching-up", "delayed", "silent"]);

/** PostgreSQL's word while its upstream sends to it, else ours. */
function stateCell({ lag, state }: JudgedLag): string {
  if (state === "disconnected" || (SENDING.has(state) && lag.attachment === "detached"))
    return "not connected";
  return SENDING.has(state) ? (lag.senderState ?? NONE) : state.replaceAll("-", " ");
}

function stage({ bytes, time }: LagStage): [string, string] {
  return bytes === null ? [NONE, ""] : [formatBytes(bytes), timeText(time)];
}

function paintBand(band: Band, style: Style): string {
  if (band === "good" || band === "acceptable") return style.green(band);
  return band === "concerning" ? style.yellow(band) : style.red(band);
}

function paintVerdict(verdict: LagVerdict, style: Style): string {
  const word = verdict.toUpperCase();
  if (verdict === "ok") return style.green(word);
  return verdict === "warning" ? style.yellow(word) : style.red(word);
}

/** `label=value[unit];warn;crit;min`, with U for a value that is not known. */
function performance({ standbys, thresholds }: LagAssessment): string {
  return standbys
    .flatMap(({ lag, replayTime }) => [
      `${lag.node}_replay=${datum(lag.replay.bytes, "B", limits("bytes", thresholds))}`,
      `${lag.node}_replay_time=${datum(seconds(replayTime?.ms ?? null), "s", limits("ms", thresholds))}`,
      `${lag.node}_slot=${datum(lag.slot?.retainedBytes ?? null, "B", ";;0")}`,
    ])
    .join(" ");
}

function datum(value: number | null, unit: string, range: string): string {
  return value === null ? "U" : `${value}${unit};${range}`;
}

function limits(kind: "bytes" | "ms", { warn, crit }: Thresholds): string {
  const text = (value: number | null): string =>
    value === null ? "" : String(kind === "ms" ? seconds(value) : value);
  return `${text(warn[kind])};${text(crit[kind])};0`;
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1_000_000;
}
