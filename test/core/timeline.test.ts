import { describe, expect, test } from "vitest";
import { lsn } from "../../src/core/lsn.ts";
import { type TimelineHistory, bytesAlong, parseHistoryFile, relate } from "../../src/core/timeline.ts";

const at = (timeline: number, text: string) => ({ timeline, lsn: lsn(text) });
/** 1 until 0/5000, 2 until 0/8000, now 3. */
const third: TimelineHistory = {
  timeline: 3,
  ancestors: [
    { timeline: 1, end: lsn("0/5000") },
    { timeline: 2, end: lsn("0/8000") },
  ],
};

describe("a history file", () => {
  test("is read with its comments and reasons", () => {
    const text = "1\t0/5000\tno recovery target specified\n\n# a comment\n2\t0/8000\tbefore x\n";
    expect(parseHistoryFile(3, text)).toEqual(third);
  });

  test("that makes no sense is no history", () => {
    expect(parseHistoryFile(2, "one\t0/5000\n")).toBeNull();
    expect(parseHistoryFile(2, "1\tnowhere\n")).toBeNull();
  });
});

describe("whether a standby can follow", () => {
  test("on the same timeline it can, however far it is", () => {
    expect(relate(at(3, "0/9000"), third)).toEqual({ kind: "prefix" });
  });

  test("on an older timeline it can up to the fork, and the fork itself is still common", () => {
    expect(relate(at(1, "0/4FFF"), third)).toEqual({ kind: "prefix" });
    expect(relate(at(1, "0/5000"), third)).toEqual({ kind: "prefix" });
  });

  test("one byte past the fork it has diverged, and the fork is named", () => {
    expect(relate(at(1, "0/5001"), third)).toEqual({ kind: "diverged", fork: at(1, "0/5000") });
  });

  test("on a timeline that is no ancestor it has diverged, and they share nothing that is known", () => {
    expect(relate(at(4, "0/9000"), third)).toEqual({ kind: "diverged", fork: null });
  });
});

describe("the distance along a history", () => {
  test("counts across forks, because LSNs go on there", () => {
    expect(bytesAlong(at(1, "0/4000"), at(3, "0/9000"), third)).toBe(0x5000);
  });

  test("means nothing to a diverged standby", () => {
    expect(bytesAlong(at(1, "0/6000"), at(3, "0/9000"), third)).toBeNull();
  });
});
