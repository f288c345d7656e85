/** `status`: one screen that says how the cluster is, and what a failover would lose now. */
import { diagnose } from "../../core/diagnose.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import { renderStatus } from "../render/status.ts";
import { screenOf } from "../render/style.ts";
import { EXIT, print } from "../terminal.ts";

export async function status(_options: unknown, globals: GlobalOptions): Promise<number> {
  await using cluster = await findCluster(globals);
  const [observation, authority] = await Promise.all([cluster.runtime.observe(cluster.nodes), cluster.authority.read()]);
  const diagnosis = diagnose(cluster.spec, authority, observation);
  print(renderStatus({ spec: cluster.spec, authority, observation, diagnosis, verbs: null }, screenOf(process.stdout, process.env)).join("\n"));
  return diagnosis.verdict === "healthy" ? EXIT.done : EXIT.badVerdict;
}
