/** Whether a cluster could be made at all: asked before the first trace of a new one is written. */
import { join } from "node:path";
import type { ClusterFile } from "../config/read-cluster-file.ts";
import { STATE_FOLDER, openState } from "../control/state-folder.ts";
import { NOBODY, folderOf } from "./open-cluster.ts";
import { openHost } from "./open-host.ts";

/** Throws what is missing on this machine: engine, binaries, user. A cluster that is there already is not looked at. */
export async function preflight(file: ClusterFile): Promise<void> {
  const folder = folderOf(file);
  if ((await openState(folder)) !== null) return;
  const host = await openHost(file.spec, NOBODY, join(folder, STATE_FOLDER));
  try {
    await host.check();
  } catch (error) {
    // Another command may have made the cluster meanwhile: then it is that cluster's own check that counts.
    if ((await openState(folder)) === null) throw error;
  } finally {
    await host.close();
  }
}
