/** Looks at the state folder without changing it, and without taking the lock. Modes must be asked before anything is read. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openAuthorityStore } from "../../control/authority-store.ts";
import { openJournal } from "../../control/journal.ts";
import { lifeOf, lockOwner } from "../../control/lock-owner.ts";
import { LOCK, type StateFolder } from "../../control/state-folder.ts";
import { PgrepKitError, messageOf } from "../../support/errors.ts";
import { ifThere, readJson } from "../../support/files.ts";
import type { LockFacts, Looked, Mode, StateFacts, Trouble } from "./facts.ts";

/** Files that hold passwords; pgpass is there once psql was used. */
const SECRET_FILES = ["credentials.json", "pgpass"];

export type Modes = Readonly<Record<string, Mode>>;

export function trouble(error: unknown): Trouble {
  if (error instanceof PgrepKitError)
    return { message: error.message, detail: error.detail, hint: error.hint };
  return { message: messageOf(error), detail: null, hint: null };
}

/** What `look` finds, or why it finds nothing. */
export async function looked<T>(look: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { seen: true, value: await look() };
  } catch (error) {
    return { seen: false, trouble: trouble(error) };
  }
}

/** Null: there is no state folder. To be called first: reading credentials.json closes it. */
export async function modesOf(folder: StateFolder): Promise<Modes | null> {
  const own = await modeOf(folder.path);
  if (own === null) return null;
  const files = await Promise.all(
    SECRET_FILES.map(async (name) => [name, await modeOf(join(folder.path, name))] as const),
  );
  return Object.fromEntries([["", own], ...files.filter(([, mode]) => mode !== null)]) as Modes;
}

async function modeOf(path: string): Promise<Mode | null> {
  const seen = await stat(path).catch(() => null);
  return seen === null ? null : seen.mode & 0o777;
}

/** `problem`: what kept the cluster from being opened. */
export async function stateFacts(
  folder: StateFolder,
  modes: Modes,
  problem: Trouble | null,
): Promise<StateFacts> {
  const names = SECRET_FILES.filter((name) => modes[name] !== undefined);
  const [authority, journal, lock, secrets] = await Promise.all([
    looked(() => openAuthorityStore(folder).read()),
    looked(() => journalFacts(folder)),
    lockFacts(folder),
    Promise.all(
      names.map(async (name) => {
        const path = join(folder.path, name);
        const mode = modes[name] ?? 0;
        return { path, mode, modeNow: (await modeOf(path)) ?? mode };
      }),
    ),
  ]);
  return {
    folder: folder.path,
    folderMode: modes[""] ?? 0,
    secrets,
    trouble: problem,
    authority,
    journal,
    lock,
  };
}

async function journalFacts(folder: StateFolder) {
  let entries = 0;
  const unreadable: string[] = [];
  for await (const entry of openJournal(folder, { command: "doctor" }).read()) {
    if (entry.kind === "unreadable") unreadable.push(`${entry.file}:${entry.line}`);
    else entries += 1;
  }
  return { entries, unreadable };
}

async function lockFacts(folder: StateFolder): Promise<LockFacts> {
  const path = join(folder.path, LOCK);
  try {
    const [name] = await ifThere(readdir(path), []);
    if (name === undefined) return { kind: "free" };
    const owner = await readJson(join(path, name), lockOwner, "");
    if (owner === null) return { kind: "free" };
    const { verb, pid, host, since } = owner;
    switch (await lifeOf(owner)) {
      case "dead":
        return { kind: "left", verb, pid };
      case "foreign":
        return { kind: "foreign", verb, pid, host, since };
      case "alive":
        return { kind: "held", verb, pid, since };
    }
  } catch (error) {
    return { kind: "unreadable", path, reason: messageOf(error) };
  }
}
