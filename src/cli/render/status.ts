/**
 * The status screen: a header, the nodes as a tree, then one verdict and one thing to do next.
 * Pure: from a diagnosis to lines of text, as wide as the screen and no wider.
 */
import type { Authority } from "../../core/authority.ts";
import { confirmers } from "../../core/commit-rule.ts";
import type { Diagnosis, NodeDiagnosis, Verdict } from "../../core/diagnose.ts";
import { type NextStep, remarkOf } from "../../core/diagnose/next-steps.ts";
import type { NodeMark, NodeState } from "../../core/diagnose/node-state.ts";
import type { LagTime } from "../../core/lag.ts";
import { formatLsn } from "../../core/lsn.ts";
import { isRunning, type Observation } from "../../core/observation.ts";
import type { ClusterSpec } from "../../core/spec.ts";
import { outlookSentence } from "./outlook.ts";
import { type Screen, type Style, widthOf, wrap } from "./style.ts";
import { type Column, renderTable } from "./table.ts";
import { treeLines } from "./tree.ts";
import { formatBytes, formatDuration, formatVersion } from "./units.ts";

export interface StatusView {
  readonly spec: ClusterSpec;
  readonly authority: Authority | null;
  readonly observation: Observation;
  readonly diagnosis: Diagnosis;
  /** The verbs that can be suggested; null: all of them. */
  readonly verbs: ReadonlySet<string> | null;
}

export function renderStatus(view: StatusView, screen: Screen): string[] {
  return [
    ...wrap(header(view), screen.columns),
    "",
    ...nodeTable(view, screen),
    "",
    ...verdictLines(view, screen),
  ];
}

function header({ spec, authority, observation }: StatusView): string {
  const runtime = spec.runtime === "docker" ? "Docker" : "local processes";
  const commits = authority === null ? "no authority record" : commitText(authority);
  const term = authority === null ? [] : [`term ${authority.term}`];
  return [
    spec.name,
    `PostgreSQL ${versionText(spec, authority, observation)}`,
    runtime,
    commits,
    ...term,
  ].join(" · ");
}

function versionText(spec: ClusterSpec, authority: Authority | null, observation: Observation): string {
  const primary = authority === null ? undefined : observation.nodes[authority.primary];
  const running = [primary, ...Object.values(observation.nodes)].find(isRunning);
  return running === undefined ? String(spec.postgres) : formatVersion(running.serverVersion);
}

/** `quorum: 1 of pg2, pg3 confirms each commit`. */
export function commitText(authority: Authority): string {
  const { rule, primary } = authority;
  if (rule === null) return "async: commits wait for no standby";
  const names = confirmers(rule, primary);
  const verb = rule.acks === 1 ? "confirms" : "confirm";
  const level = rule.commit === "on" ? "" : ` (${rule.commit})`;
  if (names.length === rule.acks)
    return `${modeOf(authority)}: ${names.join(", ")} ${verb} each commit${level}`;
  const which =
    rule.method === "ANY"
      ? `${rule.acks} of`
      : rule.acks === 1
        ? "the first of"
        : `the first ${rule.acks} of`;
  return `${modeOf(authority)}: ${which} ${names.join(", ")} ${verb} each commit${level}`;
}

function modeOf(authority: Authority): string {
  return authority.rule?.method === "FIRST" ? "sync" : "quorum";
}

const COLUMNS: readonly Column[] = [
  { title: "NODE" },
  { title: "ROLE" },
  { title: "STATE" },
  { title: "TL", align: "right" },
  { title: "WAL POSITION" },
  { title: "BEHIND" },
  { title: "", joined: true },
  { title: "SYNC" },
  { title: "SLOT KEEPS" },
  { title: "ENDPOINT" },
];

function nodeTable(view: StatusView, screen: Screen): string[] {
  const { diagnosis, observation } = view;
  const lines = treeLines(diagnosis.nodes.map((node) => ({ name: node.name, parent: node.upstream })));
  const rows = lines.flatMap(({ name, branch }) => {
    const node = diagnosis.nodes.find((one) => one.name === name);
    return node === undefined ? [] : [nodeRow(node, branch, observation, screen.style)];
  });
  return renderTable(COLUMNS, rows, screen);
}

const NONE = "–";

function nodeRow(node: NodeDiagnosis, branch: string, observation: Observation, style: Style): string[] {
  const outside = node.marks.includes("not-in-file");
  const wire = observation.wiring[node.name];
  const kind = observation.nodes[node.name]?.kind;
  return [
    branch + (outside ? style.struck(node.name) : node.name),
    node.role,
    stateCell(node, style),
    node.timeline === null ? NONE : String(node.timeline),
    node.position === null ? NONE : formatLsn(node.position.lsn),
    node.behindBytes === null ? NONE : formatBytes(node.behindBytes),
    node.behindBytes === null ? "" : timeText(node.lag?.replay.time ?? null),
    node.lag?.syncState ?? NONE,
    slotCell(node, style),
    wire === undefined || kind === "stopped" || kind === "absent" ? NONE : `${wire.host}:${wire.port}`,
  ];
}

/** `≥`: it is known to be no shorter, but not how long it is. */
export function timeText(time: LagTime | null): string {
  if (time === null) return NONE;
  return `${time.atLeast ? "≥ " : ""}${formatDuration(time.ms)}`;
}

