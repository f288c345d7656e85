/** The standbys of the file that must be left alone, each with its reason; the others may be worked on. */
import type { Refusal } from "../refusals.ts";
import type { NodeName } from "../spec.ts";
import { type Draft, standbysOf } from "./draft.ts";
import { standbyRefusal } from "./safety.ts";

export function blockedStandbys(draft: Draft): Map<NodeName, Refusal> {
  const { spec, authority, observation } = draft;
  const blocked = new Map<NodeName, Refusal>();
  for (const name of standbysOf(draft)) {
    const refusal = standbyRefusal(name, spec, authority, observation);
    if (refusal !== null) blocked.set(name, refusal);
  }
  return blocked;
}
