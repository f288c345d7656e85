import { describe, expect, it } from "vitest";
import { bandOf, DEFAULT_THRESHOLDS, parseThresholds } from "../../src/monitor/thresholds.ts";

const MB = 1024 * 1024;

describe("thresholds", () => {
  it.each([
    ["16MB", { bytes: 16 * MB, ms: null }],
    ["1s", { bytes: null, ms: 1000 }],
    ["16MB,1s", { bytes: 16 * MB, ms: 1000 }],
    ["1s, 16MB", { bytes: 16 * MB, ms: 1000 }],
    ["0.5 MB", { bytes: 512 * 1024, ms: null }],
    ["8kB", { bytes: 8192, ms: null }],
    ["100B,250ms", { bytes: 100, ms: 250 }],
    ["1gb", { bytes: 1024 * MB, ms: null }],
  ])("reads --warn %s", (text, warn) => {
    expect(parseThresholds(text, "900GB,9d")).toMatchObject({ ok: true, thresholds: { warn } });
  });

  it.each(["", "16", "MB", "-1MB", "1.2.3s", "16MB;1s", "1e6B", "5 parsecs", ",1s", "1m"])(
    "refuses --warn %j",
    (text) => {
      expect(parseThresholds(text, undefined)).toMatchObject({
        ok: false,
        hint: expect.stringContaining("16MB,1s"),
      });
    },
  );

  it("refuses a kind that is named twice", () => {
    expect(parseThresholds("1MB,2MB", undefined)).toMatchObject({
      ok: false,
      message: '--warn "1MB,2MB" names bytes twice',
    });
    expect(parseThresholds(undefined, "1s,2s")).toMatchObject({
      ok: false,
      message: '--crit "1s,2s" names a time twice',
    });
  });

  it("refuses a warning that comes after the critical limit, and takes one that comes with it", () => {
    expect(parseThresholds("2s", "1s")).toMatchObject({
      ok: false,
      message: "the time of --warn must not be above that of --crit",
    });
    expect(parseThresholds("2s", "2s").ok).toBe(true);
    expect(parseThresholds("1GB", undefined)).toMatchObject({ ok: false, hint: "Give --crit, too." });
  });

  it("keeps the defaults of an option that is not given", () => {
    expect(parseThresholds(undefined, undefined)).toEqual({ ok: true, thresholds: DEFAULT_THRESHOLDS });
    expect(parseThresholds("1MB", undefined)).toMatchObject({
      thresholds: { crit: DEFAULT_THRESHOLDS.crit },
    });
  });

  it("does not judge a kind that a given option leaves out", () => {
    const parsed = parseThresholds("1s", "2s");
    if (!parsed.ok) throw new Error(parsed.message);
    expect(bandOf(900 * MB, "bytes", parsed.thresholds)).toBe("acceptable");
  });

  it.each([
    [0, "good"],
    [99, "good"],
    [100, "acceptable"],
    [999, "acceptable"],
    [1000, "concerning"],
    [5001, "concerning"],
    [59_999, "concerning"],
    [60_000, "critical"],
  ] as const)("calls %i ms %s", (ms, band) => {
    expect(bandOf(ms, "ms", DEFAULT_THRESHOLDS)).toBe(band);
  });

  it.each([
    [0, "good"],
    [MB, "acceptable"],
    [16 * MB - 1, "acceptable"],
    [16 * MB, "concerning"],
    [256 * MB, "critical"],
  ] as const)("calls %i bytes %s", (bytes, band) => {
    expect(bandOf(bytes, "bytes", DEFAULT_THRESHOLDS)).toBe(band);
  });
});
