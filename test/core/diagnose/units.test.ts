import { describe, expect, it } from "vitest";
import { formatByteBound, formatBytes, formatDuration } from "../../../src/core/diagnose/units.ts";

describe("units", () => {
  it.each([
    [0, "0 B"],
    [1, "1 B"],
    [1023, "1023 B"],
    [1024, "1 kB"],
    [3072, "3 kB"],
    [4813, "4.7 kB"],
    [10_239, "10 kB"],
    [1_048_000, "1023 kB"],
    [1_048_575, "1 MB"],
    [24_117_248, "23 MB"],
    [16 * 1024 ** 3, "16 GB"],
  ])("writes %i bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("never rounds a bound down", () => {
    expect(formatByteBound(4710)).toBe("4.6 kB");
    expect(formatByteBound(4711)).toBe("4.7 kB");
    expect(formatByteBound(1)).toBe("1 B");
    expect(formatByteBound(20 * 1024 + 1)).toBe("21 kB");
  });

  it.each([
    [0, "0 ms"],
    [0.4, "0.4 ms"],
    [2.14, "2.1 ms"],
    [41, "41 ms"],
    [999.7, "1 s"],
    [2100, "2.1 s"],
    [41_000, "41 s"],
    [180_000, "3 min"],
    [9_000_000, "2.5 h"],
    [259_200_000, "3 d"],
  ])("writes %f ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
