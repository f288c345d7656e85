import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../src/config/duration.ts";

test.each([
  ["0", 0],
  ["1500", 1500],
  ["30s", 30_000],
  ["5 min", 300_000],
  ["0.5h", 1_800_000],
  [" 1d ", 86_400_000],
])("%j is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "s", "5 minutes", "-1s", "1e3", "5m", "5MIN", "1,5s", "999999999999", "25d"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test("every duration is read back as it was written", () => {
  fc.assert(fc.property(fc.nat(2_147_483_647), (ms) => parseDuration(formatDuration(ms)) === ms));
});
