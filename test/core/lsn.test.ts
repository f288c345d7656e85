import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesBetween, formatLsn, laterLsn, lsn, parseLsn } from "../../src/core/lsn.ts";

describe("an LSN", () => {
  test("is read and written as PostgreSQL writes it", () => {
    expect(formatLsn(lsn("16/B374D848"))).toBe("16/B374D848");
    expect(formatLsn(lsn("0/0000abcd"))).toBe("0/ABCD");
  });

  test("survives being written and read again, whatever its value", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        const text = `${(value >> 32n).toString(16)}/${(value & 0xffffffffn).toString(16)}`;
        expect(parseLsn(formatLsn(lsn(text)))).toBe(value);
      }),
    );
  });

  test.each(["", "0", "0/", "/0", "0/123456789", "g/0", "0/0 ", "-1/0"])("is not read from %j", (text) => {
    expect(parseLsn(text)).toBeNull();
  });

  test("has no negative distance: a later reading of a standby is no lag", () => {
    expect(bytesBetween(lsn("0/5000"), lsn("0/5A00"))).toBe(0xa00);
    expect(bytesBetween(lsn("0/5A00"), lsn("0/5000"))).toBe(0);
  });

  test("is compared as a number, across the border of 32 bits", () => {
    expect(laterLsn(lsn("0/FFFFFFFF"), lsn("1/0"))).toBe(lsn("1/0"));
  });
});
