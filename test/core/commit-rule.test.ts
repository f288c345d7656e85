import { describe, expect, test } from "vitest";
import { confirmers, ruleOf, sameRule, synchronousStandbyNames } from "../../src/core/commit-rule.ts";
import { arithmetic } from "../../src/core/quorum.ts";
import { cluster } from "./builders/world.ts";

const three = () => cluster().primary("pg1", "0/5000").standby("pg2", "0/5000").standby("pg3", "0/5000");

describe("the rule that the file asks for", () => {
  test("async asks for none", () => {
    expect(ruleOf(three().build().spec)).toBeNull();
    expect(synchronousStandbyNames(null)).toBe("");
  });

  test("names every node, the primary as well, so that nothing changes at a promotion", () => {
    const rule = ruleOf(three().quorum(1).build().spec);
    expect(synchronousStandbyNames(rule)).toBe("ANY 1 (pg1, pg2, pg3)");
  });

  test("sync names them in the order of their priority", () => {
    const { spec } = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5000", { priority: 5 })
      .sync(1)
      .build();
    expect(synchronousStandbyNames(ruleOf(spec))).toBe("FIRST 1 (pg3, pg1, pg2)");
  });

  test("leaves out a cascaded standby, which is not connected to the primary", () => {
    const { spec } = three().standby("pg4", "0/5000", { upstream: "pg2" }).quorum(1).build();
    expect(ruleOf(spec)?.listed).toEqual(["pg1", "pg2", "pg3"]);
  });

  test("is limited to `among`", () => {
    const { spec } = three()
      .quorum(1, { among: ["pg3"] })
      .build();
    expect(synchronousStandbyNames(ruleOf(spec))).toBe("ANY 1 (pg3)");
  });

  test("quorum names them in one order, whatever order the file has, so that no reordering looks like another rule", () => {
    const { spec } = three().quorum(1).build();
    const reordered = { ...spec, nodes: spec.nodes.toReversed() };
    expect(synchronousStandbyNames(ruleOf(reordered))).toBe(synchronousStandbyNames(ruleOf(spec)));
  });

  test("quotes names that PostgreSQL would read otherwise", () => {
    const { spec } = cluster().primary("db-1", "0/5000").standby("any", "0/5000").quorum(1).build();
    expect(synchronousStandbyNames(ruleOf(spec))).toBe('ANY 1 ("any", "db-1")');
  });

  test("differs by level, too", () => {
    const on = ruleOf(three().quorum(1).build().spec);
    const apply = ruleOf(three().quorum(1, { commit: "remote_apply" }).build().spec);
    expect(sameRule(on, on)).toBe(true);
    expect(sameRule(on, apply)).toBe(false);
    expect(sameRule(on, null)).toBe(false);
  });
});

describe("R + W > N", () => {
  const rule = (acks: number) =>
    ({ method: "ANY", acks, listed: ["pg1", "pg2", "pg3", "pg4"], commit: "on" }) as const;

  test("does not count the primary, which cannot confirm to itself", () => {
    expect(confirmers(rule(1), "pg1")).toEqual(["pg2", "pg3", "pg4"]);
  });

  test("1 of 3 confirms: all three must be reached", () => {
    expect(arithmetic(rule(1), "pg1", ["pg2", "pg3", "pg4"]).holds).toBe(true);
    expect(arithmetic(rule(1), "pg1", ["pg2", "pg3"]).holds).toBe(false);
  });

  test("2 of 3 confirm: two suffice, one does not", () => {
    expect(arithmetic(rule(2), "pg1", ["pg2", "pg4"]).holds).toBe(true);
    expect(arithmetic(rule(2), "pg1", ["pg4"]).holds).toBe(false);
  });

  test("nodes that the rule does not list add nothing", () => {
    expect(arithmetic(rule(2), "pg1", ["pg2", "pg9"]).holds).toBe(false);
  });
});
