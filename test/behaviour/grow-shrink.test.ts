// Standbys that come and go: in the file, in the cluster, in the commit rule, and in what is kept for them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

let demo: TestCluster;
let host: NodeHost;
beforeAll(async () => {
  demo = await startCluster({ nodes: 2, init: ["--mode", "quorum"] });
  host = await demo.host();
});
afterAll(async () => {
  await host?.close();
  await demo?.[Symbol.asyncDispose]();
});

const file = (): Promise<string> => demo.readFile("pgrep-kit.yaml");

async function slots(node: string): Promise<string[]> {
  const rows = await demo.sql(
    node,
    "SELECT slot_name || CASE WHEN active THEN '' ELSE ' idle' END AS slot FROM pg_replication_slots ORDER BY 1",
  );
  return rows.map((row) => String(row["slot"]));
}

async function rule(): Promise<unknown> {
  return (await demo.sql("pg1", "SELECT current_setting('synchronous_standby_names') AS rule"))[0]?.["rule"];
}

async function healthy(): Promise<void> {
  await eventually("a healthy cluster", async () => (await demo.status()).verdict === "healthy");
}

test("init in quorum ends with the proof", async () => {
  expect(await rule()).toBe("ANY 1 (pg1, pg2)");
  expect((await demo.status())["commit"]).toMatchObject({ mode: "quorum", proof: "proved" });
});

test("init again says that there is nothing to do, and suggests and claims nothing that is not so", async () => {
  const { stderr } = await demo.ok("init");
  expect(stderr).toMatch(/Nothing to do: pg1, pg2 are as the file says\./);
  expect(stderr).toContain("Primary ");
  expect(stderr).not.toMatch(/Try next|Written/);
});

test("a new standby has the data, a slot, its place in the file, and a voice in the commit rule", async () => {
  await demo.sql("pg1", "CREATE TABLE before_it AS SELECT 1 AS one");
  await demo.ok("add-standby", "pg3", "--priority", "5");
  expect(await file()).toMatch(/name: pg3, priority: 5/);
  expect(await slots("pg1")).toEqual(["pg2", "pg3"]);
  expect(await rule()).toBe("ANY 1 (pg1, pg2, pg3)");
  expect((await demo.status())["commit"]).toMatchObject({ confirmers: ["pg2", "pg3"], proof: "proved" });
  await eventually(
    "the table on pg3",
    async () => (await demo.sql("pg3", "SELECT to_regclass('before_it') AS it"))[0]?.["it"],
  );
  await healthy();
});

test("the same standby added again changes nothing", async () => {
  const before = await file();
  await demo.ok("add-standby", "pg3");
  expect(await file()).toBe(before);
  for (const other of [
    ["--upstream", "pg2"],
    ["--priority", "7"],
    ["--delay", "1h"],
  ]) {
    const { code, stderr } = await demo.cli("add-standby", "pg3", ...other);
    expect([code, stderr]).toEqual([2, expect.stringContaining("with no upstream, priority 5")]);
  }
  expect(await file()).toBe(before);
  await demo.ok("add-standby", "pg3", "--priority", "5");
});

test("a delayed standby receives at once and replays later, and status calls it delayed", async () => {
  expect((await demo.cli("add-standby", "pg5", "--delay", "soon")).code).toBe(2);
  await demo.ok("add-standby", "pg5", "--delay", "1h");
  expect(await file()).toMatch(/name: pg5, delay: 1h/);
  await demo.sql("pg1", "CREATE TABLE not_yet ()");
  const seen = await eventually("pg5 to be delayed", async () => {
    const node = (await demo.status()).nodes.find(({ name }) => name === "pg5");
    return node?.state === "delayed" ? node : null;
  });
  expect(seen.role).toBe("standby");
  expect((await demo.sql("pg5", "SELECT to_regclass('not_yet') AS it"))[0]?.["it"]).toBeNull();
  expect((await demo.ok("history")).stdout).toContain("add-standby pg5 --delay 1h");
  await demo.ok("remove-standby", "pg5", "--yes");
});

test("a cascaded standby receives from its upstream, has its slot there, and confirms nothing", async () => {
  await demo.ok("add-standby", "pg4", "--upstream", "pg2");
  expect(await slots("pg1")).toEqual(["pg2", "pg3"]);
  expect(await slots("pg2")).toEqual(["pg4"]);
  expect(await rule()).toBe("ANY 1 (pg1, pg2, pg3)");
  const { stdout } = await demo.ok("status");
  expect(stdout).toMatch(/├─ pg2 .*\n *│ {2}└─ pg4 +standby +streaming .*\n *└─ pg3/);
  await demo.sql("pg1", "CREATE TABLE through_pg2 ()");
  await eventually(
    "the table on pg4",
    async () => (await demo.sql("pg4", "SELECT to_regclass('through_pg2') AS it"))[0]?.["it"],
  );
  await healthy();
});

