/** `restart`: every server, or one, stopped and started again; the primary last. */
import { isRunning } from "../../core/observation.ts";
import type { NodeName } from "../../core/spec.ts";
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { confirm } from "../confirm.ts";
import { type GlobalOptions, findCluster, findMade } from "../find-cluster.ts";
import { type OpenCluster, knownNode } from "../open-cluster.ts";
import { EXIT, say } from "../terminal.ts";

export interface RestartOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export async function restart(
  node: string | undefined,
  options: RestartOptions,
  globals: GlobalOptions,
): Promise<number> {
  const { file, folder } = await findMade(globals);
  const named = (cluster: OpenCluster): string[] =>
    node === undefined ? cluster.spec.nodes.map((each) => each.name) : [knownNode(cluster, node)];
  const change: Change = {
    verb: "restart",
    arguments: node === undefined ? [] : [node],
    file,
    folder,
    intent: async (cluster) => ({
      kind: "restart",
      nodes: named(cluster),
      before: await startTimes(cluster),
    }),
    settled: (cluster) => {
      say(`Restarted: ${named(cluster).join(", ")}.`);
      return EXIT.done;
    },
  };
  if (options.dryRun === true) return foreseeChange(change);
  await confirmForPrimary(named, options.yes === true, globals);
  return changeCluster(change);
}

async function confirmForPrimary(
  named: (cluster: OpenCluster) => string[],
  yes: boolean,
  globals: GlobalOptions,
): Promise<void> {
  await using cluster = await findCluster(globals);
  const primary = (await cluster.authority.read())?.primary;
  if (primary === undefined || !named(cluster).includes(primary)) return;
  await confirm(
    `${primary} is the primary: its connections are closed, and for a moment nobody can write. Commits that wait for a standby just then end with a warning.`,
    yes,
  );
}

/** When the servers that run now were started, by their own clocks. */
async function startTimes(cluster: OpenCluster): Promise<Record<NodeName, number | null>> {
  const { nodes } = await cluster.runtime.observe(cluster.nodes);
  return Object.fromEntries(
    Object.entries(nodes).map(([name, seen]) => [name, isRunning(seen) ? seen.startedAtMs : null]),
  );
}
