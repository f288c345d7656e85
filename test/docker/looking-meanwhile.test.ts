// The commands as people use them: who looks at the cluster while it is being made or grows ends no copy under way.
import { expect, test } from "vitest";
import { type RunningCommand, type TestCluster, startCluster } from "../setup/cluster.ts";

/** Looks again and again until the command has ended; answers what it said, and how the looks ended. */
async function lookedAt(demo: TestCluster, { result, child }: RunningCommand): Promise<(number | null)[]> {
  const codes: (number | null)[] = [];
  while (child.exitCode === null) {
    const looks = await Promise.all([demo.cli("status", "-o", "json"), demo.cli("lag", "-o", "json")]);
    codes.push(...looks.map((look) => look.code));
  }
  const { code, stderr } = await result;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return codes;
}

test("status and lag during init and add-standby leave both alone", async () => {
  await using demo = await startCluster({ nodes: 2, bare: true });
  await lookedAt(demo, demo.begin(...demo.initArguments));
  await demo.sql(
    "pg1",
    "CREATE TABLE large AS SELECT i, repeat(md5(i::text), 10) AS t FROM generate_series(1, 200000) AS i",
  );
  const codes = await lookedAt(demo, demo.begin("add-standby", "pg3"));
  expect(codes.length).toBeGreaterThan(0);
  // 4: the engine or a server failed; 70: our bug. A copy under way is neither.
  expect(codes.filter((code) => code === null || code > 3)).toEqual([]);
  expect(await demo.status()).toMatchObject({ verdict: "healthy" });
}, 300_000);

test("any number of commands look at a stopped node at once", async () => {
  await using demo = await startCluster({ nodes: 2 });
  const host = await demo.host();
  await host.stop("pg2", 30_000);
  await host.close();
  const looks = await Promise.all([demo.status(), demo.status(), demo.status()]);
  for (const look of looks) {
    expect(look.nodes.find((node) => node.name === "pg2")).toMatchObject({ state: "stopped" });
  }
});
