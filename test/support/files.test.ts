import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { PgrepKitError } from "../../src/support/errors.ts";
import {
  isTemporary,
  readIfThere,
  readJson,
  systemCode,
  writeDurably,
  writeError,
} from "../../src/support/files.ts";

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const failed = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

describe("a durable write", () => {
  test("replaces the whole file, with the mode asked for, and leaves nothing else", async () => {
    const folder = await newFolder();
    const path = join(folder, "f");
    await writeFile(path, "a much longer old text");
    await chmod(path, 0o644);
    await writeDurably(path, "new", { mode: 0o600 });
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["f"]);
  });

  test("that fails leaves the old file and nothing else", async () => {
    const folder = await newFolder();
    // A folder cannot be replaced by a file.
    await expect(writeDurably(folder, "x", { mode: 0o600 })).rejects.toBeInstanceOf(PgrepKitError);
    const parent = await readdir(join(folder, ".."));
    expect(
      parent.filter(isTemporary).filter((name) => name.includes(folder.split("/").at(-1) ?? "")),
    ).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("of many at once leaves one of them, whole", async () => {
    const path = join(await newFolder(), "f");
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
    await Promise.all(texts.map((text) => writeDurably(path, text, { mode: 0o600 })));
    expect(texts).toContain(await readFile(path, "utf8"));
  });
});

test.each([
  ["ENOSPC", "disk-full"],
  ["EDQUOT", "disk-full"],
  ["EACCES", "state-unwritable"],
  ["EPERM", "state-unwritable"],
  ["EROFS", "state-unwritable"],
  ["EIO", "state-unwritable"],
])("%s while writing is told as %s, with the path", (code, expected) => {
  const error = writeError("/some/path", failed(code));
  expect(error.code).toBe(expected);
  expect(error.message).toContain("/some/path");
  expect(systemCode(error.cause)).toBe(code);
  expect(writeError("/other", error)).toBe(error);
});

test("a file that is not there is null, one that cannot be read is an error", async () => {
  const folder = await newFolder();
  expect(await readIfThere(join(folder, "none"))).toBeNull();
  await expect(readIfThere(folder)).rejects.toMatchObject({ code: "state-unwritable" });
});

test("a JSON file is read only by whoever knows what is in it", async () => {
  const path = join(await newFolder(), "f.json");
  const number = (value: unknown): number | null => (typeof value === "number" ? value : null);
  expect(await readJson(path, number, "hint")).toBeNull();
  await writeFile(path, "7");
  expect(await readJson(path, number, "hint")).toBe(7);
  for (const text of ['"7"', "null", "", "7,"]) {
    await writeFile(path, text);
    await expect(readJson(path, number, "a hint")).rejects.toMatchObject({
      code: "state-corrupt",
      hint: "a hint",
    });
  }
});