const GOOD: ReadonlySet<NodeState> = new Set(["running", "streaming", "delayed"]);
const BAD: ReadonlySet<NodeState> = new Set([
  "split-brain",
  "in-recovery",
  "slot-lost",
  "crashed",
  "missing",
  "half-copied",
]);

function stateCell(node: NodeDiagnosis, style: Style): string {
  const text = stateText(node.state, node.marks);
  if (node.marks.some((mark) => mark !== "not-in-file") || BAD.has(node.state)) return style.red(text);
  return GOOD.has(node.state) && node.marks.length === 0 ? style.green(text) : style.yellow(text);
}

/** `streaming`, `stopped, diverged`, `split brain`. A standby whose data went another way is that above all. */
function stateText(state: NodeState, marks: readonly NodeMark[]): string {
  const isStandbyState = !["stopped", "crashed", "split-brain", "running", "in-recovery"].includes(state);
  const replaced = isStandbyState && marks.some((mark) => mark === "diverged" || mark === "foreign-data");
  const words = replaced ? marks : [state, ...marks];
  return words.map((word) => (word === "not-in-file" ? "not in file" : word.replaceAll("-", " "))).join(", ");
}

function slotCell(node: NodeDiagnosis, style: Style): string {
  const slot = node.lag?.slot;
  if (slot === null || slot === undefined) return NONE;
  if (slot.walStatus === "lost") return style.red("lost");
  const kept = formatBytes(slot.retainedBytes);
  return slot.walStatus === "unreserved" ? style.yellow(`${kept}, unreserved`) : kept;
}

const TITLES: Readonly<Record<Verdict, string>> = {
  healthy: "Healthy",
  degraded: "Degraded",
  "primary-lost": "Primary lost",
  "split-brain": "Split brain",
  unknown: "Unknown",
  stopped: "Stopped",
  empty: "Nothing is made yet",
};

/** Their rows say it, or the finding that they follow from. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(["delayed", "standby-disconnected"]);

/** More than these would bury the verdict; `-o json` has them all. */
const FINDINGS_SHOWN = 4;

function verdictLines(view: StatusView, screen: Screen): string[] {
  const { diagnosis, verbs } = view;
  const { verdict, findings } = diagnosis;
  const grave = findings.filter((one) => one.severity !== "note");
  const notes = findings.filter((one) => one.severity === "note" && !SHOWN_ELSEWHERE.has(one.code));
  const [first, ...others] = grave;
  const outlook = outlookSentence(diagnosis.outlook, diagnosis.primary, verdict);
  const head = first === undefined ? `${TITLES[verdict]}.` : `${TITLES[verdict]}: ${first.message}.`;
  const lines = [`${sign(verdict, screen.style)} ${head}`];
  // Good news in one line, where it fits.
  const whole = `${lines[0]} ${outlook}`;
  const inOneLine = verdict === "healthy" && outlook !== null && widthOf(whole) <= screen.columns;
  if (inOneLine) lines[0] = whole;
  lines.push(...others.slice(0, FINDINGS_SHOWN).map((one) => `  Also: ${one.message}.`));
  if (others.length > FINDINGS_SHOWN)
    lines.push(`  And ${others.length - FINDINGS_SHOWN} more: pgrep-kit status -o json`);
  if (verdict === "split-brain") lines.push(...splitBrainLines(diagnosis));
  if (!inOneLine && outlook !== null) lines.push(`  ${outlook}`);
  lines.push(...notes.slice(0, FINDINGS_SHOWN).map((one) => `  Note: ${one.message}.`));
  const wrapped = lines.flatMap((line) => wrap(line, screen.columns, "    "));
  return [...wrapped, ...nextLines(diagnosis.next, verbs, screen)];
}

function sign(verdict: Verdict, style: Style): string {
  if (verdict === "healthy") return style.green("✓");
  return verdict === "degraded" || verdict === "stopped" || verdict === "empty"
    ? style.yellow("!")
    : style.red("✗");
}

function splitBrainLines({ nodes, primary }: Diagnosis): string[] {
  return nodes
    .filter((node) => node.state === "split-brain")
    .map(({ name }) => {
      const followers = nodes
        .filter((node) => node.upstream === name && node.role === "standby")
        .map((node) => node.name);
      const attached =
        followers.length === 0 ? `Nothing follows ${name}.` : `${followers.join(", ")} would follow ${name}.`;
      return `  ${name} may hold writes that ${primary ?? "no other node"} does not. ${attached}`;
    });
}

function nextLines(next: readonly NextStep[], verbs: ReadonlySet<string> | null, screen: Screen): string[] {
  const step = next.find((one) => one.verb === null || verbs === null || verbs.has(one.verb));
  if (step === undefined) return [];
  if (step.command === null) return wrap(`  Next: ${step.why}`, screen.columns, "    ");
  // On one line, however long, so that it can be copied.
  const line = `  Next: ${screen.style.bold(step.command)}`;
  const remark = remarkOf(step);
  if (remark === "") return [line];
  const whole = `${line}          (${remark})`;
  if (widthOf(whole) <= screen.columns) return [whole];
  return [line, ...wrap(`        (${remark})`, screen.columns, "        ")];
}
