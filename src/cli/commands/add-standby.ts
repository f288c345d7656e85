/** `add-standby`: one more node, in the file and in the cluster. */
import { addNode } from "../../config/edit-cluster-file.ts";
import { nodeSpec } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { positiveNumber } from "../option-values.ts";
import { EXIT, say } from "../terminal.ts";

export interface AddStandbyOptions {
  readonly upstream?: string;
  readonly priority?: string;
  readonly dryRun?: boolean;
}

export async function addStandby(
  node: string,
  options: AddStandbyOptions,
  globals: GlobalOptions,
): Promise<number> {
  const { file, folder } = await findMade(globals);
  const known = nodeSpec(file.spec, node);
  // The same wish again goes on where it was interrupted; another one must not pretend to have been granted.
  if (known !== null && options.upstream !== undefined && options.upstream !== known.upstream) {
    throw new PgrepKitError("cluster-file-exists", {
      message: `${node} is in the file already, with ${known.upstream === null ? "no upstream" : `upstream ${known.upstream}`}`,
      hint: "Edit the file and run pgrep-kit up, or choose another name.",
    });
  }
  const priority =
    options.priority === undefined ? undefined : positiveNumber(options.priority, "--priority");
  const change: Change = {
    verb: "add-standby",
    arguments: [node],
    file,
    folder,
    edit: (text) =>
      known === null ? addNode(text, { name: node, upstream: options.upstream, priority }) : text,
    intent: () => ({ kind: "up", allowBlocking: false, remove: [], concerning: [node] }),
    settled: (cluster) => {
      const upstream = nodeSpec(cluster.spec, node)?.upstream;
      say(`${node} is in the file and streams from ${upstream ?? "the primary"}. Look: pgrep-kit status`);
      return EXIT.done;
    },
  };
  return options.dryRun === true ? foreseeChange(change) : changeCluster(change);
}
