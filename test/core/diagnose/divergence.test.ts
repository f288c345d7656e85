import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { divergence } from "../../../src/core/diagnose/divergence.ts";
import type { Lsn } from "../../../src/core/lsn.ts";
import { at, history } from "../builders/draft.ts";

const reference = history(["0/2000", "0/4000"]);

describe("divergence", () => {
  it("is none for a place on the same timeline, however far ahead", () => {
    expect(divergence(at("0/9000", 3), reference, reference)).toBeNull();
  });

  it("is none for an older timeline up to where it was left, and begins right after", () => {
    expect(divergence(at("0/4000", 2), history(["0/2000"]), reference)).toBeNull();
    expect(divergence(at("0/4001", 2), history(["0/2000"]), reference)).toEqual({ fork: at("0/4000", 2) });
    expect(divergence(at("0/2001", 1), null, reference)).toEqual({ fork: at("0/2000", 1) });
  });

  it("is found between two timelines of the same number that were left at different places", () => {
    expect(divergence(at("0/5000", 3), history(["0/2000", "0/3000"]), reference)).toEqual({
      fork: at("0/3000", 2),
    });
    expect(divergence(at("0/5000", 3), history(["0/1000", "0/4000"]), reference)).toEqual({
      fork: at("0/1000", 1),
    });
  });

  it("is found for a later timeline that the reference has never been on", () => {
    expect(divergence(at("0/6000", 4), history(["0/2000", "0/4000", "0/5000"]), reference)).toEqual({
      fork: at("0/5000", 3),
    });
  });

  it("knows no fork where no timeline is shared", () => {
    expect(divergence(at("0/5000", 7), null, reference)).toEqual({ fork: null });
  });

  it("never finds a server diverged from itself, nor from anything it has been a prefix of", () => {
    const forks = fc
      .array(fc.bigInt({ min: 1n, max: 0xffffn }), { minLength: 0, maxLength: 5 })
      .map((ends) => ends.toSorted((a, b) => (a < b ? -1 : 1)).map((end) => `0/${end.toString(16)}`));
    fc.assert(
      fc.property(forks, fc.nat(5), (ends, place) => {
        const whole = history(ends);
        const timeline = Math.min(place, ends.length) + 1;
        const end = whole.ancestors[timeline - 1]?.end ?? (0x10000n as Lsn);
        expect(divergence({ timeline, lsn: end }, history(ends.slice(0, timeline - 1)), whole)).toBeNull();
      }),
    );
  });
});
