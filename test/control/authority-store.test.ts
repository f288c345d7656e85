import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openAuthorityStore } from "../../src/control/authority-store.ts";
import { type StateFolder, makeStateFolder } from "../../src/control/state-folder.ts";
import type { CommitRule } from "../../src/core/commit-rule.ts";
import { lsn } from "../../src/core/lsn.ts";
import { failureOf } from "./failure.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const rule: CommitRule = { method: "ANY", acks: 1, listed: ["pg1", "pg2", "pg3"], commit: "on" };
const since = { timeline: 3, lsn: lsn("16/B374D848") };

async function newFolder(): Promise<StateFolder> {
  return makeStateFolder(await temporaryFolder());
}

async function founded(): Promise<{ folder: StateFolder; path: string }> {
  const folder = await newFolder();
  await openAuthorityStore(folder).change({ kind: "found", cluster: "demo", primary: "pg1" });
  return { folder, path: join(folder.path, "authority.json") };
}

test("there is no authority before a primary was appointed", async () => {
  expect(await openAuthorityStore(await newFolder()).read()).toBeNull();
});

test("the record is read back as it was written, positions included", async () => {
  const { folder, path } = await founded();
  const store = openAuthorityStore(folder);
  await store.change({ kind: "identify", systemIdentifier: "7412345678901234567" });
  await store.change({ kind: "demand", rule, afterWeakCommit: true });
  expect(await openAuthorityStore(folder).read()).toEqual(await store.read());
  const proved = await store.change({ kind: "prove", rule, since });
  await store.change({ kind: "demand", rule: { ...rule, acks: 2 }, afterWeakCommit: false });
  const read = await openAuthorityStore(folder).read();
  expect(read?.proofs).toEqual([
    proved.proofs[0],
    { rule: { ...rule, acks: 2 }, since: null, afterWeakCommit: false },
  ]);
  expect(read?.proofs[0]?.since).toEqual(since);
  expect(await readFile(path, "utf8")).toContain('"16/B374D848"');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a change that does not apply is refused and writes nothing", async () => {
  const { folder, path } = await founded();
  const before = await readFile(path, "utf8");
  const store = openAuthorityStore(folder);
  const again = await failureOf(store.change({ kind: "found", cluster: "demo", primary: "pg2" }));
  expect(again.code).toBe("authority-changed");
  expect((await failureOf(store.change({ kind: "prove", rule, since }))).code).toBe("authority-changed");
  expect(await readFile(path, "utf8")).toBe(before);
});

test("a decision that rests on an older record is refused", async () => {
  const { folder } = await founded();
  const [mine, theirs] = [openAuthorityStore(folder), openAuthorityStore(folder)];
  await mine.read();
  await theirs.change({ kind: "demand", rule, afterWeakCommit: false });
  const stale = { kind: "demand", rule: null, afterWeakCommit: false } as const;
  expect((await failureOf(mine.change(stale))).code).toBe("authority-changed");
  expect((await theirs.read())?.rule).toEqual(rule);
  await mine.read();
  expect((await mine.change(stale)).rule).toBeNull();
});

test("changes made at once through one store follow one another", async () => {
  const { folder } = await founded();
  const store = openAuthorityStore(folder);
  await Promise.all([
    store.change({ kind: "identify", systemIdentifier: "1" }),
    store.change({ kind: "demand", rule, afterWeakCommit: false }),
    store.change({ kind: "prove", rule, since }),
  ]);
  const authority = await store.read();
  expect(authority?.systemIdentifier).toBe("1");
  expect(authority?.proofs[0]?.since).toEqual(since);
});

describe("a damaged record", () => {
  const whole = {
    version: 1,
    cluster: "demo",
    term: 2,
    primary: "pg1",
    systemIdentifier: "7",
    rule,
    proofs: [{ rule, since: { timeline: 1, lsn: "0/1" }, afterWeakCommit: false }],
  };

  test("would be read if it were whole", async () => {
    const { folder, path } = await founded();
    await writeFile(path, JSON.stringify(whole));
    expect((await openAuthorityStore(folder).read())?.term).toBe(2);
  });

  test.each([
    ["empty", ""],
    ["zeroed by a crash", "\0".repeat(200)],
    ["of another version", JSON.stringify({ ...whole, version: 2 })],
    ["without a term", JSON.stringify({ ...whole, term: undefined })],
    ["with a term that is none", JSON.stringify({ ...whole, term: 0 })],
    ["with an unknown method", JSON.stringify({ ...whole, rule: { ...rule, method: "SOME" } })],
    [
      "with a proof without an LSN",
      JSON.stringify({ ...whole, proofs: [{ ...whole.proofs[0], since: { timeline: 1 } }] }),
    ],
    [
      "with a proof whose LSN is none",
      JSON.stringify({ ...whole, proofs: [{ ...whole.proofs[0], since: { timeline: 1, lsn: "x" } }] }),
    ],
    ["without proofs", JSON.stringify({ ...whole, proofs: undefined })],
  ])("that is %s is reported and left alone", async (_, text) => {
    const { folder, path } = await founded();
    await writeFile(path, text);
    const store = openAuthorityStore(folder);
    for (const attempt of [
      () => store.read(),
      () => store.change({ kind: "found", cluster: "demo", primary: "pg2" }),
    ]) {
      const failure = await failureOf(attempt);
      expect(failure.code).toBe("state-corrupt");
      expect(failure.message).toContain(path);
    }
    expect(await readFile(path, "utf8")).toBe(text);
  });
});
