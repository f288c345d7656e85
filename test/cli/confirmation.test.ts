// A person at a terminal who is asked, and does not answer: `script` (util-linux) is the terminal.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAIN } from "../setup/run-cli.ts";
import { madeCluster } from "./made-cluster.ts";

const isThere = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux") === true;

test.runIf(isThere).each([
  ["^D", "\u0004", 2, "not confirmed"],
  ["^C", "\u0003", 130, "interrupted"],
  ["no", "no\r", 2, "not confirmed"],
])("%s at a confirmation leaves everything as it was", async (_, keys, code, words) => {
  await using folder = await madeCluster();
  const command = `'${process.execPath}' '${MAIN}' destroy`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: folder.path });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const wasAsked = shown.includes("[y/N]");
    shown += text;
    if (!wasAsked && shown.includes("[y/N]")) child.stdin.write(keys);
  });
  const [ended] = (await once(child, "close")) as [number | null];
  expect([ended, shown]).toEqual([code, expect.stringContaining(words)]);
  expect(shown).not.toContain("this is a bug");
  await access(join(folder.path, ".pgrep-kit", "cluster.json"));
});
