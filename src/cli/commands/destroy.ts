/**
 * `destroy`: every node with its data, what the cluster shared, and the state. The file stays. It needs nothing of the
 * state but the cluster's identity, so that one whose passwords or record are damaged can be removed, too.
 */
import { join } from "node:path";
import type { ClusterFile } from "../../config/read-cluster-file.ts";
import {
  STATE_FOLDER,
  type StateFolder,
  checkState,
  openState,
  readState,
  removeState,
} from "../../control/state-folder.ts";
import type { NodeName } from "../../core/spec.ts";
import type { NodeHost } from "../../runtime/node-host.ts";
import { type ErrorCode, PgrepKitError } from "../../support/errors.ts";
import { giveUp, lockCluster } from "../change-cluster.ts";
import { confirm } from "../confirm.ts";
import { type GlobalOptions, findFile } from "../find-cluster.ts";
import { listenForInterruption, orInterrupted } from "../interruption.ts";
import { NOBODY, folderOf } from "../open-cluster.ts";
import { openHost } from "../open-host.ts";
import { EXIT, print, say } from "../terminal.ts";

export interface DestroyOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export async function destroy(options: DestroyOptions, globals: GlobalOptions): Promise<number> {
  const file = await findFile(globals);
  const folder = await openState(folderOf(file));
  if (folder === null) {
    await refuseLost(file);
    return nothingThere(file);
  }
  if (options.dryRun === true) {
    const names = await withNodes(file, folder, async (_, all) => all.join(", "));
    print(
      `Would remove, data included: ${names}; and ${STATE_FOLDER}/ with its passwords.\nNothing was changed.`,
    );
    return EXIT.done;
  }
  await confirm(
    `Every node of ${file.spec.name} and all its data are removed and cannot be brought back.`,
    options.yes === true,
  );
  using interruption = listenForInterruption();
  await using lock = await lockCluster(folder, "destroy", interruption.signal);
  if ((await openState(folderOf(file))) === null) {
    // Another destroy has ended while this one waited; the folder is there for the lock alone.
    await removeState(folder);
    return nothingThere(file);
  }
  await orInterrupted(remove(file, folder, interruption.signal), interruption.signal, giveUp(lock));
  return EXIT.done;
}

/** Nodes of a cluster of this name whose state folder is gone are not "nothing": nobody may think them removed. */
async function refuseLost(file: ClusterFile): Promise<void> {
  const host = await openHost(file.spec, NOBODY, join(folderOf(file), STATE_FOLDER));
  try {
    await host.check();
  } catch (error) {
    // Without an engine, or without PostgreSQL, there is nothing to be seen.
    if (error instanceof PgrepKitError && LOST.has(error.code)) throw error;
  } finally {
    await host.close();
  }
}

const LOST: ReadonlySet<ErrorCode> = new Set(["volume-foreign", "state-mismatch"]);

function nothingThere({ spec }: ClusterFile): number {
  say(`Nothing to remove: the cluster ${spec.name} was never made here.`);
  return EXIT.done;
}

/** The state last: whatever stops this earlier, the same command goes on from there. */
async function remove(file: ClusterFile, folder: StateFolder, signal: AbortSignal): Promise<void> {
  await withNodes(file, folder, async (host, names) => {
    signal.throwIfAborted();
    await Promise.all(names.map((name) => host.remove(name)));
    signal.throwIfAborted();
    await host.tearDown();
    await removeState(folder);
    say(
      `Removed ${file.spec.name}: ${names.join(", ")}, all data, and ${STATE_FOLDER}/. ${file.path} stays.`,
    );
  });
}

/** Those of the file, those that the state remembers, and whatever else the host has of this cluster. */
async function withNodes<T>(
  { spec }: ClusterFile,
  folder: StateFolder,
  work: (host: NodeHost, names: NodeName[]) => Promise<T>,
): Promise<T> {
  const state = await readState(folder);
  checkState(state, spec);
  const host = await openHost(spec, state.id, folder.path);
  try {
    const known = [...spec.nodes.map((node) => node.name), ...Object.keys(state.ports)];
    return await work(host, [...new Set([...known, ...(await host.list()).keys()])]);
  } finally {
    await host.close();
  }
}
