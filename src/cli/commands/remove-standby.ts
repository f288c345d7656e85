/** `remove-standby`: out of the file, the commit rule, the cluster; with its data and with the slot that kept WAL for it. */
import { removeNode } from "../../config/edit-cluster-file.ts";
import { type ClusterFile, parseClusterFile } from "../../config/read-cluster-file.ts";
import { openAuthorityStore } from "../../control/authority-store.ts";
import { forgetNode, readState } from "../../control/state-folder.ts";
import { confirmers, ruleOf } from "../../core/commit-rule.ts";
import { type ClusterSpec, type NodeName, nodeSpec } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { confirm } from "../confirm.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { onlyItHolds } from "../only-it-holds.ts";
import { listed } from "../render/units.ts";
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
  const primary = (await openAuthorityStore(folder).read())?.primary ?? null;
  // Before anybody is asked to confirm it.
  refuseNeeded(file.spec, primary, node);
  const change: Change = {
    verb: "remove-standby",
    arguments: [node],
    file,
    folder,
    edit: (before) => withoutNode(before, primary, node),
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

function withoutNode(file: ClusterFile, primary: NodeName | null, node: NodeName): ClusterFile {
  refuseNeeded(file.spec, primary, node);
  return parseClusterFile(file.path, removeNode(file.text, node));
}

/** What the file would say without the node may make no sense; the node is the reason then, and not the file as it is. */
function refuseNeeded(spec: ClusterSpec, recorded: NodeName | null, node: NodeName): void {
  const primary = recorded ?? spec.nodes[0]?.name;
  if (node === primary) {
    throw new PgrepKitError("usage", {
      message: `${node} is the primary and cannot be removed`,
      hint: "The whole cluster is removed by: pgrep-kit destroy",
    });
  }
  const dependents = spec.nodes.filter(({ upstream }) => upstream === node).map(({ name }) => name);
  if (dependents.length > 0) {
    const [verb, them, upstream] =
      dependents.length === 1
        ? ["receives", "it", "another upstream"]
        : ["receive", "them", "other upstreams"];
    throw new PgrepKitError("usage", {
      message: `${listed(dependents)} ${verb} from ${node}`,
      hint: `Remove ${listed(dependents)} first, or give ${them} ${upstream} in the file and run pgrep-kit up.`,
    });
  }
  const { among } = spec.replication;
  if (among?.length === 1 && among[0] === node) {
    throw new PgrepKitError("usage", {
      message: `${node} is the only node that may confirm commits (replication.among)`,
      hint: "Let every standby confirm first: pgrep-kit mode --among all",
    });
  }
  refuseTooFew(spec, primary, node);
}

function refuseTooFew(spec: ClusterSpec, primary: NodeName | undefined, node: NodeName): void {
  const rule = ruleOf(spec);
  if (rule === null || primary === undefined || nodeSpec(spec, node) === null) return;
  const { acks } = rule;
  const left = confirmers(rule, primary).filter((name) => name !== node).length;
  if (left >= acks) return;
  const can = left === 0 ? "no standby" : `only ${left} ${left === 1 ? "standby" : "standbys"}`;
  throw new PgrepKitError("usage", {
    message: `without ${node} ${can} could confirm, and replication.acks is ${acks}`,
    hint: `Ask for fewer first: pgrep-kit mode ${left === 0 ? "async" : `--acks ${left}`}`,
  });
}
