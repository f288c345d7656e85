/**
 * What `up` leaves as it is, because it would interrupt those who write, or remove data: told, so that "as the file says"
 * surprises nobody in the next `status`.
 */
import type { Authority } from "../../core/authority.ts";
import { diagnose } from "../../core/diagnose.ts";
import type { Observation } from "../../core/observation.ts";
import type { ClusterSpec } from "../../core/spec.ts";

export function leftOver(spec: ClusterSpec, authority: Authority | null, observation: Observation): string[] {
  return diagnose(spec, authority, observation).findings.flatMap(({ code, node, message }) => {
    if (code === "restart-pending") return [`Left for you: ${message} (pgrep-kit restart).`];
    if (code === "not-in-file") return [`Left for you: ${message} (pgrep-kit remove-standby ${node}).`];
    return [];
  });
}
