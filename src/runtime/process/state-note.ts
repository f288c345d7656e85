/**
 * Root's nodes live away from the state folder that they belong to. A note beside them names it, so that a lost state
 * folder is noticed: its nodes would look absent, and a second cluster would be made while the first still runs.
 */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { PgrepKitError } from "../../support/errors.ts";
import { readIfThere, writeDurably } from "../../support/files.ts";
import { isNodeFolder, ROOT_STORAGE } from "./storage.ts";

const NOTE = ".state-folder";

export interface Whose {
  /** Where the nodes are. */
  readonly base: string;
  readonly cluster: string;
  readonly stateFolder: string;
}

/** Written anew where the state folder was moved. */
export async function noteStateFolder({ base, stateFolder }: Whose): Promise<void> {
  if (dirname(base) !== ROOT_STORAGE) return;
  const path = join(base, NOTE);
  const text = `${stateFolder}\n`;
  if ((await readIfThere(path)) !== text) await writeDurably(path, text, { mode: 0o600 });
}

/** Removes the note, if nothing but it is left. */
export async function removeNote(base: string): Promise<void> {
  const left = await readdir(base).catch(() => []);
  if (left.every((name) => name === NOTE)) await rm(join(base, NOTE), { force: true });
}

/** Throws where nodes of a cluster of this name belong to this very state folder, but not to what it says now. */
export async function refuseOrphans({ base, cluster, stateFolder }: Whose): Promise<void> {
  if (dirname(base) !== ROOT_STORAGE) return;
  const names = await readdir(ROOT_STORAGE).catch(() => []);
  for (const name of names) {
    const other = join(ROOT_STORAGE, name);
    if (!new RegExp(`^${cluster}-[0-9a-f]{8}$`).test(name) || name === basename(base)) continue;
    const noted = await readIfThere(join(other, NOTE)).catch(() => null);
    if (noted !== `${stateFolder}\n`) continue;
    const nodes = (await readdir(other).catch(() => [])).filter(isNodeFolder);
    if (nodes.length > 0) throw orphaned(cluster, stateFolder, other, nodes);
  }
}

function orphaned(
  cluster: string,
  stateFolder: string,
  place: string,
  nodes: readonly string[],
): PgrepKitError {
  return new PgrepKitError("state-mismatch", {
    message: `the nodes of a cluster ${cluster} that was made here are still there, but not its state folder`,
    detail: `${nodes.join(", ")} are in ${place}; they belong to an earlier ${stateFolder}, which holds their passwords and says who may be primary.`,
    hint: `Bring that state folder back. If nobody needs its data any more: end its servers, and remove ${place}.`,
  });
}
