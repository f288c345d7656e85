// The packed tarball, installed in an empty folder elsewhere: everything that the command needs is in it, and nothing else.
import { execFile } from "node:child_process";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPackage } from "../setup/installed-package.ts";
import { type CliResult, type EmptyFolder, emptyFolder, runCli } from "../setup/run-cli.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const exec = promisify(execFile);

let folder: EmptyFolder;
let packed: readonly string[];
let main: string;
beforeAll(async () => {
  folder = await emptyFolder();
  ({ packed, main } = await installPackage(folder.path));
}, 60_000);
afterAll(() => folder[Symbol.asyncDispose]());

function installed(...args: string[]): Promise<CliResult> {
  return runCli({ folder: folder.path, env: { DOCKER_HOST: "unix:///nonexistent" }, main }, ...args);
}

test("holds what is needed to run and to read, and nothing of the tests and sources", () => {
  for (const needed of [
    "dist/cli/main.js",
    "templates/postgresql.conf",
    "templates/node/clone.sh",
    "LICENSE",
    "README.md",
    "package.json",
  ]) {
    expect(packed).toContain(needed);
  }
  expect(packed.filter((path) => /^(src|test|\.ci|node_modules)\/|\.test\.|credentials/.test(path))).toEqual(
    [],
  );
});

test("carries the licence of every package that its program contains", async () => {
  const licences = await readFile(
    join(folder.path, "node_modules/pgrep-kit/dist/THIRD-PARTY-LICENCES.md"),
    "utf8",
  );
  const named = [...licences.matchAll(/^## (\S+) [\d.]+ \((MIT|ISC)\)$/gm)].map(([, name]) => name);
  expect(named).toEqual(expect.arrayContaining(["commander", "pg", "pg-protocol", "yaml"]));
  expect(licences.match(/^## /gm)).toHaveLength(named.length);
});

test("has one command, pgrep-kit, and none called pgrep", async () => {
  expect(await readdir(join(folder.path, "node_modules", ".bin"))).toEqual(["pgrep-kit"]);
});

test("starts by its own name through npx, and explains itself", async () => {
  const { stdout } = await exec("npx", ["--no-install", "pgrep-kit", "--help"], { cwd: folder.path });
  expect(stdout).toMatch(/^Usage: pgrep-kit [^]*Examples:/);
  expect((await installed("--version")).stdout.trim()).toBe(
    (JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string }).version,
  );
});

test("every verb's own modules are there", async () => {
  const { stdout } = await installed("--help");
  const verbs = [...stdout.matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, verb = ""]) => verb);
  expect(verbs.length).toBeGreaterThan(10);
  await writeFile(
    join(folder.path, "pgrep-kit.yaml"),
    "name: demo\npostgres: 17\nruntime: docker\nnodes: [{ name: pg1 }, { name: pg2 }]\n",
  );
  for (const verb of verbs.filter((each) => each !== "init")) {
    const node = ["logs", "add-standby", "remove-standby"].includes(verb) ? ["pg2"] : [];
    const { code, stderr } = await installed(verb, ...node);
    expect([verb, code, stderr]).toEqual([
      verb,
      expect.any(Number),
      expect.not.stringMatching(/this is a bug|ERR_MODULE_NOT_FOUND/),
    ]);
  }
});

test("init --dry-run prints a whole file", async () => {
  await using empty = await emptyFolder();
  const { code, stdout } = await runCli(
    { folder: empty.path, main },
    "init",
    "--runtime",
    "docker",
    "--dry-run",
  );
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^# A PostgreSQL cluster[^]*name: demo\n/)]);
});
