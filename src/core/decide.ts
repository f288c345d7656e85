/**
 * The one place where the product decides: pure and synchronous, without clock, I/O, randomness or logging.
 * What it was asked, what the user wrote, what the record allows and what was seen go in; a decision comes out.
 */
import { unreachable } from "../support/assert.ts";
import type { Authority } from "./authority.ts";
import { decideDown } from "./decide/down.ts";
import { decideMode } from "./decide/mode.ts";
import { decideRestart } from "./decide/restart.ts";
import { decideUp } from "./decide/up.ts";
import type { Decision, Intent } from "./decision.ts";
import type { Observation } from "./observation.ts";
import type { ClusterSpec } from "./spec.ts";

export function decide(
  intent: Intent,
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): Decision {
  switch (intent.kind) {
    case "up":
      return decideUp(intent, spec, authority, observation);
    case "mode":
      return decideMode(intent, spec, authority, observation);
    case "down":
      return decideDown(authority, observation);
    case "restart":
      return decideRestart(intent, spec, authority, observation);
    default:
      return unreachable(intent);
  }
}
