/** `add-standby`: one more node, in the file and in the cluster. */
import { formatDuration } from "../../config/duration.ts";
import { type NewNode, addNode } from "../../config/edit-cluster-file.ts";
import { type ClusterFile, parseClusterFile } from "../../config/read-cluster-file.ts";
import { type NodeName, type NodeSpec, nodeSpec } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { asTyped, duration, given, positiveNumber } from "../option-values.ts";
import { EXIT, say } from "../terminal.ts";

export interface AddStandbyOptions {
  readonly upstream?: string;
  readonly priority?: string;
  readonly delay?: string;
  readonly dryRun?: boolean;
}

export async function addStandby(
  node: string,
  options: AddStandbyOptions,
  globals: GlobalOptions,
): Promise<number> {
  const { file, folder } = await findMade(globals);
  const wanted = wantedNode(node, options);
  const known = nodeSpec(file.spec, node);
  if (known !== null) refuseOtherWish(wanted, known);
  const change: Change = {
    verb: "add-standby",
    arguments: [node, ...given({ ...options })],
    file,
    folder,
    edit: (before) => (known === null ? withNode(before, wanted, options) : before),
    intent: () => ({ kind: "up", allowBlocking: false, remove: [], concerning: [node] }),
    settled: (cluster) => {
      const upstream = nodeSpec(cluster.spec, node)?.upstream;
      say(`${node} is in the file and streams from ${upstream ?? "the primary"}. Look: pgrep-kit status`);
      return EXIT.done;
    },
  };
  return options.dryRun === true ? foreseeChange(change) : changeCluster(change);
}

function withNode(
  file: ClusterFile,
  wanted: NewNode,
  { upstream, priority }: AddStandbyOptions,
): ClusterFile {
  const index = file.spec.nodes.length;
  const origin = (key: string, option: string, value: string) => ({
    at: ["nodes", index, key],
    typed: asTyped(option, value),
  });
  return parseClusterFile(file.path, addNode(file.text, wanted), [
    ...(upstream === undefined ? [] : [origin("upstream", "--upstream", upstream)]),
    ...(priority === undefined ? [] : [origin("priority", "--priority", priority)]),
    { at: ["nodes", index], typed: asTyped("add-standby", wanted.name) },
  ]);
}

function wantedNode(name: NodeName, { upstream, priority, delay }: AddStandbyOptions): NewNode {
  return {
    name,
    upstream,
    priority: priority === undefined ? undefined : positiveNumber(priority, "--priority"),
    delayMs: delay === undefined ? undefined : duration(delay, "--delay"),
  };
}

/** The same wish again goes on where it was interrupted; another one must not pretend to have been granted. */
function refuseOtherWish(wanted: NewNode, known: NodeSpec): void {
  const differs = (["upstream", "priority", "delayMs"] as const).some(
    (key) => wanted[key] !== undefined && wanted[key] !== known[key],
  );
  if (!differs) return;
  const { name, upstream, priority, delayMs } = known;
  const has = [
    upstream === null ? "no upstream" : `upstream ${upstream}`,
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(delayMs === 0 ? [] : [`delay ${formatDuration(delayMs)}`]),
  ];
  throw new PgrepKitError("cluster-file-exists", {
    message: `${name} is in the file already, with ${has.join(", ")}`,
    hint: "Edit the file and run pgrep-kit up, or choose another name.",
  });
}
