/**
 * One command at a time changes a cluster: the lock in its state folder.
 *
 * The lock is held exactly while `lock/` contains the holder's file, which bears a token that nobody uses twice.
 * - To take it: make a folder that already contains one's file, and rename it to `lock`. The system refuses that while
 *   `lock` is a folder with anything in it, and does it at once where `lock` is empty or not there.
 * - To give it up, or to clear it of a dead holder: remove the file *of that token*. However late a slow rival does the
 *   same, it can hit no successor's file, so two can never hold the lock.
 * Never remove `lock` recursively: that would hit whoever has it by then.
 * https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PgrepKitError } from "../support/errors.ts";
import { ifThere, readIfThere, readJson, systemCode, writeError } from "../support/files.ts";
import { type FolderChanges, watchFolder } from "./folder-changes.ts";
import { type LockOwner, lifeOf, lockOwner, thisProcess } from "./lock-owner.ts";
import { LOCK, PREPARED_PREFIX, type StateFolder, makeStateFolder } from "./state-folder.ts";
import { sweep } from "./leftovers.ts";

export interface LockOptions {
  /** 10 seconds unless said otherwise; 0 does not wait. */
  readonly waitMs?: number;
  /** Called once, when somebody else has the lock and waiting begins. */
  readonly onWait?: (holder: LockOwner) => void;
  readonly signal?: AbortSignal;
}

export interface ClusterLock extends AsyncDisposable {
  /**
   * Disposing no longer gives it up: something that it protects goes on. It then falls to the next command when this
   * process has ended, like that of any dead holder.
   */
  keep(): void;
}

/** A holder that dies gives no sign: look again this often. */
const LOOK_AGAIN_MS = 250;

/**
 * Takes the cluster's lock for the command `verb`, waiting for its holder if need be; disposing gives it up.
 * Makes the state folder if it is not there. Open the state only afterwards: the last holder may have changed or removed it.
 */
export async function acquireLock(
  folder: StateFolder,
  verb: string,
  options: LockOptions = {},
): Promise<ClusterLock> {
  const owner = await thisProcess(randomBytes(12).toString("hex"), verb);
  try {
    await waitForTurn(folder, owner, options);
    await sweep(folder);
  } catch (error) {
    await release(folder, owner);
    if (options.signal?.aborted === true) throw error;
    throw writeError(folder.path, error);
  }
  let kept = false;
  return {
    keep: () => void (kept = true),
    [Symbol.asyncDispose]: async () => {
      if (!kept) await release(folder, owner);
    },
  };
}

async function waitForTurn(folder: StateFolder, owner: LockOwner, options: LockOptions): Promise<void> {
  const deadlineMs = performance.now() + (options.waitMs ?? 10_000);
  let changes: FolderChanges | null = null;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const holder = await currentHolder(folder);
      if (holder === null) {
        if (await take(folder, owner)) return;
        continue;
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw await locked(folder, holder);
      if (changes === null) {
        options.onWait?.(holder);
        // Watch first, then look once more: what happens in between must not be missed.
        changes = watchFolder(folder.path, "lock");
        continue;
      }
      await changes.next(Math.min(leftMs, LOOK_AGAIN_MS), options.signal);
    }
  } finally {
    changes?.close();
  }
}

/** True: the lock is ours. False: somebody was quicker, or the folder had to be made first. */
async function take(folder: StateFolder, owner: LockOwner): Promise<boolean> {
  const prepared = join(folder.path, `${PREPARED_PREFIX}${owner.token}`);
  try {
    await mkdir(prepared, { mode: 0o700 });
    await writeFile(join(prepared, owner.token), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
    await rename(prepared, join(folder.path, LOCK));
    return true;
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    switch (systemCode(error)) {
      case "ENOTEMPTY":
      case "EEXIST":
        return false;
      case "ENOENT":
        // No command was here yet, or the last holder destroyed the cluster and its folder.
        await makeStateFolder(dirname(folder.path));
        return false;
      default:
        throw error;
    }
  }
}

/** Whoever holds the lock; null where nobody does, or does any more: a dead holder's file is removed. */
async function currentHolder(folder: StateFolder): Promise<LockOwner | null> {
  const lock = join(folder.path, LOCK);
  const [name] = await ifThere(readdir(lock), []);
  if (name === undefined) return null;
  const path = join(lock, name);
  if (await isEmptied(path)) {
    await ifThere(unlink(path), undefined);
    return null;
  }
  const holder = await readJson(path, lockOwner, `If no pgrep-kit command is running, remove ${lock}.`);
  if (holder === null) return null;
  if ((await lifeOf(holder)) !== "dead") return holder;
  await ifThere(unlink(path), undefined);
  return null;
}

/**
 * A holder's file is whole before it can be seen here, so that one without content lost it in a crash of the machine,
 * and its process with it. (Waiting for the disk would spare this, but cost every command.)
 */
async function isEmptied(path: string): Promise<boolean> {
  return /^\0*$/.test((await readIfThere(path)) ?? "gone");
}

async function release(folder: StateFolder, owner: LockOwner): Promise<void> {
  const lock = join(folder.path, LOCK);
  // Whatever fails here, the lock falls to the next command as soon as this process has ended.
  await unlink(join(lock, owner.token)).catch(() => undefined);
  // Both work on an empty folder only: one that somebody has taken by now is safe, and so is a state that is still there.
  await rmdir(lock).catch(() => undefined);
  await rmdir(folder.path).catch(() => undefined);
}

async function locked(folder: StateFolder, holder: LockOwner): Promise<PgrepKitError> {
  const foreign = (await lifeOf(holder)) === "foreign";
  const place = foreign ? `process ${holder.pid} on ${holder.host}` : `process ${holder.pid}`;
  return new PgrepKitError("locked", {
    message: `pgrep-kit ${holder.verb} (${place}) has been at work on this cluster since ${holder.since}`,
    detail: "Commands that change a cluster run one at a time.",
    hint: foreign
      ? `Wait for it to end. If it is certain that it no longer runs, remove ${join(folder.path, LOCK)}.`
      : `Wait for it to end and run the command again, or end it with: kill ${holder.pid}`,
  });
}
