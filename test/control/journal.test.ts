import { appendFile, readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Journal,
  type JournalEntry,
  type UnreadableLine,
  openJournal,
} from "../../src/control/journal.ts";
import { type StateFolder, makeStateFolder } from "../../src/control/state-folder.ts";
import { temporaryFolder } from "./temporary-folder.ts";

async function newFolder(): Promise<StateFolder> {
  return makeStateFolder(await temporaryFolder());
}

async function entriesOf(journal: Journal): Promise<(JournalEntry | UnreadableLine)[]> {
  const entries = [];
  for await (const entry of journal.read()) entries.push(entry);
  return entries;
}

const seen = (summary: string) => ({ kind: "observed", summary }) as const;
const summaries = async (journal: Journal): Promise<string[]> =>
  (await entriesOf(journal)).map((entry) => (entry.kind === "observed" ? entry.summary : entry.kind));
const fileOf = (folder: StateFolder): string => join(folder.path, "journal.ndjson");

describe("appending", () => {
  test("numbers the entries and says when and for which command", async () => {
    const folder = await newFolder();
    const now = (): Date => new Date("2026-01-02T03:04:05.678Z");
    const journal = openJournal(folder, { command: "c1", now });
    const first = await journal.append({ kind: "command", verb: "mode", arguments: ["quorum"] });
    expect(first).toEqual({
      seq: 1,
      at: "2026-01-02T03:04:05.678Z",
      command: "c1",
      kind: "command",
      verb: "mode",
      arguments: ["quorum"],
    });
    expect((await openJournal(folder, { command: "c2" }).append(seen("x"))).seq).toBe(2);
    expect((await journal.append(seen("y"))).seq).toBe(3);
    expect((await entriesOf(journal)).map((entry) => "seq" in entry && entry.seq)).toEqual([1, 2, 3]);
    expect((await stat(fileOf(folder))).mode & 0o777).toBe(0o600);
  });

  test("keeps the order of entries that come at once", async () => {
    const journal = openJournal(await newFolder(), { command: "c" });
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => journal.append(seen(name))));
    expect(await summaries(journal)).toEqual(names);
  });

  test("strikes out secrets wherever they hide", async () => {
    const folder = await newFolder();
    const journal = openJournal(folder, { command: "c", secrets: ["s3cret-s3cret", ""] });
    await journal.append({
      kind: "command",
      verb: "psql",
      arguments: ["postgres://app:s3cret-s3cret@127.0.0.1/app"],
    });
    await journal.append({ kind: "end", exitCode: 4, message: "password s3cret-s3cret was refused" });
    expect(await readFile(fileOf(folder), "utf8")).not.toContain("s3cret");
    expect(await readFile(fileOf(folder), "utf8")).toContain("app:***@127.0.0.1");
  });

  test("cuts texts that belong into a log", async () => {
    const journal = openJournal(await newFolder(), { command: "c" });
    const entry = await journal.append(seen("x".repeat(100_000)));
    expect(entry.kind === "observed" && entry.summary.length).toBeLessThan(9000);
  });
});

describe("reading", () => {
  test("of a journal that was never written yields nothing", async () => {
    expect(await entriesOf(openJournal(await newFolder(), { command: "c" }))).toEqual([]);
  });

  test("names a damaged line in the middle and goes on", async () => {
    const folder = await newFolder();
    const journal = openJournal(folder, { command: "c" });
    await journal.append(seen("a"));
    await appendFile(fileOf(folder), "garbage\n");
    await journal.append(seen("b"));
    const entries = await entriesOf(journal);
    expect(entries.map((entry) => entry.kind)).toEqual(["observed", "unreadable", "observed"]);
    expect(entries[1]).toEqual({ kind: "unreadable", file: fileOf(folder), line: 2 });
    expect(entries[2]).toMatchObject({ seq: 2 });
  });

  test("stops reading in good order where the reader has enough", async () => {
    const journal = openJournal(await newFolder(), { command: "c" });
    await journal.append(seen("a"));
    await journal.append(seen("b"));
    for await (const entry of journal.read()) {
      expect(entry).toMatchObject({ summary: "a" });
      break;
    }
  });
});

describe("after a crash", { timeout: 30_000 }, () => {
  test("at any byte, whole entries are kept, and the next one stands on a line of its own", async () => {
    const folder = await newFolder();
    const writer = openJournal(folder, { command: "c" });
    for (const name of ["one", "zwei – ü", "three"]) await writer.append(seen(name));
    const whole = await readFile(fileOf(folder));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (cut) => {
        await writeFile(fileOf(folder), whole);
        await truncate(fileOf(folder), cut);
        const survivors = await summaries(openJournal(folder, { command: "c" }));
        const next = await openJournal(folder, { command: "d" }).append(seen("after"));
        expect(next.seq).toBe(survivors.length + 1);
        expect(await summaries(openJournal(folder, { command: "c" }))).toEqual([...survivors, "after"]);
        const lines = (await readFile(fileOf(folder), "utf8")).trimEnd().split("\n");
        expect(lines.map((line) => (JSON.parse(line) as JournalEntry).seq)).toEqual(
          lines.map((_, i) => i + 1),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("that left zeros at the end, the next entry is whole", async () => {
    const folder = await newFolder();
    await openJournal(folder, { command: "c" }).append(seen("a"));
    await appendFile(fileOf(folder), "\0".repeat(300));
    await openJournal(folder, { command: "c" }).append(seen("b"));
    expect(await summaries(openJournal(folder, { command: "c" }))).toEqual(["a", "b"]);
  });
});

describe("the bound on its size", () => {
  test("puts the file aside and keeps counting", async () => {
    const folder = await newFolder();
    const journal = openJournal(folder, { command: "c", maxBytes: 500 });
    for (let i = 1; i <= 12; i++) await journal.append(seen(`n${i}`));
    const files = (await readdir(folder.path)).filter((name) => name.startsWith("journal")).toSorted();
    expect(files).toEqual(["journal.1.ndjson", "journal.ndjson"]);
    for (const file of files) expect((await stat(join(folder.path, file))).size).toBeLessThanOrEqual(500);
    const read = await summaries(journal);
    expect(read.at(-1)).toBe("n12");
    expect(read).toEqual(Array.from({ length: read.length }, (_, i) => `n${12 - read.length + 1 + i}`));
    expect((await openJournal(folder, { command: "d" }).append(seen("next"))).seq).toBe(13);
  });

  test("counts on from the old file where the new one has nothing yet", async () => {
    const folder = await newFolder();
    const journal = openJournal(folder, { command: "c" });
    await journal.append(seen("a"));
    await writeFile(join(folder.path, "journal.1.ndjson"), await readFile(fileOf(folder)));
    await writeFile(fileOf(folder), "");
    expect((await openJournal(folder, { command: "c" }).append(seen("b"))).seq).toBe(2);
  });

  test("does not confuse a reader at work", async () => {
    const folder = await newFolder();
    const journal = openJournal(folder, { command: "c", maxBytes: 400 });
    await journal.append(seen("n1"));
    const reader = journal.read()[Symbol.asyncIterator]();
    const first = await reader.next();
    for (let i = 2; i <= 5; i++) await journal.append(seen(`n${i}`));
    expect(first.value).toMatchObject({ summary: "n1" });
    while ((await reader.next()).done !== true);
  });
});
