/** Whether a cluster could be made at all: asked before the first trace of a new one is written. */
import { join } from "node:path";
import type { ClusterFile } from "../config/read-cluster-file.ts";
import { STATE_FOLDER, openState } from "../control/state-folder.ts";
import { listenForInterruption, orInterrupted } from "./interruption.ts";
import { NOBODY, folderOf } from "./open-cluster.ts";
import { openHost } from "./open-host.ts";
import { startProgress } from "./render/progress.ts";

/**
 * Throws what is missing on this machine: engine, image, binaries, user. An image is pulled here, so that where it cannot
 * be had the next `init` may name another one. A cluster that is there already is not looked at.
 */
export async function preflight(file: ClusterFile): Promise<void> {
  const folder = folderOf(file);
  if ((await openState(folder)) !== null) return;
  const host = await openHost(file.spec, NOBODY, join(folder, STATE_FOLDER));
  using interruption = listenForInterruption();
  using progress = startProgress();
  try {
    await host.check();
    await orInterrupted(host.fetch(progress.message), interruption.signal);
  } catch (error) {
    // Another command may have made the cluster meanwhile: then it is that cluster's own check that counts.
    if ((await openState(folder)) === null) throw error;
  } finally {
    await host.close();
  }
}
