/** Settings that are not as they should be on running servers, and the steps that mend them. */
import { isRunning } from "../observation.ts";
import type { Step } from "../plan.ts";
import type { Refusal } from "../refusals.ts";
import type { NodeName } from "../spec.ts";
import { type Draft, configurationOf, stage, standbysOf } from "./draft.ts";
import { type Drift, driftOf } from "./drift.ts";

const WHY_CONFIGURE: Readonly<Record<Exclude<Drift, "none">, string>> = {
  "not-written": "because the file, or the record, asks for other settings",
  "not-loaded": "because the settings are written, but not loaded",
  "changed-by-hand": "because its settings were changed by other hands",
  overridden: "because ALTER SYSTEM overrides settings that pgrep-kit answers for",
};

/** Brings running servers to the settings that they should have. */
export function planDrift(draft: Draft, blocked: ReadonlyMap<NodeName, Refusal>): void {
  const steps = [draft.authority.primary, ...standbysOf(draft)].flatMap((name): Step[] => {
    const node = draft.observation.nodes[name];
    if (!isRunning(node) || blocked.has(name)) return [];
    const configuration = configurationOf(draft, name);
    const drift = driftOf(node.configuration, configuration);
    return drift === "none"
      ? []
      : [{ kind: "configure", node: name, configuration, because: WHY_CONFIGURE[drift] }];
  });
  stage(draft, steps);
}
