/**
 * The loop: observe, decide, apply the first stage of the plan, go round again, until there is nothing left to do.
 * Stopping anywhere and starting again converges: a round knows what is durable and what is seen, not what was done.
 */
import type { Authority } from "../core/authority.ts";
import { decide } from "../core/decide.ts";
import type { Decision, Intent } from "../core/decision.ts";
import type { Observation } from "../core/observation.ts";
import { type Stage, type Step, stepNode } from "../core/plan.ts";
import type { Refusal } from "../core/refusals.ts";
import type { ClusterSpec, NodeName } from "../core/spec.ts";
import type { NodeRuntime, StepOutcome } from "../runtime/node-runtime.ts";
import { unreachable } from "../support/assert.ts";
import { PgrepKitError, messageOf } from "../support/errors.ts";
import type { AuthorityStore } from "./authority-store.ts";
import type { Journal } from "./journal.ts";
import { summarise } from "./summarise.ts";

export interface DriveListener {
  stageBegins?(stage: Stage): void;
  stepEnded?(step: Step, outcome: StepOutcome, durationMs: number): void;
  stageEnded?(stage: Stage, durationMs: number): void;
}

export interface DriveInput {
  readonly intent: Intent;
  readonly spec: ClusterSpec;
  /** Every node to look at: those of the file, and those that the state remembers. */
  readonly nodes: readonly NodeName[];
  /** Taken while the command was prepared; one that has grown old meanwhile is not believed. */
  readonly look?: Observation;
  readonly runtime: NodeRuntime;
  readonly authority: AuthorityStore;
  readonly journal: Journal;
  readonly listener: DriveListener;
  /** Called once, when the first decision is not a refusal and nothing was done yet: to make the wish itself durable. */
  readonly accepted?: () => Promise<void>;
  readonly signal: AbortSignal;
}

export type DriveResult =
  | {
      readonly kind: "settled";
      readonly authority: Authority | null;
      readonly observation: Observation;
      readonly steps: number;
    }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[]; readonly steps: number }
  /** A deadline passed: nothing is broken, nothing is finished; the same command goes on from here. */
  | { readonly kind: "unfinished"; readonly waitedFor: readonly string[]; readonly steps: number };

/** A stage per round: more than a plan for sixteen nodes, restarted one by one, can ever have. */
const MAX_ROUNDS = 120;

const LOOK_KEEPS_MS = 1_000;

export async function drive(input: DriveInput): Promise<DriveResult> {
  let steps = 0;
  let seen = input.look !== undefined && isFresh(input.look) ? input.look : null;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    input.signal.throwIfAborted();
    const observation: Observation = seen ?? (await input.runtime.observe(input.nodes, input.signal));
    const authority = await input.authority.read();
    const decision = decide(input.intent, input.spec, authority, observation);
    const news = round === 0 || seen === null ? summarise(authority, observation) : null;
    const journaled = journalDecision(input.journal, news, decision);
    if (decision.kind !== "act") await journaled;
    if (round === 0 && decision.kind !== "refuse") await Promise.all([journaled, input.accepted?.()]);
    switch (decision.kind) {
      case "settled":
        return { kind: "settled", authority, observation, steps };
      case "refuse":
        return { kind: "refused", refusals: decision.refusals, steps };
      case "act": {
        const stage = decision.plan[0] ?? [];
        const outcomes = await applyStage(input, stage, journaled);
        steps += stage.length;
        const waitedFor = outcomes.flatMap((outcome) =>
          outcome.kind === "unknown" ? [outcome.waitedFor] : [],
        );
        if (waitedFor.length > 0) return { kind: "unfinished", waitedFor, steps };
        // The record is no node's affair: what was seen a moment ago is what there is.
        seen = stage.every((step) => step.kind === "record-authority") ? observation : null;
        break;
      }
      default:
        return unreachable(decision);
    }
  }
  throw new PgrepKitError("not-converging", {
    message: `the cluster did not settle within ${MAX_ROUNDS} rounds`,
    detail: "Each round found something else to do: somebody else may be changing the cluster.",
    hint: "pgrep-kit history shows what was done; pgrep-kit status what is there now.",
  });
}

function isFresh({ atMs }: Observation): boolean {
  return Math.abs(Date.now() - atMs) < LOOK_KEEPS_MS;
}

/** The whole plan, as it looks now; nothing is changed. */
export async function foresee(
  input: Omit<DriveInput, "journal" | "listener" | "accepted" | "look">,
): Promise<{ readonly decision: Decision; readonly observation: Observation }> {
  const observation = await input.runtime.observe(input.nodes, input.signal);
  return {
    observation,
    decision: decide(input.intent, input.spec, await input.authority.read(), observation),
  };
}

/** `news`: what was seen since the last decision. */
async function journalDecision(journal: Journal, news: string | null, decision: Decision): Promise<void> {
  const summary = decision.kind === "act" ? describeStage(decision.plan[0] ?? []) : decision.kind;
  const lines =
    decision.kind === "refuse"
      ? decision.refusals.map((refusal) => `[${refusal.code}] ${refusal.message}`)
      : [];
  await Promise.all([
    ...(news === null ? [] : [journal.append({ kind: "observed", summary: news })]),
    journal.append({ kind: "decided", decision: decision.kind, summary, lines }),
  ]);
}

function describeStage(stage: Stage): string {
  return stage.map((step) => `${step.kind} ${stepNode(step) ?? ""}`.trim()).join(", ");
}

/** All steps of a stage side by side; each is journaled before and after. The first failure is thrown once all have ended. */
async function applyStage(
  input: DriveInput,
  stage: Stage,
  journaled: Promise<unknown>,
): Promise<StepOutcome[]> {
  const begun = performance.now();
  input.listener.stageBegins?.(stage);
  const settled = await Promise.allSettled(stage.map((step) => applyStep(input, step, journaled)));
  const failures = settled.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) throw failures.find((failure) => failure instanceof PgrepKitError) ?? failures[0];
  input.listener.stageEnded?.(stage, performance.now() - begun);
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** `journaled`: the decision that it rests on; on the way to the disk together with the step's beginning. */
async function applyStep(input: DriveInput, step: Step, journaled: Promise<unknown>): Promise<StepOutcome> {
  const { journal } = input;
  const node = stepNode(step);
  await Promise.all([
    journaled,
    journal.append({ kind: "step-begin", step: step.kind, node, because: step.because }),
  ]);
  const begun = performance.now();
  const end = (outcome: "done" | "unknown" | "failed", detail: string | null) =>
    journal.append({
      kind: "step-end",
      step: step.kind,
      node,
      outcome,
      durationMs: Math.round(performance.now() - begun),
      detail,
    });
  try {
    const outcome = await perform(input, step);
    await end(
      outcome.kind === "unknown" ? "unknown" : "done",
      outcome.kind === "unknown" ? outcome.waitedFor : null,
    );
    input.listener.stepEnded?.(step, outcome, performance.now() - begun);
    return outcome;
  } catch (error) {
    await end("failed", messageOf(error));
    throw error;
  }
}

async function perform(input: DriveInput, step: Step): Promise<StepOutcome> {
  if (step.kind === "record-authority") {
    await input.authority.change(step.change);
    return { kind: "done" };
  }
  const outcome = await input.runtime.apply(step, input.signal);
  if (step.kind === "confirm-rule" && outcome.kind === "confirmed") {
    await input.authority.change({ kind: "prove", rule: step.rule, since: outcome.since });
  }
  return outcome;
}
