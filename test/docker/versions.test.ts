// Every supported major version of PostgreSQL, for real: made, grown, and switched to quorum.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type TestCluster, startCluster } from "../setup/cluster.ts";
import { testImage } from "../setup/images.ts";

/** Removed in the end also where the test ran out of time. */
async function clusterOf(tag: string, major: number, bare = false): Promise<TestCluster> {
  const demo = await startCluster({
    nodes: 2,
    image: testImage(tag),
    bare,
    init: ["--postgres", String(major)],
  });
  onTestFinished(() => demo[Symbol.asyncDispose]());
  return demo;
}

describe("PostgreSQL", () => {
  test.each([15, 17, 18])("%i is made, confirms in quorum, and grows", async (major) => {
    const demo = await clusterOf(String(major), major);
    await demo.ok("mode", "quorum");
    await demo.ok("add-standby", "pg3");
    const status = await demo.status();
    expect(status).toMatchObject({
      verdict: "healthy",
      commit: { mode: "quorum", proof: "proved", confirmers: ["pg2", "pg3"] },
    });
    const versions = status.nodes.map((node) => Math.floor(Number(node["serverVersion"]) / 10_000));
    expect(versions).toEqual([major, major, major]);
    expect((await demo.ok("up")).stderr).toContain("Nothing to do");
  });
});

test("a version that is too old is refused before anything is made", async () => {
  const demo = await clusterOf("17", 17, true);
  const asked = await demo.cli("init", "--name", demo.name, "--runtime", "docker", "--postgres", "14");
  expect(asked.code).toBe(2);
  expect(asked.stderr).toMatch(/14/);
  await writeFile(
    join(demo.folder, "pgrep-kit.yaml"),
    `name: ${demo.name}\npostgres: 14\nruntime: docker\nnodes: [{ name: pg1 }]\n`,
  );
  const written = await demo.cli("up");
  expect(written.code).toBe(2);
  expect(written.stderr).toMatch(/pgrep-kit\.yaml:2:11: .*14/);
  expect(written.stderr).toMatch(/hint: .*15/);
});

describe("an image that holds another version than the file says", () => {
  // The first tells its version by its environment, the second only by what its programs make.
  test.each(["17", "17-busybox"])("%s is refused, and no data is made", async (tag) => {
    const demo = await clusterOf(tag, 15, true);
    const wrong = await demo.cli(...demo.initArguments);
    expect(wrong.code).toBe(4);
    expect(wrong.stderr).toMatch(/PostgreSQL 17[^]*15/);
    expect(wrong.stderr).toMatch(/^hint: /m);
    // What is known of the image beforehand keeps the file from being written, too.
    if (tag === "17") expect(await readdir(demo.folder)).toEqual([]);
    else expect((await demo.status()).verdict).toBe("empty");
  });
});
