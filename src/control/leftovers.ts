/**
 * Clears the state folder of what commands left that were killed: unfinished files (one may hold passwords) and
 * preparations for the lock. Only the holder of the lock may do so: nobody else is writing then.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifThere, isTemporary, readJson } from "../support/files.ts";
import { lifeOf, lockOwner } from "./lock-owner.ts";
import { PREPARED_PREFIX, type StateFolder } from "./state-folder.ts";

/** Far longer than any living process takes from making a file or folder to putting its name in. */
const ABANDONED_AFTER_MS = 3_600_000;
/** Written by commands that do not hold the lock: by one that is about to take it, and by psql, which never does. */
const WITHOUT_LOCK = ["..gitignore.", ".pgpass."];

/** Removes the leftovers of dead commands. */
export async function sweep(folder: StateFolder): Promise<void> {
  for (const name of await readdir(folder.path)) {
    const path = join(folder.path, name);
    const isLeft = isTemporary(name)
      ? !WITHOUT_LOCK.some((prefix) => name.startsWith(prefix)) || (await isOld(path))
      : name.startsWith(PREPARED_PREFIX) && (await isAbandoned(path));
    if (isLeft) await rm(path, { recursive: true, force: true });
  }
}

/** Its maker can rename it to `lock` at any moment, unless that process is dead. */
async function isAbandoned(prepared: string): Promise<boolean> {
  const [file] = await ifThere(readdir(prepared), []);
  const owner =
    file === undefined ? null : await readJson(join(prepared, file), lockOwner, "").catch(() => null);
  if (owner !== null) return (await lifeOf(owner)) === "dead";
  return isOld(prepared);
}

async function isOld(path: string): Promise<boolean> {
  const made = await ifThere(stat(path), null);
  return made !== null && Date.now() - made.mtimeMs > ABANDONED_AFTER_MS;
}
