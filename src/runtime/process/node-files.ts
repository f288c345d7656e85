/**
 * Makes, writes and reads a node's folders and files, as the server's user. A file is replaced whole or not at all,
 * and survives a power cut; it must never be written through a symbolic link, for root writes into folders of
 * another user here.
 */
import { chmod, chown, lstat, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assert } from "../../support/assert.ts";
import { messageOf, PgrepKitError } from "../../support/errors.ts";
import { isTemporary, systemCode, writeDurably, writeError } from "../../support/files.ts";
import type { NodeFile } from "../node-host.ts";
import type { ServerUser } from "./server-user.ts";
import type { NodePlace } from "./storage.ts";

/** Makes the folder where it is missing, and gives it to the server's user alone. */
export async function makePrivateFolder(folder: string, user: ServerUser | null): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (systemCode(error) !== "EEXIST") throw error;
    });
    const seen = await lstat(folder);
    if (!seen.isDirectory()) throw notAFolder(folder);
    if (user && seen.uid !== user.uid) await chown(folder, user.uid, user.gid);
    if ((seen.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
  } catch (error) {
    throw writeError(folder, error);
  }
}

/** Writes all files of one call side by side; those that a crash prevents are left as they were. */
export async function writeNodeFiles(
  place: NodePlace,
  files: readonly NodeFile[],
  user: ServerUser | null,
): Promise<void> {
  const folders = new Set(files.map((file) => dirname(nodeFilePath(place, file.path))));
  for (const folder of folders) {
    await makeParents(place, folder, user);
    await sweepTemporaries(folder);
  }
  const owner = user ? { owner: { uid: user.uid, gid: user.gid } } : {};
  await Promise.all(
    files.map((file) =>
      writeDurably(nodeFilePath(place, file.path), file.content, { mode: file.mode, ...owner }),
    ),
  );
}

/** What a command left that was killed while it wrote; it may hold a password. A node has one writer at a time. */
async function sweepTemporaries(folder: string): Promise<void> {
  const left = (await readdir(folder).catch(() => [])).filter(isTemporary);
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}

/** Null: no such file. */
export async function readNodeFile(place: NodePlace, path: string): Promise<string | null> {
  const full = nodeFilePath(place, path);
  try {
    return await readFile(full, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return null;
    throw new PgrepKitError("state-unwritable", {
      message: `cannot read ${full}: ${messageOf(error)}`,
      hint: "Run the command as the user who made this cluster.",
      cause: error,
    });
  }
}

/** The full path of a file that is named relative to the node's root. */
function nodeFilePath(place: NodePlace, path: string): string {
  const segments = path.split("/");
  assert(
    segments.every(
      (segment) => segment !== "" && segment !== "." && segment !== ".." && !segment.includes("\0"),
    ),
    `${path} is a path below the node's root`,
  );
  return join(place.root, ...segments);
}

async function makeParents(place: NodePlace, folder: string, user: ServerUser | null): Promise<void> {
  const below = folder === place.root ? [] : folder.slice(place.root.length + 1).split("/");
  // A data directory is whole or absent: a file in it never brings it into being.
  if (below[0] === "data") return;
  for (let depth = 0; depth <= below.length; depth++) {
    await makePrivateFolder(join(place.root, ...below.slice(0, depth)), user);
  }
}

function notAFolder(path: string): PgrepKitError {
  return new PgrepKitError("state-unwritable", {
    message: `${path} is not a folder`,
    hint: "Move it away, then run the same command again.",
  });
}
