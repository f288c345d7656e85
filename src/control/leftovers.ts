/**
 * Clears the state folder of what commands left that were killed: unfinished files (one may hold passwords) and
 * preparations for the lock. Only the holder of the lock may do so: nobody else is writing then.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifThere, isTemporary, readJson } from "../support/files.ts";
import { lifeOf, lockOwner } from "./lock-owner.ts";
import { PREPARED_PREFIX, type StateFolder } from "./state-folder.ts";

/** Far longer than any living process takes from making a folder to putting its name in. */
const ABANDONED_AFTER_MS = 3_600_000;

/** Removes the leftovers of dead commands. */
export async function sweep(folder: StateFolder): Promise<void> {
  for (const name of await readdir(folder.path)) {
    const path = join(folder.path, name);
    // .gitignore is the one file that is written before the lock is taken.
    const unfinished = isTemporary(name) && !name.startsWith("..gitignore");
    if (unfinished || (name.startsWith(PREPARED_PREFIX) && (await isAbandoned(path)))) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

/** Its maker can rename it to `lock` at any moment, unless that process is dead. */
async function isAbandoned(prepared: string): Promise<boolean> {
  const [file] = await ifThere(readdir(prepared), []);
  const owner =
    file === undefined ? null : await readJson(join(prepared, file), lockOwner, "").catch(() => null);
  if (owner !== null) return (await lifeOf(owner)) === "dead";
  const made = await ifThere(stat(prepared), null);
  return made !== null && Date.now() - made.mtimeMs > ABANDONED_AFTER_MS;
}
