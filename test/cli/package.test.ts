// The packed tarball, installed in an empty folder elsewhere: everything that the command needs is in it, and nothing else.
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliResult, type EmptyFolder, emptyFolder, runCli } from "../setup/run-cli.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const exec = promisify(execFile);

let folder: EmptyFolder;
let packed: readonly string[];
beforeAll(async () => {
  folder = await emptyFolder();
  // The build is there already, and a second one would replace it under other tests.
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder.path];
  const { stdout } = await exec("npm", pack, { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = files.map((file) => file.path);
  await installOffline(join(folder.path, filename));
}, 60_000);
afterAll(() => folder[Symbol.asyncDispose]());

/**
 * As `npm install TARBALL` lays it out, with no registry asked: the package unpacked, its dependencies (and theirs) taken
 * from the repository's own installation, its command linked.
 */
async function installOffline(tarball: string): Promise<void> {
  const modules = join(folder.path, "node_modules");
  const home = join(modules, "pgrep-kit");
  await mkdir(home, { recursive: true });
  await exec("tar", ["-xzf", tarball, "-C", home, "--strip-components=1"]);
  for (const name of await dependencies(join(home, "package.json"), new Set())) {
    await mkdir(join(modules, name, ".."), { recursive: true });
    await cp(join(root, "node_modules", name), join(modules, name), { recursive: true, dereference: true });
  }
  await mkdir(join(modules, ".bin"));
  const { bin } = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
    bin: Record<string, string>;
  };
  for (const [name, path] of Object.entries(bin)) {
    await symlink(join("..", "pgrep-kit", path), join(modules, ".bin", name));
    await exec("chmod", ["755", join(home, path)]);
  }
  await writeFile(join(folder.path, "package.json"), "{}");
}

/** All that the package asks for at run time, and what that asks for; development's own things are left out. */
async function dependencies(manifest: string, known: Set<string>): Promise<Set<string>> {
  const { dependencies: wanted = {} } = JSON.parse(await readFile(manifest, "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const each of Object.keys(wanted)) {
    if (known.has(each)) continue;
    known.add(each);
    const hoisted = join(root, "node_modules", each, "package.json");
    // One that lies within its dependent comes along with it.
    await dependencies(hoisted, known).catch(() => known.delete(each));
  }
  return known;
}

function installed(...args: string[]): Promise<CliResult> {
  const main = join(folder.path, "node_modules", ".bin", "pgrep-kit");
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

test("init --dry-run prints a whole file, and the templates of the nodes are found", async () => {
  await using empty = await emptyFolder();
  const main = join(folder.path, "node_modules", ".bin", "pgrep-kit");
  const { code, stdout } = await runCli(
    { folder: empty.path, main },
    "init",
    "--runtime",
    "docker",
    "--dry-run",
  );
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^# A PostgreSQL cluster[^]*name: demo\n/)]);
  const module = join(folder.path, "node_modules", "pgrep-kit", "dist", "runtime", "templates.js");
  const look = `const { template } = await import(${JSON.stringify(module)});
    for (const name of ["postgresql.conf", "pg_hba.conf", "node/run.sh", "node/clone.sh", "node/initialise.sh", "node/inspect.sh", "samples/ecommerce.sql"])
      if ((await template(name)).length < 10) process.exit(1);`;
  await exec(process.execPath, ["--input-type=module", "-e", look], { cwd: empty.path });
});
