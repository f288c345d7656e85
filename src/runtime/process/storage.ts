/**
 * Where the nodes of one cluster live on this machine, and who owns them. The answer must never change during
 * a cluster's life: a cluster that is looked for in another place looks absent, and would be made anew.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { NodeName } from "../../core/spec.ts";
import { assert } from "../../support/assert.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { findServerUser, runsAsRoot, userOfId, type ServerUser } from "./server-user.ts";

/** Root's clusters: the server's user must be able to reach them, which it cannot below /root. */
export const ROOT_STORAGE = "/var/lib/pgrep-kit";

export interface Storage {
  /** Holds one folder per node. */
  readonly base: string;
  /** Null: the nodes are our own user's. Otherwise we are root, and this is the user to act as. */
  user(): Promise<ServerUser | null>;
}

export interface NodePlace {
  readonly node: NodeName;
  readonly root: string;
  readonly data: string;
  readonly conf: string;
  readonly log: string;
  /** One small file for each tool that runs. */
  readonly tools: string;
}

export interface StorageOptions {
  readonly cluster: string;
  readonly clusterId: string;
  readonly stateFolder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Decides once, from what is there: nodes that exist stay where they are, and stay their owner's. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { cluster, clusterId, stateFolder, env } = options;
  assert(isSafeName(cluster) && isSafeName(clusterId), "cluster name and id are single path segments");
  const own = join(stateFolder, "nodes");
  const shared = join(ROOT_STORAGE, `${cluster}-${clusterId.slice(0, 8)}`);
  const [ownOwner, sharedOwner] = await Promise.all([ownerOf(own), ownerOf(shared)]);
  if (!runsAsRoot()) {
    if (sharedOwner !== null && ownOwner === null) throw madeByRoot(shared);
    return { base: own, user: async () => null };
  }
  if (ownOwner !== null && ownOwner.uid !== 0) {
    // `sudo pgrep-kit …` on a user's cluster: act as that user, or its files would become root's.
    return { base: own, user: once(() => userOfId(ownOwner.uid, ownOwner.gid)) };
  }
  return { base: shared, user: once(async () => (await ownerOfNodes(shared)) ?? findServerUser(env)) };
}

/** All paths of a node. Nothing is looked at. */
export function nodePlace(storage: Storage, node: NodeName): NodePlace {
  assert(isNodeFolder(node), `"${node}" is no node name`);
  const root = join(storage.base, node);
  return {
    node,
    root,
    data: join(root, "data"),
    conf: join(root, "conf"),
    log: join(root, "server.log"),
    tools: join(root, "tools"),
  };
}

/** A name that `nodePlace` takes; other entries of the base folder are not ours to touch. */
export function isNodeFolder(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

/** The user that existing nodes belong to, whatever the environment says today. */
async function ownerOfNodes(base: string): Promise<ServerUser | null> {
  const names = (await readdir(base).catch(() => [])).filter(isNodeFolder);
  const owners = await Promise.all(names.map((name) => ownerOf(join(base, name))));
  const owner = owners.find((each) => each !== null && each.uid !== 0);
  return owner ? userOfId(owner.uid, owner.gid) : null;
}

function isSafeName(name: string): boolean {
  return name !== "" && !name.startsWith(".") && !/[/\0]/.test(name);
}

async function ownerOf(folder: string): Promise<{ readonly uid: number; readonly gid: number } | null> {
  try {
    const { uid, gid } = await stat(folder);
    return { uid, gid };
  } catch {
    return null;
  }
}

function madeByRoot(folder: string): PgrepKitError {
  return new PgrepKitError("state-mismatch", {
    message: "this cluster was made by root",
    detail: `Its nodes are in ${folder}.`,
    hint: "Run pgrep-kit as root for this cluster, or make another one in a folder of your own.",
  });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