test("an upstream with dependents is not removed", async () => {
  const before = await file();
  const refused = await demo.cli("remove-standby", "pg2", "--yes");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/^error: {3}pg4 receives from pg2$/m);
  expect(refused.stderr).toMatch(/^hint: +Remove pg4 first, or give it another upstream/m);
  const unasked = await demo.cli("remove-standby", "pg2");
  expect(unasked.stderr).toBe(refused.stderr);
  expect(await file()).toBe(before);
  expect(await slots("pg1")).toEqual(["pg2", "pg3"]);
});

test("removal needs a confirmation, and the primary is never removed", async () => {
  const unconfirmed = await demo.cli("remove-standby", "pg4");
  expect(unconfirmed.code).toBe(2);
  expect(unconfirmed.stderr).toContain("--yes");
  const before = await file();
  const refused = await demo.cli("remove-standby", "pg1", "--yes");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/^error: {3}pg1 is the primary and cannot be removed$/m);
  expect(await file()).toBe(before);
  expect((await demo.ok("remove-standby", "pg4", "--dry-run")).stdout).toMatch(/pg4/);
  await healthy();
});

test("a mistake in an argument is told of the argument, and not of a line that nobody has written", async () => {
  const before = await file();
  for (const [args, words] of [
    [["add-standby", "pg6", "--upstream", "pg9"], '--upstream pg9: "pg9" is no node of this cluster'],
    [["add-standby", "PG6"], 'add-standby PG6: the node name "PG6" does not begin with a lower-case letter'],
    [["mode", "quorum", "--acks", "3"], "--acks 3: only 2 standbys can confirm"],
    [["mode", "--among", "pg9"], '--among pg9: "pg9" is no node of this cluster'],
  ] as const) {
    const { code, stderr } = await demo.cli(...args);
    expect([code, stderr.split("\n")[0]]).toEqual([2, `error:   ${words}`]);
  }
  expect(await file()).toBe(before);
});

test("the only standby that may confirm is not removed", async () => {
  await demo.ok("mode", "quorum", "--among", "pg3");
  const { code, stderr } = await demo.cli("remove-standby", "pg3", "--yes");
  expect([code, stderr]).toEqual([2, expect.stringMatching(/pg3 is the only node that may confirm commits/)]);
  await demo.ok("mode", "--among", "all");
});

test("a removed standby leaves no data, no slot, no place in the file and no voice", async () => {
  await demo.ok("remove-standby", "pg4", "--yes");
  expect(await slots("pg2")).toEqual([]);
  await demo.ok("remove-standby", "pg3", "--yes");
  expect([...(await host.list()).keys()].toSorted()).toEqual(["pg1", "pg2"]);
  expect(await slots("pg1")).toEqual(["pg2"]);
  expect(await file()).not.toMatch(/name: pg[34]/);
  expect(await rule()).toBe("ANY 1 (pg1, pg2)");
  expect((await demo.status())["commit"]).toMatchObject({ confirmers: ["pg2"], proof: "proved" });
  await healthy();
});

test("a standby that was removed already cannot be removed again", async () => {
  const again = await demo.cli("remove-standby", "pg3", "--yes");
  expect(again.code).toBe(2);
  expect(again.stderr).toMatch(/there is no node "pg3"/);
});

test("a dead standby is removed under quorum, and what waits for it no longer does", async () => {
  await demo.ok("add-standby", "pg3");
  await demo.ok("mode", "quorum", "--acks", "2");
  await host.kill("pg3");
  // Two must confirm and only one is left: without pg3 that would be one too many.
  const refused = await demo.cli("remove-standby", "pg3", "--yes");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(
    /^error: {3}without pg3 only 1 standby could confirm, and replication\.acks is 2$/m,
  );
  expect(refused.stderr).toMatch(/^hint: .*pgrep-kit mode --acks 1$/m);
  // Nothing can be proved of pg3, so that this waits for it; the wish is in the record all the same.
  const fewer = demo.begin("mode", "quorum", "--acks", "1");
  await eventually("the rule to be in effect", async () => (await rule()) === "ANY 1 (pg1, pg2, pg3)");
  fewer.child.kill("SIGINT");
  await fewer.result;
  await demo.ok("remove-standby", "pg3", "--yes");
  expect(await slots("pg1")).toEqual(["pg2"]);
  expect(await rule()).toBe("ANY 1 (pg1, pg2)");
  await healthy();
});

test("a standby may come back under its old name", async () => {
  await demo.ok("add-standby", "pg3");
  expect(await slots("pg1")).toEqual(["pg2", "pg3"]);
  await demo.sql("pg1", "CREATE TABLE after_it ()");
  await eventually(
    "the table on pg3",
    async () => (await demo.sql("pg3", "SELECT to_regclass('after_it') AS it"))[0]?.["it"],
  );
  await healthy();
});

test("a node that was struck out of the file by hand is removed as well, with its slot", async () => {
  const text = await file();
  await demo.writeFile("pgrep-kit.yaml", text.replace(/\n.*name: pg3.*/, ""));
  await demo.ok("remove-standby", "pg3", "--yes");
  expect([...(await host.list()).keys()].toSorted()).toEqual(["pg1", "pg2"]);
  expect(await slots("pg1")).toEqual(["pg2"]);
  await healthy();
});
