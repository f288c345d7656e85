// The packed program, installed in a folder elsewhere, makes a cluster: nothing that it reads or loads was left behind.
import { expect, test } from "vitest";
import { startCluster } from "../setup/cluster.ts";
import { installPackage } from "../setup/installed-package.ts";
import { emptyFolder, runCli } from "../setup/run-cli.ts";

test("the installed package makes a cluster with sample data, changes its mode, and removes it", async () => {
  await using elsewhere = await emptyFolder();
  await using demo = await startCluster({ nodes: 2, bare: true });
  const { main } = await installPackage(elsewhere.path);
  const run = { folder: demo.folder, main };
  for (const argv of [
    [...demo.initArguments, "--sample", "ecommerce"],
    ["status"],
    ["mode", "sync"],
    ["doctor", "-o", "json"],
    ["restart", "pg2"],
  ]) {
    const { code, stdout, stderr } = await runCli(run, ...argv);
    expect([argv[0], code, argv[0] === "doctor" ? "" : (stderr.match(/error:.*/) ?? "")]).toEqual([
      argv[0],
      0,
      "",
    ]);
    if (argv[0] === "status") expect(stdout).toMatch(/pg2 +standby +streaming/);
  }
  expect((await runCli(run, "destroy", "--yes")).code).toBe(0);
}, 200_000);
