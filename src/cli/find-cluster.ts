/** From the command line to the cluster's file and state: the beginning of nearly every command. */
import { findClusterFile } from "../config/find-cluster-file.ts";
import { type ClusterFile, readClusterFile } from "../config/read-cluster-file.ts";
import { type StateFolder, openState } from "../control/state-folder.ts";
import { PgrepKitError } from "../support/errors.ts";
import { type OpenCluster, folderOf, openCluster } from "./open-cluster.ts";

export interface GlobalOptions {
  readonly cluster?: string;
}

export async function findFile(options: GlobalOptions): Promise<ClusterFile> {
  return readClusterFile(
    await findClusterFile({ cwd: process.cwd(), cluster: options.cluster, env: process.env }),
  );
}

/** The file and the state of a cluster that was made. */
export async function findMade(
  options: GlobalOptions,
): Promise<{ readonly file: ClusterFile; readonly folder: StateFolder }> {
  const file = await findFile(options);
  const folder = await openState(folderOf(file));
  if (folder !== null) return { file, folder };
  throw neverMade(file);
}

export function neverMade({ spec }: ClusterFile): PgrepKitError {
  return new PgrepKitError("state-missing", {
    message: `the cluster ${spec.name} was never made here`,
    detail: "There is a cluster file, but no state folder (.pgrep-kit) beside it.",
    hint: "Make it: pgrep-kit up. If it was made before, bring its state folder back first.",
  });
}

/** An open cluster for a reader. */
export async function findCluster(options: GlobalOptions): Promise<OpenCluster> {
  const { file, folder } = await findMade(options);
  return openCluster(file, folder);
}
