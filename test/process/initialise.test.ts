// The superuser's password is on the node for as long as initdb needs it, and not a moment longer.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { template } from "../../src/runtime/templates.ts";

test.each([
  ["fails", "exit 1"],
  ["is ended by a signal", "kill -TERM $PPID; exit 1"],
  ["is of another version", 'mkdir "${1#--pgdata=}"; echo 16 >"${1#--pgdata=}/PG_VERSION"'],
])("no password is left behind by an initdb that %s", async (_, script) => {
  const root = await mkdtemp(join(tmpdir(), "pgrep-kit-initialise-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, "conf"));
  await mkdir(join(root, "bin"));
  await writeFile(join(root, "conf", "superuser"), "secret\n", { mode: 0o600 });
  await writeFile(join(root, "bin", "initdb"), `#!/bin/sh\n${script}\n`);
  await chmod(join(root, "bin", "initdb"), 0o755);
  const env = { PATH: `${join(root, "bin")}:/usr/bin:/bin` };
  const argv = ["-c", await template("node/initialise.sh"), "initialise", root, "17"];
  await expect(promisify(execFile)("sh", argv, { env })).rejects.toMatchObject({ code: 1 });
  expect(await readdir(join(root, "conf"))).toEqual([]);
  expect(await readdir(root)).not.toContain("data");
});
