/**
 * Words for the work of a stage, by kind of step: while it lasts, and once it is done. Steps of one kind that differ
 * in nothing but the node are told together: `pg2, pg3 copied from pg1`.
 */
import { confirmers, synchronousStandbyNames } from "../../core/commit-rule.ts";
import { formatLsn } from "../../core/lsn.ts";
import { type Stage, type Step, stepNode } from "../../core/plan.ts";
import type { StepOutcome } from "../../runtime/node-runtime.ts";

export interface StepGroup {
  readonly steps: readonly [Step, ...Step[]];
}

/** Steps told together, in the order of the stage. */
export function groupsOf(stage: Stage): StepGroup[] {
  const groups = new Map<string, [Step, ...Step[]]>();
  for (const step of stage) {
    const key = groupKey(step);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [step]);
    else group.push(step);
  }
  return [...groups.values()].map((steps) => ({ steps }));
}

function groupKey(step: Step): string {
  if (step.kind === "clone" || step.kind === "await-streaming") return `${step.kind} ${step.from}`;
  if (step.kind === "start") return `${step.kind} ${isPrimary(step)}`;
  // Each of these names things of its own.
  if (step.kind === "make-slots" || step.kind === "drop-slots") return `${step.kind} ${step.node}`;
  return step.kind;
}

/** Whether a start brings up the primary: it follows nobody. */
function isPrimary(step: Step & { readonly kind: "start" }): boolean {
  return (step.configuration.settings["primary_conninfo"] ?? "") === "";
}

/** Bookkeeping that is over in a moment and that nobody waits for. */
export function isQuiet(group: StepGroup): boolean {
  return group.steps[0].kind === "record-authority" || group.steps[0].kind === "make-slots";
}

/** `pg2, pg3 copied from pg1`. */
export function doneText({ steps }: StepGroup, outcome: StepOutcome): string {
  const [step] = steps;
  const names = namesOf(steps);
  const several = steps.length > 1;
  switch (step.kind) {
    case "record-authority":
      return "Authority recorded";
    case "initialise":
      return `${names} ${several ? "have" : "has"} an empty data directory`;
    case "clone":
      return `${names} copied from ${step.from}`;
    case "start":
      return `${isPrimary(step) ? "Primary " : ""}${names} ${several ? "accept" : "accepts"} connections`;
    case "configure":
      return `${names} ${several ? "have" : "has"} loaded ${several ? "their" : "its"} settings`;
    case "stop":
      return `${names} stopped`;
    case "prepare":
      return `Roles and database made on ${names}`;
    case "make-slots":
      return `${slots(step.slots)} made on ${step.node}`;
    case "drop-slots":
      return `${slots(step.slots)} dropped on ${step.node}`;
    case "await-streaming":
      return `${names} ${several ? "stream" : "streams"} from ${step.from}`;
    case "confirm-rule":
      return confirmedText(step, outcome);
    case "remove":
      return `${names} removed`;
  }
}

/** What is being waited for: `copying pg2, pg3 from pg1`. */
export function doingText({ steps }: StepGroup): string {
  const [step] = steps;
  const names = namesOf(steps);
  switch (step.kind) {
    case "record-authority":
      return "recording the authority";
    case "initialise":
      return `making the data directory of ${names}`;
    case "clone":
      return `copying ${names} from ${step.from}`;
    case "start":
      return `waiting for ${names} to accept connections`;
    case "configure":
      return `waiting for ${names} to load the settings`;
    case "stop":
      return `stopping ${names}`;
    case "prepare":
      return `making roles and database on ${names}`;
    case "make-slots":
      return `making ${slots(step.slots).toLowerCase()} on ${step.node}`;
    case "drop-slots":
      return `dropping ${slots(step.slots).toLowerCase()} on ${step.node}`;
    case "await-streaming":
      return `waiting for ${names} to stream from ${step.from}`;
    case "confirm-rule":
      return `waiting for ${confirmers(step.rule, step.node).join(", ")} to flush what ${step.node} has written`;
    case "remove":
      return `removing ${names}`;
  }
}

/** After a change of the commit rule its text says more than that settings were loaded. */
export function ruleText(rule: Parameters<typeof synchronousStandbyNames>[0], group: StepGroup): string {
  const names = synchronousStandbyNames(rule);
  return `synchronous_standby_names = ${names === "" ? "''" : names} on ${namesOf(group.steps)}`;
}

function confirmedText(step: Step & { readonly kind: "confirm-rule" }, outcome: StepOutcome): string {
  const listed = confirmers(step.rule, step.node);
  const subject = `${listed.join(", ")} ${listed.length === 1 ? "has" : "have"} flushed past`;
  return outcome.kind === "confirmed"
    ? `${subject} ${formatLsn(outcome.since.lsn)}, where it took effect`
    : `${subject} where it took effect`;
}

function slots(names: readonly string[]): string {
  return `${names.length === 1 ? "Slot" : "Slots"} ${names.join(", ")}`;
}

function namesOf(steps: readonly Step[]): string {
  return steps.map((step) => stepNode(step) ?? "").join(", ");
}
