// A copy is on the disk, with the signal that makes it a standby, before it bears its name. Run with programs that only
// note that they were called, for what reaches a disk cannot be seen from here.
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const templates = fileURLToPath(new URL("../../templates/node", import.meta.url));

const PROGRAMS = {
  pg_basebackup: `for word; do case $word in --pgdata=*) mkdir "\${word#*=}"; echo 17 >"\${word#*=}/PG_VERSION";; esac; done`,
  initdb: `for word; do case $word in --pgdata=*) mkdir "\${word#*=}"; echo 17 >"\${word#*=}/PG_VERSION";; esac; done`,
  mv: `echo "mv $*" >>calls; exec /bin/mv "$@"`,
};
/** macOS's takes no arguments; there they are refused here, so that the fallback is seen. */
const SYNC = { files: `echo "sync $*" >>calls`, none: `echo "sync $*" >>calls; [ $# -eq 0 ]` };

async function callsOf(script: string, sync: keyof typeof SYNC, ...more: string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-copy-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, body] of Object.entries({ ...PROGRAMS, sync: SYNC[sync] })) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
  await promisify(execFile)("sh", [join(templates, script), folder, ...more], { env });
  const calls = await readFile(join(folder, "calls"), "utf8");
  const lines = calls.trimEnd().split("\n");
  return lines.map((line) => line.replaceAll(/\.new\.\d+/g, ".new").trimEnd());
}

test.each(["files", "none"] as const)(
  "a clone is on the disk before it bears its name, also where sync takes no files (takes %s)",
  async (sync) => {
    const all = sync === "none" ? ["sync"] : [];
    expect(await callsOf("clone.sh", sync, "host=pg1", "pg2")).toEqual([
      "sync data.new/standby.signal data.new",
      ...all,
      "mv data.new data",
      "sync .",
      ...all,
    ]);
  },
);

test.each(["files", "none"] as const)(
  "the name of a new data directory is on the disk, also where sync takes no files (takes %s)",
  async (sync) => {
    const all = sync === "none" ? ["sync"] : [];
    expect(await callsOf("initialise.sh", sync, "17")).toEqual(["mv data.new data", "sync .", ...all]);
  },
);
