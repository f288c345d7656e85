/**
 * Makes, lists and removes the folders of a cluster's nodes. What is removed is first renamed, so that a half-removed
 * node never looks like one; nothing outside of this cluster's base folder is ever touched.
 */
import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, rename, rm, rmdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { NodeName } from "../../core/spec.ts";
import { messageOf, PgrepKitError } from "../../support/errors.ts";
import { systemCode, writeError } from "../../support/files.ts";
import type { HostNode } from "../node-host.ts";
import { makePrivateFolder } from "./node-files.ts";
import { nodeState } from "./postmaster.ts";
import type { ServerUser } from "./server-user.ts";
import { removeNote } from "./state-note.ts";
import { isNodeFolder, nodePlace, ROOT_STORAGE, type NodePlace, type Storage } from "./storage.ts";

const REMOVED = ".removed-";

/** Makes the folder that holds the nodes. The server's user must be able to pass through it, not to change it. */
export async function makeBase(storage: Storage): Promise<void> {
  try {
    await mkdir(storage.base, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw writeError(storage.base, error);
  }
}

/** The node's folders, private to the server's user. */
export async function makeNode(storage: Storage, place: NodePlace, user: ServerUser | null): Promise<void> {
  await makeBase(storage);
  await makePrivateFolder(place.root, user);
  await makePrivateFolder(place.conf, user);
  await makePrivateFolder(place.tools, user);
}

export async function listNodes(storage: Storage): Promise<ReadonlyMap<NodeName, HostNode>> {
  const names = (await entries(storage.base)).filter(isNodeFolder).toSorted();
  const states = await Promise.all(
    names.map(async (name) => {
      const place = nodePlace(storage, name);
      const root = await stat(place.root).catch(() => null);
      return root?.isDirectory() ? ([[name, await nodeState(place)]] as const) : [];
    }),
  );
  return new Map(states.flat());
}

/** Removes the folder of a node whose server has ended. */
export async function removeNode(storage: Storage, place: NodePlace): Promise<void> {
  const seen = await lstat(place.root).catch(() => null);
  if (seen?.isSymbolicLink()) {
    throw new PgrepKitError("remove-failed", {
      message: `${place.root} is a symbolic link, which pgrep-kit did not make`,
      hint: "Remove the folder that it points to and the link by hand, if you no longer need them.",
    });
  }
  try {
    if (seen)
      await rename(
        place.root,
        join(storage.base, `${REMOVED}${place.node}-${randomBytes(4).toString("hex")}`),
      );
    await sweep(storage);
  } catch (error) {
    throw removeFailed(place.root, error);
  }
}

/** Removes the base folder, unless nodes or anything that is not ours is left in it. */
export async function removeBase(storage: Storage): Promise<void> {
  try {
    await sweep(storage);
    await removeNote(storage.base);
    await removeIfEmpty(storage.base);
    if (dirname(storage.base) === ROOT_STORAGE) await removeIfEmpty(ROOT_STORAGE);
  } catch (error) {
    throw removeFailed(storage.base, error);
  }
}

/** Bytes that may still be written where the nodes are, or will be. */
export async function freeBytesAt(folder: string): Promise<number | null> {
  try {
    const seen = await statfs(folder);
    return seen.bavail * seen.bsize;
  } catch (error) {
    const parent = dirname(folder);
    return systemCode(error) === "ENOENT" && parent !== folder ? freeBytesAt(parent) : null;
  }
}

/** Finishes removals, those of interrupted runs among them. */
async function sweep(storage: Storage): Promise<void> {
  const left = (await entries(storage.base)).filter((name) => name.startsWith(REMOVED));
  await Promise.all(left.map((name) => rm(join(storage.base, name), { recursive: true, force: true })));
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) throw error;
  });
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new PgrepKitError("state-unwritable", {
      message: `cannot read ${folder}: ${messageOf(error)}`,
      hint: "Run the command as the user who made this cluster.",
      cause: error,
    });
  }
}

function removeFailed(path: string, cause: unknown): PgrepKitError {
  return new PgrepKitError("remove-failed", {
    message: `could not remove ${path} completely`,
    detail: messageOf(cause),
    hint: "Run the same command again.",
    cause,
  });
}
