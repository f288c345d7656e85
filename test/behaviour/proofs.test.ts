// What a proof must never rest on (law L4): copies under way, and a primary whose data is older than it was.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";

describe("what a proof rests on", () => {
  let demo: TestCluster;
  beforeAll(async () => {
    demo = await startCluster({ nodes: 2, init: ["--mode", "quorum"] });
  });
  afterAll(() => demo[Symbol.asyncDispose]());

  test("a copy under way confirms no commit: it does not bear the name of the standby that it will be", async () => {
    const client = await demo.connect("pg1");
    const adding = demo.begin("add-standby", "pg3");
    let copies = 0;
    try {
      await eventually(
        "the copy of pg3 to begin and to end",
        async () => {
          const journal = await demo.readFile(".pgrep-kit/journal.ndjson");
          const { rows } = await client.query<{ name: string; sync: string }>(
            "SELECT application_name AS name, sync_state AS sync FROM pg_stat_replication",
          );
          const copied = /"kind":"step-end","step":"clone","node":"pg3"/.test(
            await demo.readFile(".pgrep-kit/journal.ndjson"),
          );
          if (copied) return true;
          if (/"kind":"step-begin","step":"clone","node":"pg3"/.test(journal)) {
            copies += rows.filter((row) => row.name === "pg_basebackup").length;
            expect(rows.filter((row) => row.name === "pg3")).toEqual([]);
            expect(rows.filter((row) => row.name === "pg_basebackup" && row.sync !== "async")).toEqual([]);
          }
          return false;
        },
        60_000,
      );
    } finally {
      await client.end();
    }
    expect((await adding.result).code).toBe(0);
    expect(copies).toBeGreaterThan(0);
  });

  test("a primary that was given an old copy of its data is neither started nor believed", async () => {
    const inPg1 = async (script: string): Promise<void> => {
      // Closed each time: while it works on the node no command may.
      const host = await demo.host();
      try {
        const argv = ["sh", "-c", `cd "$1" && ${script}`, "sh", host.paths("pg1").root];
        expect(await host.run("pg1", { argv, timeoutMs: 30_000 })).toMatchObject({ exitCode: 0 });
      } finally {
        await host.close();
      }
    };
    await demo.ok("down");
    await inPg1("cp -a data old");
    await demo.ok("up");
    await demo.sql("pg1", "CREATE TABLE later AS SELECT generate_series(1, 1000) AS id");
    await demo.ok("down");
    await inPg1("mv data newest && mv old data");
    const refused = await demo.cli("up");
    expect(refused.stderr).toContain("primary-behind");
    expect(refused.code).toBe(3);
    const status = await demo.status();
    expect(status.findings.map((finding) => finding.code)).toContain("primary-behind");
    // With its newest data back in place it is what it was.
    await inPg1("rm -rf data && mv newest data");
    await demo.ok("up");
    expect(await demo.sql("pg2", "SELECT count(*)::int AS count FROM later")).toEqual([{ count: 1000 }]);
  });
});
