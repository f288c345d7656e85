/** `remove-standby`: out of the file, the commit rule, the cluster; with its data and with the slot that kept WAL for it. */
import { removeNode } from "../../config/edit-cluster-file.ts";
import { forgetNode, readState } from "../../control/state-folder.ts";
import { nodeSpec } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { confirm } from "../confirm.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { onlyItHolds } from "../only-it-holds.ts";
import { EXIT, say } from "../terminal.ts";

export interface RemoveStandbyOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export async function removeStandby(
  node: string,
  options: RemoveStandbyOptions,
  globals: GlobalOptions,
): Promise<number> {
  const { file, folder } = await findMade(globals);
  const inFile = nodeSpec(file.spec, node) !== null;
  // A node that was struck out of the file by hand, or whose removal was interrupted, is still in the state.
  if (!inFile && (await readState(folder)).ports[node] === undefined) {
    throw new PgrepKitError("unknown-node", {
      message: `there is no node ${JSON.stringify(node)}`,
      detail: `The nodes are ${file.spec.nodes.map((each) => each.name).join(", ")}.`,
    });
  }
  const change: Change = {
    verb: "remove-standby",
    arguments: [node],
    file,
    folder,
    edit: (text) => removeNode(text, node),
    intent: () => ({ kind: "up", allowBlocking: false, remove: [node], concerning: [] }),
    settled: async (cluster) => {
      await forgetNode(cluster.folder, node);
      say(`${node} is removed: its data, its slot and its place in the file.`);
      return EXIT.done;
    },
  };
  const apart = options.yes === true && options.dryRun !== true ? "" : await onlyItHolds(node, globals);
  if (options.dryRun === true) {
    if (apart !== "") say(apart);
    return foreseeChange(change);
  }
  const loss = `The data of ${node} is removed and cannot be brought back.`;
  await confirm(apart === "" ? loss : `${loss} ${apart}`, options.yes === true);
  return changeCluster(change);
}
