// Images that cannot be had: `init` writes nothing then, so that what its hint says can be done.
import { readdir } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { emptyFolder, runCli } from "../setup/run-cli.ts";
import { startCluster } from "../setup/cluster.ts";
import { IMAGE, docker } from "./docker-cluster.ts";

/** No registry has this name: `.invalid` never resolves. */
const NOWHERE = "registry.invalid/postgres:17";

test("init without its image writes nothing, and goes on with the one that its hint asks for", async () => {
  await using folder = await emptyFolder();
  const cli = (...args: string[]) => runCli({ folder: folder.path }, ...args);
  const init = [
    "init",
    "--runtime",
    "docker",
    "--nodes",
    "1",
    "--name",
    `t${randomBytes(4).toString("hex")}`,
  ];
  try {
    const missing = await cli(...init, "--image", NOWHERE);
    expect([missing.code, missing.stderr]).toEqual([
      4,
      expect.stringContaining(`the image ${NOWHERE} is missing`),
    ]);
    expect(missing.stderr.replaceAll(/\s+/g, " ")).toMatch(/hint: .* for a new cluster with --image/);
    expect(await readdir(folder.path)).toEqual([]);
    const other = await cli(...init, "--image", "pgrep-kit-test/postgres:15", "--postgres", "17");
    expect([other.code, other.stderr]).toEqual([
      4,
      expect.stringMatching(/holds PostgreSQL 15[^]*--postgres 15/),
    ]);
    expect(await readdir(folder.path)).toEqual([]);
    const made = await cli(...init, "--image", IMAGE);
    expect([made.code, made.stderr]).toEqual([0, expect.stringMatching(/^Written +pgrep-kit\.yaml/m)]);
  } finally {
    await cli("destroy", "--yes");
  }
});

test("a cluster whose image is gone still changes its mode and stops; only a start misses it", async () => {
  const tag = `pgrep-kit-test/gone:${randomBytes(4).toString("hex")}`;
  await docker("tag", IMAGE, tag);
  await using demo = await startCluster({ nodes: 2, image: tag });
  await docker("rmi", tag);
  await demo.ok("mode", "sync");
  await demo.ok("down");
  const { code, stderr } = await demo.cli("up");
  expect([code, stderr]).toEqual([4, expect.stringContaining(`the image ${tag} is missing`)]);
});
