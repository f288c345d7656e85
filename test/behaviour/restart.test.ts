// Servers that go and come back: one after another, all at once, and all killed; data and roles stay.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

const NODES = ["pg1", "pg2", "pg3"];

let demo: TestCluster;
let host: NodeHost;
beforeAll(async () => {
  demo = await startCluster({ nodes: 3, init: ["--mode", "quorum"] });
  host = await demo.host();
  await demo.sql("pg1", "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id");
});
afterAll(async () => {
  await host?.close();
  await demo?.[Symbol.asyncDispose]();
});

async function startTimes(): Promise<Record<string, number>> {
  const query = "SELECT extract(epoch FROM pg_postmaster_start_time())::float8 AS at";
  const rows = await Promise.all(
    NODES.map(async (node) => [node, Number((await demo.sql(node, query))[0]?.["at"])] as const),
  );
  return Object.fromEntries(rows);
}

async function nothingLost(): Promise<void> {
  const status = await eventually("a healthy cluster", async () => {
    const status = await demo.status();
    return status.verdict === "healthy" && status;
  });
  expect(status).toMatchObject({ primary: "pg1", term: 1, commit: { mode: "quorum", proof: "proved" } });
  for (const node of NODES) {
    await eventually(`every row on ${node}`, async () => {
      const [row] = await demo.sql(node, "SELECT count(*)::int AS rows FROM kept");
      return row?.["rows"] === 1000;
    });
  }
}

test("one standby is restarted alone, without a confirmation", async () => {
  const before = await startTimes();
  await demo.ok("restart", "pg2");
  const after = await startTimes();
  expect(after["pg2"]).toBeGreaterThan(before["pg2"]!);
  expect([after["pg1"], after["pg3"]]).toEqual([before["pg1"], before["pg3"]]);
});

test("a restart of the primary needs a confirmation, and is shown before", async () => {
  const before = await startTimes();
  for (const args of [["restart"], ["restart", "pg1"]]) {
    const refused = await demo.cli(...args);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/pg1 is the primary/);
  }
  expect((await demo.ok("restart", "--dry-run")).stdout).toMatch(/stop pg2[^]*stop pg3[^]*stop pg1/);
  expect(await startTimes()).toEqual(before);
});

test("a rolling restart takes the standbys first, one at a time, and the primary last", async () => {
  const begun = await startTimes();
  await demo.ok("restart", "--yes");
  const times = await startTimes();
  for (const node of NODES) expect(times[node]).toBeGreaterThan(begun[node]!);
  expect(NODES.toSorted((a, b) => times[a]! - times[b]!)).toEqual(["pg2", "pg3", "pg1"]);
  await nothingLost();
});

test("down stops every server cleanly, up brings all back with their data and roles", async () => {
  await demo.ok("down");
  for (const [, node] of await host.list()) expect(node.state).toBe("stopped");
  expect((await demo.ok("down")).stderr).toContain("Nothing runs.");
  await demo.ok("up");
  await nothingLost();
  expect((await demo.ok("up")).stderr).toContain("Nothing to do");
});

test("with every server killed at once, up brings all back", async () => {
  await Promise.all(NODES.map((node) => host.kill(node)));
  expect((await demo.cli("up", "--dry-run")).code).toBe(0);
  await demo.ok("up");
  await nothingLost();
});

test("with only the primary killed, up starts it again and the standbys go on", async () => {
  const before = await startTimes();
  await host.kill("pg1");
  await demo.ok("up");
  await nothingLost();
  const after = await startTimes();
  expect([after["pg2"], after["pg3"]]).toEqual([before["pg2"], before["pg3"]]);
});

test("a frozen standby is stopped by down all the same", async () => {
  await host.pause("pg3");
  await demo.ok("down");
  for (const [, node] of await host.list()) expect(node.state).toBe("stopped");
  await demo.ok("up");
  await nothingLost();
});
