// How the command line behaves towards people and programs: help, exit codes, what goes to which stream, colour.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { findBinaries } from "../../src/runtime/process/binaries.ts";
import { type CliResult, type EmptyFolder, emptyFolder, runCli } from "../setup/run-cli.ts";

let folder: EmptyFolder;
beforeAll(async () => {
  folder = await emptyFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const cli = (...args: string[]): Promise<CliResult> => runCli({ folder: folder.path }, ...args);
const FILE = "name: demo\npostgres: 17\nruntime: process\nnodes: [{ name: pg1 }, { name: pg2 }]\n";

/** As the help of the program lists them. */
async function verbs(): Promise<string[]> {
  const { stdout } = await cli("--help");
  return [...stdout.matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, verb = ""]) => verb);
}

let known: Promise<(CliResult & { readonly verb: string })[]> | null = null;

function helps(): Promise<(CliResult & { readonly verb: string })[]> {
  known ??= verbs().then((all) =>
    Promise.all(all.map(async (verb) => ({ verb, ...(await cli(verb, "--help")) }))),
  );
  return known;
}

describe("help", () => {
  test("lists every verb that this version has", async () => {
    expect(await verbs()).toEqual(
      expect.arrayContaining(
        "init destroy up down restart mode add-standby remove-standby status lag doctor history uri psql logs".split(
          " ",
        ),
      ),
    );
  });

  test("of each verb goes to stdout and ends in two examples of it", async () => {
    for (const { verb, code, stdout, stderr } of await helps()) {
      expect([verb, code, stderr]).toEqual([verb, 0, ""]);
      const examples = stdout.trimEnd().split("\n").slice(-3);
      expect(examples[0]).toBe("Examples:");
      for (const example of examples.slice(1))
        expect(example).toMatch(new RegExp(`^ {2}\\$ .*pgrep-kit ${verb}\\b`));
    }
  });

  test("offers a dry run and says what it is for wherever something is changed", async () => {
    const changing = ["init", "destroy", "up", "down", "restart", "mode", "add-standby", "remove-standby"];
    const offering = (await helps()).filter(({ stdout }) =>
      /--dry-run +show what would be done, and change nothing/.test(stdout),
    );
    expect(offering.map(({ verb }) => verb).toSorted()).toEqual(changing.toSorted());
  });

  test("of the program names the version's own option, and --version prints nothing but the version", async () => {
    const { code, stdout, stderr } = await cli("--version");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("says in a sentence what each verb does, and how to name the cluster's file", async () => {
    for (const { verb, stdout } of await helps()) {
      const [usage = "", description = ""] = stdout.split("\n\n");
      expect(usage).toMatch(new RegExp(`^Usage: pgrep-kit ${verb}\\b`));
      expect([verb, description]).toEqual([verb, expect.stringMatching(/^[A-Z][^]*\.$/)]);
      expect(stdout).toContain("--cluster <file>");
    }
  });

  test("of mode says that what is not named stays as the file says", async () => {
    const { stdout } = await cli("mode", "--help");
    const said = stdout.replaceAll(/\s+/g, " ");
    for (const option of ["--acks <number>", "--commit <level>", "--among <nodes>"])
      expect(said).toMatch(new RegExp(`${option} [^(]*\\(default: as the file says\\)`));
  });

  test("is what the word help asks for as well", async () => {
    expect(await cli("help")).toEqual(await cli("--help"));
    expect(await cli("help", "mode")).toEqual(await cli("mode", "--help"));
  });

  test("is what a call without a verb shows, as an error", async () => {
    const { code, stdout, stderr } = await cli();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^Usage: pgrep-kit/);
  });
});

describe("a mistake on the command line ends with 2, a word on stderr and nothing on stdout", () => {
  test.each([
    [["statsu"], /unknown command 'statsu'[^]*Did you mean status/],
    [["status", "--wacht"], /unknown option '--wacht'[^]*Did you mean --watch/],
    [["status", "-o", "xml"], /'xml' is invalid.*table, json, yaml/],
    [["status", "now"], /too many arguments/],
    [["mode", "semi"], /unknown mode 'semi'[^]*async, sync and quorum[^]*pgrep-kit mode --help/],
    [["mode", "qourum"], /unknown mode 'qourum'[^]*Did you mean quorum\?[^]*pgrep-kit mode --help/],
    [["mode", "quorum", "--dry-run", "-o", "yaml"], /dry run shows has no yaml form/],
    [["stop", "pg2"], /unknown command 'stop'[^]*Did you mean down\?[^]*every server/],
    [["start"], /unknown command 'start'[^]*Did you mean up\?/],
    [["help", "statsu"], /unknown command 'statsu'[^]*Did you mean status\?/],
    [["help", "stop"], /Did you mean down\?/],
    [["logs"], /missing required argument 'node'/],
    [["add-standby"], /missing required argument 'node'/],
    [["init", "--nodes", "many"], /--nodes takes a whole number from 1 on, not "many"/],
    [["init", "--nodes", "0"], /--nodes takes a whole number from 1 on, not "0"/],
    [["init", "--nodes", "-3"], /--nodes takes a whole number from 1 on, not "-3"/],
    [["init", "--nodes", "2.5"], /--nodes takes a whole number from 1 on, not "2.5"/],
    [["init", "--postgres", "seventeen"], /--postgres takes a whole number/],
    [["init", "--runtime", "podman"], /'podman' is invalid.*docker, process/],
    [["init", "--sample", "chinook"], /'chinook' is invalid.*ecommerce/],
    [["status", "--interval", "0"], /--interval takes seconds/],
    [["history", "--last", "all"], /--last takes a whole number/],
    [["uri", "--node", "pg1", "--role", "standby"], /cannot be used with option/],
    [["--cluster"], /argument missing/],
  ])("%j", async (args, words) => {
    const { code, stdout, stderr } = await cli(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(/^error: {3}/);
  });

  test.each([
    "failover",
    "switchover --to pg2",
    "promote pg2",
    "rejoin pg1",
    "failover --help",
    "help failover",
  ])("%s, typed in an outage, says that there is none yet and what to do", async (typed) => {
    const { code, stdout, stderr } = await cli(...typed.split(" "));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: {3}this version of pgrep-kit has no \w+ yet\n/);
    expect(stderr).toMatch(/hint: [^]*pgrep-kit\s+up\b[^]*pgrep-kit\s+status\b/);
  });

  test.each([
    [["lag", "--warn", "sixteen"], /"sixteen" is neither bytes nor a time/],
    [["lag", "--foo"], /unknown option '--foo'/],
    [["lag", "--wacht"], /unknown option '--wacht'/],
    [["lag", "-o", "xml"], /'xml' is invalid/],
    [["lag", "now"], /too many arguments/],
    [["lag", "--crit"], /argument missing/],
    [["lag", "--cluster"], /argument missing/],
    [["--cluster", "demo.yaml", "lag", "--foo"], /unknown option '--foo'/],
    [["--foo", "lag"], /unknown option '--foo'/],
  ])("but to a monitoring system lag says unknown, with 3: %j", async (args, words) => {
    const { code, stdout, stderr } = await cli(...args);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^LAG UNKNOWN: [^\n]+\n$/);
    expect(stdout).toMatch(words);
    expect(stderr).toMatch(/^error: {3}/);
    expect(stderr).toMatch(words);
  });

  test("nor does lag put words where JSON was asked for", async () => {
    const { code, stdout, stderr } = await cli("lag", "-o", "json", "--foo");
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^error: {3}unknown option '--foo'/);
  });

  test("and a word that is not the verb is no question of lag's", async () => {
    expect(await cli("--cluster", "lag")).toMatchObject({ code: 2, stdout: "" });
    expect(await cli("logs", "lag", "--foo")).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("without a cluster", () => {
  test.each([
    "status",
    "up",
    "down",
    "restart",
    "mode",
    "uri",
    "psql",
    "history",
    "destroy --yes",
    "logs pg1",
    "remove-standby pg2 --yes",
    "add-standby pg4",
  ])("%s says where it looked and how to make one", async (verb) => {
    const { code, stdout, stderr } = await cli(...verb.split(" "));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^error: {3}there is no pgrep-kit\.yaml in .* or above it\nhint: .*pgrep-kit init/s,
    );
  });

  test("a file named by --cluster or PGREP_KIT_CLUSTER that is not there is named", async () => {
    const byOption = await cli("--cluster", "other.yaml", "status");
    expect(byOption).toMatchObject({ code: 2, stdout: "" });
    expect(byOption.stderr).toMatch(/--cluster names .*other\.yaml, which does not exist/);
    const byVariable = await runCli(
      { folder: folder.path, env: { PGREP_KIT_CLUSTER: "third.yaml" } },
      "status",
    );
    expect(byVariable).toMatchObject({ code: 2, stdout: "" });
    expect(byVariable.stderr).toMatch(/PGREP_KIT_CLUSTER names .*third\.yaml, which does not exist/);
  });
});

describe("with a file, but without a cluster", () => {
  beforeAll(() => writeFile(join(folder.path, "pgrep-kit.yaml"), FILE));

  test.each(["status", "down", "restart --yes", "mode quorum", "uri", "history", "logs pg1"])(
    "%s says that the cluster was never made, and how",
    async (verb) => {
      const { code, stdout, stderr } = await cli(...verb.split(" "));
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: {3}the cluster demo was never made here\n[^]*hint: .*pgrep-kit up/);
    },
  );

  test("destroy has nothing to do, which is no failure", async () => {
    const { code, stderr } = await cli("destroy", "--yes");
    expect(code).toBe(0);
    expect(stderr).toMatch(/Nothing to remove/);
  });
});

describe("output", () => {
  const into = (target: string, ...args: string[]): Promise<CliResult> =>
    runCli({ folder: folder.path, by: ["bash", "-c", `"$@" ${target}`, "bash"] }, ...args);

  test("that cannot be written is told in a sentence, with an exit code of its own", async () => {
    const { code, stderr } = await into(">/dev/full", "init", "--runtime", "process", "--dry-run");
    expect([code, stderr]).toEqual([5, expect.stringMatching(/^error: +the output could not be written\n/)]);
    expect(stderr).toContain("ENOSPC");
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test("that nobody reads to its end is no failure", async () => {
    const { code, stderr } = await into("| head -c 1; exit ${PIPESTATUS[0]}", "--help");
    expect([code, stderr]).toEqual([0, ""]);
  });
});

describe("colour", () => {
  const escapes = "\u001b[";
  const fails = (env: Record<string, string | undefined>): Promise<CliResult> =>
    runCli({ folder: folder.path, env }, "logs", "pg9", "--lines", "x");

  test("is not used into a pipe, nor with NO_COLOR, and forced by FORCE_COLOR", async () => {
    expect((await fails({ NO_COLOR: undefined, FORCE_COLOR: undefined })).stderr).not.toContain(escapes);
    expect((await fails({ NO_COLOR: "1" })).stderr).not.toContain(escapes);
    expect((await fails({ FORCE_COLOR: "1", NO_COLOR: undefined })).stderr).toContain(escapes);
  });

  test("never carries meaning alone: the words are the same without it", async () => {
    const plain = (await fails({ NO_COLOR: "1" })).stderr;
    const coloured = (await fails({ FORCE_COLOR: "1", NO_COLOR: undefined })).stderr;
    expect(coloured.replaceAll(/\u001b\[[\d;]*m/g, "")).toBe(plain);
  });
});

describe("init --dry-run", () => {
  test("prints the file that init would write, and writes nothing", async () => {
    await using empty = await emptyFolder();
    const { code, stdout } = await runCli(
      { folder: empty.path },
      "init",
      "--dry-run",
      "--runtime",
      "docker",
      "--name",
      "shop",
      "--mode",
      "quorum",
      "--nodes",
      "4",
    );
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({
      name: "shop",
      runtime: "docker",
      nodes: [{ name: "pg1" }, { name: "pg2" }, { name: "pg3" }, { name: "pg4" }],
      replication: { mode: "quorum", acks: 1 },
    });
    expect(await readdir(empty.path)).toEqual([]);
  });
});

test("up --dry-run of a cluster that was never made shows its whole plan, and leaves no trace", async (context) => {
  const found = await findBinaries(null, process.env);
  if (found === null) return context.skip("no PostgreSQL on this machine");
  const file = join(folder.path, "pgrep-kit.yaml");
  await writeFile(file, FILE.replace("postgres: 17", `postgres: ${found.major}`));
  const { code, stdout, stderr } = await cli("up", "--dry-run");
  await writeFile(file, FILE);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/1 +record authority[^]*initialise pg1[^]*clone pg2[^]*Nothing was changed\.\n$/);
  expect(await readdir(folder.path)).toEqual(["pgrep-kit.yaml"]);
});
