/**
 * Files that must survive a crash: whole and old, or whole and new, never in between.
 * Every file that pgrep-kit would be lost without is written through here.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, access, link, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type ErrorText, PgrepKitError, messageOf } from "./errors.ts";

export interface DurableFile {
  readonly mode: number;
  /** Hand the file to this user, where we may: a file edited by root stays its owner's. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Replaces `path` by `text` atomically: a reader or a crash meets the old content or the new one, and it is on disk on return. */
export async function writeDurably(path: string, text: string, file: DurableFile): Promise<void> {
  await putInPlace(path, text, file, async (temporary) => {
    await rename(temporary, path);
    return true;
  });
}

/** As `writeDurably`, but never in the place of a file that is there already: then it answers false, and changes nothing. */
export async function createDurably(path: string, text: string, file: DurableFile): Promise<boolean> {
  return putInPlace(path, text, file, async (temporary) => {
    try {
      await link(temporary, path);
      await rm(temporary);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      if (!NO_LINKS.has(systemCode(error) ?? "")) throw error;
    }
    // Not every file system has links. What is left is a short moment in which somebody may be quicker.
    if (
      await ifThere(
        access(path).then(() => true),
        false,
      )
    )
      return false;
    await rename(temporary, path);
    return true;
  });
}

const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Writes the text beside `path`, and lets `place` put it there; what is left of a failure is removed. */
async function putInPlace(
  path: string,
  text: string,
  file: DurableFile,
  place: (temporary: string) => Promise<boolean>,
): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx", file.mode);
    try {
      await handle.writeFile(text);
      // The umask may have taken bits from the mode.
      await handle.chmod(file.mode);
      if (file.owner !== undefined) await handOver(handle, file.owner);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const isPlaced = await place(temporary);
    if (isPlaced) await syncFolder(dirname(path));
    else await rm(temporary, { force: true });
    return isPlaced;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}

/** Whether a file of this name is what `writeDurably` leaves behind when it is killed. */
export function isTemporary(name: string): boolean {
  return /^\..+\.[0-9a-f]{12}\.tmp$/.test(name);
}

async function handOver(
  handle: FileHandle,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const now = await handle.stat();
  if (now.uid === owner.uid && now.gid === owner.gid) return;
  // Only root may give files away; for anybody else the file is simply theirs from now on.
  await handle.chown(owner.uid, owner.gid).catch(() => undefined);
}

/** Makes renames, creations and removals in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The content of a file, or null where there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await ifThere(readFile(path, "utf8"), null);
  } catch (error) {
    throw readError(path, error);
  }
}

/** What `access` yields, or `otherwise` where the file or folder is not there. */
export async function ifThere<T, U>(access: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await access;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return otherwise;
    throw error;
  }
}

/**
 * What `path` holds according to `read`, which answers null for a value that makes no sense; null where there is no file.
 * Throws `state-corrupt` otherwise: a damaged file is never taken for an absent one, because that would overwrite it.
 */
export async function readJson<T>(
  path: string,
  read: (value: unknown) => T | null,
  hint: string,
): Promise<T | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What the parser says quotes the text, and that may be a password.
    throw corrupt(path, { detail: text.trim() === "" ? "The file is empty." : "It is not JSON.", hint });
  }
  const result = read(value);
  if (result === null) throw corrupt(path, { detail: describeShape(value), hint });
  return result;
}

function corrupt(path: string, text: Omit<ErrorText, "message">): PgrepKitError {
  return new PgrepKitError("state-corrupt", { message: `the state file ${path} is damaged`, ...text });
}

function describeShape(value: unknown): string {
  const version = isObject(value) ? value["version"] : undefined;
  if (typeof version === "number" && version !== 1) {
    return `It is of version ${version}, which this pgrep-kit does not know.`;
  }
  return "It is JSON, but it does not hold what pgrep-kit writes there.";
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a failed write means to the user. */
export function writeError(path: string, error: unknown): PgrepKitError {
  if (error instanceof PgrepKitError) return error;
  switch (systemCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new PgrepKitError("disk-full", {
        message: `no space left to write ${path}`,
        detail: "The old content is untouched.",
        hint: "Free some space on that disk and run the command again.",
        cause: error,
      });
    case "EROFS":
      return new PgrepKitError("state-unwritable", {
        message: `cannot write ${path}: the file system is read-only`,
        hint: "Work in a folder that can be written to.",
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new PgrepKitError("state-unwritable", {
        message: `cannot write ${path}: permission denied`,
        hint: `Run the command as the owner of ${dirname(path)}, or give yourself the right to write there.`,
        cause: error,
      });
    default:
      return new PgrepKitError("state-unwritable", {
        message: `cannot write ${path}: ${messageOf(error)}`,
        cause: error,
      });
  }
}

function readError(path: string, error: unknown): PgrepKitError {
  const denied = ["EACCES", "EPERM"].includes(systemCode(error) ?? "");
  return new PgrepKitError("state-unwritable", {
    message: `cannot read ${path}: ${denied ? "permission denied" : messageOf(error)}`,
    hint: `Run the command as the owner of ${path}.`,
    cause: error,
  });
}

/** `ENOENT` and its like; null for an error that no system call caused. */
export function systemCode(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" ? code : null;
}
