import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Authority,
  type AuthorityChange,
  changed,
  coverage,
  isSettled,
} from "../../src/core/authority.ts";
import type { CommitRule } from "../../src/core/commit-rule.ts";
import { lsn } from "../../src/core/lsn.ts";

const rule = (acks: number): CommitRule => ({
  method: "ANY",
  acks,
  listed: ["pg1", "pg2", "pg3"],
  commit: "on",
});
const founded = changed(null, { kind: "found", cluster: "demo", primary: "pg1" });
const since = { timeline: 1, lsn: lsn("0/5000") };
const later = { timeline: 1, lsn: lsn("0/9000") };

function after(...changes: AuthorityChange[]): Authority {
  return (
    changes.reduce<Authority | null>((record, change) => changed(record, change), founded) ??
    expect.fail("a change did not apply")
  );
}

const demand = (wanted: CommitRule | null, afterWeakCommit = false): AuthorityChange => ({
  kind: "demand",
  rule: wanted,
  afterWeakCommit,
});
const prove = (proved: CommitRule, position = since): AuthorityChange => ({
  kind: "prove",
  rule: proved,
  since: position,
});

describe("the record", () => {
  test("is founded once, in term 1, and proves nothing", () => {
    expect(founded).toMatchObject({ term: 1, primary: "pg1", rule: null, proofs: [] });
    expect(changed(founded, { kind: "found", cluster: "demo", primary: "pg2" })).toBeNull();
  });

  test("takes the identity of the data once", () => {
    const identified = after({ kind: "identify", systemIdentifier: "7" });
    expect(identified.systemIdentifier).toBe("7");
    expect(changed(identified, { kind: "identify", systemIdentifier: "8" })).toBeNull();
  });

  test("no change but the founding applies to a record that is not there", () => {
    expect(changed(null, demand(rule(1)))).toBeNull();
  });
});

describe("turning synchronous commit on (L4)", () => {
  test("a demand proves nothing yet", () => {
    expect(coverage(after(demand(rule(1))))).toEqual({ kind: "pending", rule: rule(1) });
  });

  test("a proof covers from its position on", () => {
    expect(coverage(after(demand(rule(1)), prove(rule(1))))).toEqual({
      kind: "proved",
      rules: [rule(1)],
      since,
    });
  });

  test("a proof of another rule than the demanded one is not taken", () => {
    expect(changed(after(demand(rule(1))), prove(rule(2)))).toBeNull();
  });
});

describe("turning it off (L4)", () => {
  test("withdraws the proof with the demand", () => {
    const off = after(demand(rule(1)), prove(rule(1)), demand(null));
    expect(coverage(off)).toEqual({ kind: "none" });
    expect(isSettled(off)).toBe(true);
  });
});

describe("a change of W or N (L4)", () => {
  test("needs the old and the new arithmetic until the new rule is proved", () => {
    const changing = after(demand(rule(1)), prove(rule(1)), demand(rule(2)));
    expect(coverage(changing)).toEqual({ kind: "proved", rules: [rule(1), rule(2)], since });
    expect(isSettled(changing)).toBe(false);
    const done = after(demand(rule(1)), prove(rule(1)), demand(rule(2)), prove(rule(2), later));
    expect(coverage(done)).toEqual({ kind: "proved", rules: [rule(2)], since: later });
  });

  test("that was interrupted and replaced keeps the arithmetic of all three", () => {
    const all = { ...rule(1), commit: "remote_apply" } as const;
    const twice = after(demand(rule(1)), prove(rule(1)), demand(rule(2)), demand(all));
    expect(coverage(twice)).toMatchObject({ rules: [rule(1), rule(2), all] });
  });

  test("from a rule that was never proved there is nothing old to keep", () => {
    expect(after(demand(rule(1)), demand(rule(2))).proofs).toEqual([
      { rule: rule(2), since: null, afterWeakCommit: false },
    ]);
  });
});

describe("doubt", () => {
  test("keeps the demand and forgets the proof", () => {
    const doubted = after(demand(rule(1)), prove(rule(1)), { kind: "doubt", afterWeakCommit: true });
    expect(coverage(doubted)).toEqual({ kind: "pending", rule: rule(1) });
    expect(doubted.proofs[0]?.afterWeakCommit).toBe(true);
  });

  test("about statements that waited for nobody outlives a change of mind, until a rule is proved", () => {
    const still = after(demand(rule(1), true), demand(rule(2)));
    expect(still.proofs[0]?.afterWeakCommit).toBe(true);
    expect(after(demand(rule(1), true), demand(rule(2)), prove(rule(2))).proofs[0]?.afterWeakCommit).toBe(
      false,
    );
  });
});

describe("whatever happens to the record", () => {
  const change = fc.oneof(
    fc.integer({ min: 1, max: 3 }).map((acks) => demand(rule(acks))),
    fc.constant(demand(null)),
    fc.boolean().map((afterWeakCommit): AuthorityChange => ({ kind: "doubt", afterWeakCommit })),
    fc.integer({ min: 1, max: 3 }).map((acks) => prove(rule(acks))),
  );

  test("only the last proof may be pending beside proved ones, and nothing is covered without a demand", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const record = changes.reduce<Authority>(
          (before, each) => changed(before, each) ?? before,
          founded as Authority,
        );
        if (record.rule === null) expect(record.proofs).toEqual([]);
        else expect(record.proofs.at(-1)?.rule).toEqual(record.rule);
        const [first] = record.proofs;
        if (first?.since === null) expect(record.proofs).toHaveLength(1);
        expect(record).toMatchObject({ term: 1, primary: "pg1" });
      }),
    );
  });
});
