/** `uri`: a complete connection URI on stdout, password included: that is what it is for. */
import { SUPERUSER } from "../../core/node-configuration.ts";
import { APPLICATION_ROLE } from "../../runtime/steps/prepare.ts";
import { type NodeChoice, chooseNode } from "../choose-node.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import { EXIT, print } from "../terminal.ts";

export async function uri(
  options: NodeChoice & { readonly admin?: boolean },
  globals: GlobalOptions,
): Promise<number> {
  await using cluster = await findCluster(globals);
  const node = await chooseNode(cluster, options);
  const { host, port } = cluster.host.wiring(node, cluster.state.ports[node] ?? 0).endpoint;
  const [user, password] =
    options.admin === true
      ? [SUPERUSER, cluster.credentials.superuser]
      : [APPLICATION_ROLE, cluster.credentials.app];
  print(`postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${cluster.state.database}`);
  return EXIT.done;
}
