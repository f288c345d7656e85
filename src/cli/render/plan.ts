/**
 * `--dry-run`: every step of a plan with what exactly it does and why. A plan shown is not a plan begun:
 * the last line says that nothing was changed.
 */
import type { Decision } from "../../core/decision.ts";
import type { Observation } from "../../core/observation.ts";
import { type Plan, type Stage, type Step, stepNode } from "../../core/plan.ts";
import type { NodeName } from "../../core/spec.ts";
import { padEnd, padStart, type Screen, screenOf, widthOf, wrap } from "./style.ts";
import { stepCommands } from "./step-commands.ts";

/** The exact SQL and commands of a step, a line each. */
export type StepTexts = (step: Step) => readonly string[];

export interface PlannedCluster {
  readonly host: { readonly paths: (node: NodeName) => { readonly data: string; readonly conf: string } };
  /** With it only the settings that change are shown. */
  readonly observation?: Observation;
}

export function renderDecision(
  decision: Exclude<Decision, { readonly kind: "refuse" }>,
  cluster: PlannedCluster,
  screen: Screen = screenOf(process.stdout, process.env),
): string {
  if (decision.kind === "settled") return "Nothing to do: the cluster is what its file says.";
  const around = { paths: cluster.host.paths, observation: cluster.observation ?? null };
  return renderPlan(decision.plan, (step) => stepCommands(step, around), screen).join("\n");
}

/** One number for each stage: what stands under one number runs side by side. */
export function renderPlan(plan: Plan, texts: StepTexts, screen: Screen): string[] {
  const stages = plan.map((stage) => rowsOf(stage, texts));
  const rows = stages.flat();
  const layout = {
    number: String(plan.length).length,
    title: Math.max(0, ...rows.map((row) => widthOf(row.title))),
    text: Math.max(0, ...rows.flatMap((row) => row.texts.map(widthOf))),
  };
  const lines = stages.flatMap((stage, index) =>
    stage.flatMap((row, place) => rowLines(place === 0 ? String(index + 1) : "", row, layout, screen)),
  );
  const together = plan.some((stage) => stage.length > 1) ? ["Steps under one number run side by side."] : [];
  return [...lines, ...together, "Nothing was changed."];
}

interface Row {
  /** `configure pg1, pg2`, `record authority`. */
  readonly title: string;
  readonly texts: readonly string[];
  readonly because: string;
}

/** Steps that do the same for the same reason share a row. */
function rowsOf(stage: Stage, texts: StepTexts): Row[] {
  const groups = new Map<string, [Step, ...Step[]]>();
  for (const step of stage) {
    const key = [step.kind, ...texts(step), step.because].join("\n");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [step]);
    else group.push(step);
  }
  return [...groups.values()].map((steps) => {
    const names = steps.map((step) => stepNode(step) ?? "").join(", ");
    const [step] = steps;
    return {
      title: `${step.kind.replaceAll("-", " ")} ${names}`.trim(),
      texts: texts(step),
      because: step.because,
    };
  });
}

interface Layout {
  readonly number: number;
  readonly title: number;
  readonly text: number;
}

/** In columns where they fit; else the reason goes below, never cut. */
function rowLines(number: string, row: Row, layout: Layout, screen: Screen): string[] {
  const { style, columns } = screen;
  const head = `  ${padStart(number, layout.number)}  ${padEnd(row.title, layout.title)}  `;
  const below = " ".repeat(widthOf(head));
  const [first = "", ...others] = row.texts;
  const inOneLine = `${head}${padEnd(first, layout.text)}  ${style.dim(row.because)}`;
  if (widthOf(inOneLine) <= columns) return [inOneLine.trimEnd(), ...others.map((text) => below + text)];
  const room = Math.max(30, columns - widthOf(head));
  const lines = [...row.texts.flatMap((text) => wrap(text, room)), ...wrap(row.because, room).map(style.dim)];
  return lines.map((line, index) => (index === 0 ? head : below) + line);
}
