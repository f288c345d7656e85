/**
 * The journal: what was asked, seen, decided and done, in the order it happened. `.pgrep-kit/journal.ndjson`, one JSON
 * object a line, only ever appended to, on disk before `append` returns. Evidence for people: nothing is decided from it,
 * and no password may enter it. Only the holder of the lock appends; anybody may read meanwhile.
 */
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { NodeName } from "../core/spec.ts";
import type { StepKind } from "../core/plan.ts";
import { ifThere, isObject, syncFolder, writeError } from "../support/files.ts";
import { lastOf, mendEnd, parsed, readLines } from "./journal-file.ts";
import type { StateFolder } from "./state-folder.ts";
import { together } from "./together.ts";

export type JournalEvent =
  /** A command began. */
  | { readonly kind: "command"; readonly verb: string; readonly arguments: readonly string[] }
  /** The facts that the next decision rests on, in a line or a few. */
  | { readonly kind: "observed"; readonly summary: string }
  /** What `decide` answered: the plan's steps or the refusals, each in a line. */
  | {
      readonly kind: "decided";
      readonly decision: "settled" | "act" | "refuse";
      readonly summary: string;
      readonly lines: readonly string[];
    }
  | {
      readonly kind: "step-begin";
      readonly step: StepKind;
      readonly node: NodeName | null;
      readonly because: string;
    }
  | {
      readonly kind: "step-end";
      readonly step: StepKind;
      readonly node: NodeName | null;
      /** `unknown`: the deadline passed, and nothing is known of the effect. */
      readonly outcome: "done" | "unknown" | "failed";
      readonly durationMs: number;
      readonly detail: string | null;
    }
  /** The command ended in good order. A command without it was killed. */
  | { readonly kind: "end"; readonly exitCode: number; readonly message: string | null };

export type JournalEntry = JournalEvent & {
  /** 1, 2, 3 … over all commands. */
  readonly seq: number;
  /** ISO time. */
  readonly at: string;
  /** The same for all entries of one command. */
  readonly command: string;
};

/** A line that is no entry: the disk or an editor damaged it. */
export interface UnreadableLine {
  readonly kind: "unreadable";
  readonly file: string;
  readonly line: number;
}

export interface Journal {
  append(event: JournalEvent): Promise<JournalEntry>;
  /** From the oldest entry that is still kept. */
  read(): AsyncIterable<JournalEntry | UnreadableLine>;
}

export interface JournalOptions {
  /** Marks this command's entries. */
  readonly command: string;
  /** Texts that must not get in, whatever message they hide in. */
  readonly secrets?: readonly string[];
  readonly maxBytes?: number;
  readonly now?: () => Date;
}

const MAX_BYTES = 10_000_000;
/** A longer text belongs into a log, not into evidence. */
const MAX_TEXT = 8_000;

export function openJournal(folder: StateFolder, options: JournalOptions): Journal {
  const path = join(folder.path, "journal.ndjson");
  const older = join(folder.path, "journal.1.ndjson");
  /** As this journal left the file; anything else there makes it look again. */
  let left = { size: -1, seq: 0 };

  const appendAll = async (events: readonly JournalEvent[]): Promise<JournalEntry[]> => {
    const size = (await ifThere(stat(path), null))?.size ?? 0;
    if (size !== left.size) {
      await mendEnd(path);
      const seq = (await lastOf(path, seqOf)) ?? (await lastOf(older, seqOf)) ?? 0;
      left = { size: (await ifThere(stat(path), null))?.size ?? 0, seq };
    }
    const { seq } = left;
    const at = (options.now?.() ?? new Date()).toISOString();
    const entries = events.map((event, index) =>
      cleaned({ seq: seq + 1 + index, at, command: options.command, ...event }, options.secrets ?? []),
    );
    const lines = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    if (left.size > 0 && left.size + lines.length > (options.maxBytes ?? MAX_BYTES)) {
      await rename(path, older);
      left = { size: 0, seq };
    }
    await write(folder, path, lines, left.size === 0);
    left = { size: left.size + lines.length, seq: seq + entries.length };
    return entries;
  };

  return {
    append: together(async (events) => {
      try {
        return await appendAll(events);
      } catch (error) {
        throw writeError(path, error);
      }
    }),
    read: () => read(path, older),
  };
}

async function write(folder: StateFolder, path: string, line: Buffer, isNew: boolean): Promise<void> {
  const handle = await open(path, "a", 0o600);
  try {
    await handle.writeFile(line);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  if (isNew) await syncFolder(folder.path);
}

async function* read(path: string, older: string): AsyncGenerator<JournalEntry | UnreadableLine> {
  // The current file first: one that is put aside between the two openings is then met twice, not missed.
  const current = await ifThere(open(path, "r"), null);
  const previous = await ifThere(open(older, "r"), null);
  try {
    if (previous !== null && !(await areOne(previous, current))) yield* entries(previous, older);
    if (current !== null) yield* entries(current, path);
  } finally {
    await current?.close();
    await previous?.close();
  }
}

async function areOne(a: FileHandle, b: FileHandle | null): Promise<boolean> {
  return b !== null && (await a.stat()).ino === (await b.stat()).ino;
}

async function* entries(handle: FileHandle, file: string): AsyncGenerator<JournalEntry | UnreadableLine> {
  for await (const { text, number, whole } of readLines(handle)) {
    const value = parsed(text);
    if (seqOf(value) !== null) yield value as JournalEntry;
    // An unfinished last line is a crash's or a writer's, and nothing that was ever confirmed.
    else if (whole) yield { kind: "unreadable", file, line: number };
  }
}

function seqOf(value: unknown): number | null {
  if (!isObject(value) || typeof value["kind"] !== "string" || typeof value["at"] !== "string") return null;
  return typeof value["seq"] === "number" && Number.isSafeInteger(value["seq"]) ? value["seq"] : null;
}

/** The same entry with its secrets struck out and its texts cut to size. */
function cleaned(entry: JournalEntry, secrets: readonly string[]): JournalEntry {
  const text = JSON.stringify(entry, (_, value: unknown) => {
    if (typeof value !== "string") return value;
    const struck = secrets.reduce(
      (rest, secret) => (secret === "" ? rest : rest.replaceAll(secret, "***")),
      value,
    );
    return struck.length > MAX_TEXT
      ? `${struck.slice(0, MAX_TEXT)}… (${struck.length - MAX_TEXT} more)`
      : struck;
  });
  return JSON.parse(text) as JournalEntry;
}
