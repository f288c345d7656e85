// guides/errors.md explains every code, and none that does not exist.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { REFUSAL_CODES } from "../../src/core/refusals.ts";
import { ERROR_CODES } from "../../src/support/errors.ts";

const guide = await readFile(new URL("../../guides/errors.md", import.meta.url), "utf8");
const [aboutErrors = "", aboutRefusals = ""] = guide.split(/^## Refusals$/m);

function rows(text: string): string[][] {
  return [...text.matchAll(/^\| `([a-z-]+)` \|(.*)\|(.*)\|$/gm)].map((row) => row.slice(1));
}

function codes(text: string): string[] {
  return rows(text).map(([code]) => code ?? "");
}

describe("the guide to errors", () => {
  it("explains every error code once", () => {
    expect(codes(aboutErrors).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });

  it("lists each error under the exit code that it ends with", () => {
    for (const section of aboutErrors.split(/^### /m).slice(1)) {
      const exits = new Set(section.split("\n")[0]!.match(/\d+/g));
      for (const code of codes(section)) {
        expect(exits, code).toContain(String(ERROR_CODES[code as keyof typeof ERROR_CODES]));
      }
    }
  });

  it("explains every refusal once", () => {
    expect(codes(aboutRefusals).toSorted()).toEqual([...REFUSAL_CODES].toSorted());
  });

  it("tells for each what it means and what to do", () => {
    for (const [code, meaning = "", remedy = ""] of rows(guide)) {
      expect(meaning.trim(), code).not.toBe("");
      expect(remedy.trim(), code).not.toBe("");
    }
  });
});
