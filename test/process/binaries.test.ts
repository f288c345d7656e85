// Which server binaries are found and chosen; programs are played by scripts that print what PostgreSQL's print.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  chooseBinaries,
  findBinaries,
  NEEDED_BINARIES,
  searchBinaries,
} from "../../src/runtime/process/binaries.ts";

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "pgrep-kit-bin-"));
});
afterAll(async () => rm(place, { recursive: true }));

async function install(
  folder: string,
  version: string,
  programs: readonly string[] = NEEDED_BINARIES,
): Promise<string> {
  const bin = join(place, folder);
  await mkdir(bin, { recursive: true });
  for (const program of programs) {
    await writeFile(join(bin, program), `#!/bin/sh\necho "${program} (PostgreSQL) ${version}"\n`, {
      mode: 0o755,
    });
  }
  return bin;
}

test("the machine's own binaries are found, with the version that they print", async () => {
  const found = await findBinaries(null, process.env);
  expect(found).not.toBeNull();
  const { stdout } = await promisify(execFile)(join(found?.folder ?? "", "postgres"), ["-V"]);
  expect(stdout).toContain(`(PostgreSQL) ${found?.version}`);
  expect(await findBinaries(found?.major ?? 0, {})).toEqual(found);
});

test("a PATH entry that links to one program leads to the folder of all of them", async () => {
  const bin = await install("real/17/bin", "17.2");
  const links = join(place, "links");
  await mkdir(links);
  await symlink(join(bin, "postgres"), join(links, "postgres"));
  expect((await searchBinaries({ PATH: `relative:${links}:${bin}` })).found[0]).toEqual({
    folder: bin,
    major: 17,
    version: "17.2",
  });
});

test("PGREP_KIT_PGBIN is the only place looked at when it is set", async () => {
  const bin = await install("chosen", "18beta1");
  const env = { PATH: process.env["PATH"], PGREP_KIT_PGBIN: bin };
  expect(await findBinaries(null, env)).toEqual({ folder: bin, major: 18, version: "18beta1" });
  expect(await findBinaries(15, env)).toBeNull();
  expect((await searchBinaries(env)).looked).toEqual([`PGREP_KIT_PGBIN (${bin})`]);
});

test("a folder without one of the needed programs is not used, and is reported with what it lacks", async () => {
  const bin = await install("partial", "17.2", ["postgres", "initdb", "pg_controldata"]);
  const search = await searchBinaries({ PGREP_KIT_PGBIN: bin });
  expect(search.found).toEqual([]);
  expect(search.incomplete).toEqual([{ folder: bin, missing: ["pg_basebackup"] }]);
});

test("the wanted version is chosen wherever it stands; without a wish, the first one that is supported", async () => {
  const folders = [await install("a", "13.9"), await install("b", "16.1"), await install("c", "17.0")];
  const search = await searchBinaries({ PATH: folders.join(":") });
  expect(chooseBinaries(17, search)?.folder).toBe(folders[2]);
  expect(chooseBinaries(13, search)?.folder).toBe(folders[0]);
  expect(chooseBinaries(14, search)).toBeNull();
  expect(chooseBinaries(null, search)?.folder).toBe(folders[1]);
  const oldOnly = await searchBinaries({ PGREP_KIT_PGBIN: folders[0] });
  expect(chooseBinaries(null, oldOnly)?.version).toBe("13.9");
});

test("without any binaries the answer is null", async () => {
  expect(await findBinaries(null, { PGREP_KIT_PGBIN: join(place, "nowhere") })).toBeNull();
});
