/** What a person should know before the data of a node is deleted: that it went a way of its own. */
import { diagnose } from "../core/diagnose.ts";
import { ONCE_NOBODY_NEEDS_IT } from "../core/diagnose/next-steps.ts";
import type { NodeName } from "../core/spec.ts";
import type { GlobalOptions } from "./find-cluster.ts";
import { findCluster } from "./find-cluster.ts";

/** A whole sentence; empty: nothing is known that only this node holds. */
export async function onlyItHolds(node: NodeName, globals: GlobalOptions): Promise<string> {
  await using cluster = await findCluster(globals);
  const [observation, authority] = await Promise.all([
    cluster.runtime.observe(cluster.nodes),
    cluster.authority.read(),
  ]);
  const { findings } = diagnose(cluster.spec, authority, observation);
  const apart = findings.find(
    (one) =>
      one.node === node &&
      (one.code === "diverged" ||
        one.code === "split-brain" ||
        (one.code === "standby-stopped" && one.facts["standby"] === false)),
  );
  return apart === undefined ? "" : `${apart.message}. Go on only ${ONCE_NOBODY_NEEDS_IT}.`;
}
