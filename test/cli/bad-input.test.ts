// Files that no cluster could be made of, and machines that could not run one: told with file, line, column and what to do,
// before anything is touched. Nothing in here needs PostgreSQL or Docker.
import { execFile } from "node:child_process";
import { chown, chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { type CliResult, emptyFolder, runCli } from "../setup/run-cli.ts";

const NODES = "nodes: [{ name: pg1 }, { name: pg2 }]";
const WHOLE = `name: demo\npostgres: 17\nruntime: docker\n${NODES}\n`;
/** Nobody answers there: whatever gets that far says so. */
const NO_ENGINE = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };

interface Refused extends CliResult {
  /** What is in the folder afterwards. */
  readonly left: readonly string[];
}

async function up(text: string | Buffer, ...args: string[]): Promise<Refused> {
  await using folder = await emptyFolder();
  await writeFile(join(folder.path, "pgrep-kit.yaml"), text);
  const run = { folder: folder.path, env: NO_ENGINE };
  const result = await runCli(run, ...(args.length === 0 ? ["up"] : args));
  return { ...result, left: await readdir(folder.path) };
}

test("a sound file gets as far as the engine: the near miss of everything below", async () => {
  const { code, stderr } = await up(WHOLE);
  expect([code, stderr]).toEqual([4, expect.stringMatching(/^error: {3}no Docker engine answers/)]);
});

describe("a file that says what cannot be is refused with its place and a hint, and nothing is touched", () => {
  test.each<[string, string, RegExp]>([
    ["an unknown key", `${WHOLE}replicaton: { mode: sync }\n`, /:5:1: .*replicaton[^]*hint: .*replication/],
    [
      "an unknown key of a node",
      WHOLE.replace("name: pg2", "name: pg2, upstraem: pg1"),
      /:4:\d+: .*upstraem[^]*hint: .*upstream/,
    ],
    ["a text for a number", `${WHOLE}replication: { mode: sync, acks: two }\n`, /:5:34: .*acks.*two/],
    ["a list for a map", `${WHOLE}replication: [sync]\n`, /:5:14: replication/],
    [
      "a mode that is none",
      `${WHOLE}replication: { mode: semi }\n`,
      /:5:22: replication\.mode must be async, sync or quorum, not "semi"/,
    ],
    ["two nodes of one name", WHOLE.replace("pg2", "pg1"), /:4:\d+: two nodes are named pg1[^]*hint: /],
    [
      "a loop of upstreams",
      WHOLE.replace("{ name: pg2 }", "{ name: pg2, upstream: pg3 }, { name: pg3, upstream: pg2 }"),
      /:4:\d+: upstream loop: pg2 → pg3 → pg2[^]*hint: .*remove its upstream/,
    ],
    [
      "an upstream that is no node",
      WHOLE.replace("name: pg2", "name: pg2, upstream: pg9"),
      /:4:\d+: the upstream "pg9" of pg2 is no node/,
    ],
    [
      "more confirmations than standbys",
      `${WHOLE}replication:\n  mode: quorum\n  acks: 2\n`,
      /:7:9: replication\.acks is 2, but only 1 standby can confirm[^]*hint: .*Use 1, or add a standby/,
    ],
    [
      "an unsupported version",
      WHOLE.replace("17", "14"),
      /:2:11: PostgreSQL 14 is not supported[^]*hint: .*Use 15 or newer/,
    ],
    [
      "a version that is none",
      WHOLE.replace("17", "latest"),
      /:2:11: postgres must be a major version[^]*hint: .*postgres: 17/,
    ],
    [
      "a setting of pgrep-kit's own",
      `${WHOLE}settings: { synchronous_standby_names: "*" }\n`,
      /:5:13: .*belongs to pgrep-kit[^]*hint: .*replication\.mode/,
    ],
    [
      "a setting without which nothing replicates",
      `${WHOLE}settings: { wal_level: minimal }\n`,
      /:5:\d+: settings\.wal_level is "minimal"/,
    ],
    ["a key that is there twice", `${WHOLE}name: other\n`, /:5:1: .*name/],
    ["broken YAML", `${WHOLE}replication: { mode: sync\n`, /:\d+:\d+: not valid YAML/],
    ["two documents", `${WHOLE}---\n${WHOLE}`, /:\d+:\d+: .*more than one YAML document/],
    ["nothing", "", /:1:1: the file is empty[^]*hint: .*pgrep-kit init/],
    ["no name", WHOLE.replace("name: demo\n", ""), /:1:1: name is missing[^]*hint: .*name: demo/],
  ])("%s", async (_, text, words) => {
    const { code, stdout, stderr, left } = await up(text);
    expect([code, stdout, left]).toEqual([2, "", ["pgrep-kit.yaml"]]);
    expect(stderr).toMatch(/^error: {3}pgrep-kit\.yaml:\d+:\d+: /);
    expect(stderr).toMatch(words);
  });

  test("a file that is no text, too large, a folder, or not to be read", async () => {
    const binary = await up(Buffer.from([0x6e, 0xff, 0xfe, 0x00]));
    expect([binary.code, binary.stderr]).toEqual([
      2,
      expect.stringMatching(/pgrep-kit\.yaml is not UTF-8 text/),
    ]);
    const large = await up(`# ${"x".repeat(300_000)}\n${WHOLE}`);
    expect([large.code, large.stderr]).toEqual([2, expect.stringMatching(/is too large/)]);
    await using folder = await emptyFolder();
    await mkdir(join(folder.path, "pgrep-kit.yaml"));
    const isFolder = await runCli({ folder: folder.path }, "up");
    expect([isFolder.code, isFolder.stderr]).toEqual([
      2,
      expect.stringMatching(/pgrep-kit\.yaml cannot be read/),
    ]);
  });

  test("everything that is wrong is told at once", async () => {
    const { stderr } = await up(`name: "Demo"\npostgres: 9.6\nruntime: podman\n${NODES}\ncolour: red\n`);
    for (const place of [":1:7:", ":2:11:", ":3:10:", ":5:1:"])
      expect(stderr).toContain(`pgrep-kit.yaml${place}`);
  });

  test("readers refuse it as well as those who change", async () => {
    for (const verb of ["status", "lag", "doctor", "uri", "mode"]) {
      const { stderr, code, stdout } = await up(WHOLE.replace("pg2", "pg1"), verb);
      if (verb === "doctor") expect(`${stdout}${stderr}`).toMatch(/two nodes are named pg1/);
      else
        expect([verb, code, stderr]).toEqual([
          verb,
          verb === "lag" ? 3 : 2,
          expect.stringMatching(/two nodes are named pg1/),
        ]);
    }
  });
});

describe("a hostile name", () => {
  const hostile = [
    "pg'2",
    'pg"2',
    "pg 2",
    "pg2; DROP TABLE customers",
    "$(touch hacked)",
    "`touch hacked`",
    "../pg2",
    "pg2\nname: pg3",
    "größe",
    "pg２",
    "PG2",
    "-rf",
    "--help",
    "pg_2",
    "pg2\u001b[31m",
    "localhost",
    "x".repeat(41),
    "",
  ];

  test.each(hostile)("%j is refused as a node's name, shown harmlessly, and never runs", async (name) => {
    const { code, stdout, stderr, left } = await up(WHOLE.replace("pg2", JSON.stringify(name)));
    expect([code, stdout, left]).toEqual([2, "", ["pgrep-kit.yaml"]]);
    expect(stderr).toMatch(/^error: {3}pgrep-kit\.yaml:4:\d+: the node name "/);
    expect(stderr).toMatch(/hint: .*lower-case letters/);
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });

  test.each(["it's", "$(touch hacked)", "shop;ls", "größe", ""])(
    "%j is refused as the name of a new cluster",
    async (name) => {
      await using folder = await emptyFolder();
      const run = { folder: folder.path, env: NO_ENGINE };
      const { code, stdout, stderr } = await runCli(run, "init", "--runtime", "docker", `--name=${name}`);
      expect([code, stdout, await readdir(folder.path)]).toEqual([2, "", []]);
      expect(stderr).toMatch(/^error: {3}.*the cluster name "/);
    },
  );
});

describe("an init that asks for what cannot be", () => {
  test.each([
    [["--nodes", "17"], /^error: {3}--nodes 17: more than 16 nodes/],
    [["--nodes", "1", "--mode", "quorum"], /^error: {3}--mode quorum: no standby can confirm/],
    [["--acks", "3", "--mode", "sync"], /^error: {3}--acks 3: only 2 standbys can confirm/],
    [["--postgres", "13"], /^error: {3}--postgres 13: PostgreSQL 13 is not supported/],
    [
      ["--image", "postgres:17; rm -rf /"],
      /^error: {3}--image "postgres:17; rm -rf \/": .*is no name of an image/,
    ],
  ])(
    "%j writes nothing, and the option is named instead of a line that nobody wrote",
    async (args, words) => {
      await using folder = await emptyFolder();
      const { code, stderr } = await runCli(
        { folder: folder.path, env: NO_ENGINE },
        "init",
        "--runtime",
        "docker",
        ...args,
      );
      expect([code, await readdir(folder.path)]).toEqual([2, []]);
      expect(stderr).toMatch(words);
      expect(stderr).toMatch(/^hint: /m);
    },
  );
});

describe("a machine that cannot run it", () => {
  async function init(env: Record<string, string>, by?: readonly string[]): Promise<Refused> {
    await using folder = await emptyFolder();
    const run = { folder: folder.path, env, ...(by === undefined ? {} : { by }) };
    const result = await runCli(run, "init", "--runtime", "docker");
    return { ...result, left: await readdir(folder.path) };
  }

  test("Docker does not run: told with its socket, and another runtime can be chosen as if nothing had been", async () => {
    const { code, stdout, stderr, left } = await init(NO_ENGINE);
    expect([code, stdout, left]).toEqual([4, "", []]);
    expect(stderr).toMatch(/no Docker engine answers at unix:\/\/\/nonexistent\/docker\.sock/);
    expect(stderr).toMatch(/^hint: .*Start Docker/m);
  });

  test("Docker on another machine is refused, and no password in its address is shown", async () => {
    const { code, stderr, left } = await init({ DOCKER_HOST: "tcp://me:hunter2@build:2375" });
    expect([code, left]).toEqual([4, []]);
    expect(stderr).toMatch(/Docker engines on other machines are not supported/);
    expect(stderr).not.toContain("hunter2");
  });

  test("no permission on Docker's socket is told as such", async (context) => {
    await using folder = await emptyFolder();
    const path = join(folder.path, "docker.sock");
    await using socket = await listening(path);
    expect(socket.server.listening).toBe(true);
    const by = await withoutPower();
    if (by === null) return context.skip("as root without setpriv nothing is forbidden");
    if (by.length > 0) await chown(path, 65_534, 65_534);
    await chmod(path, by.length > 0 ? 0o600 : 0);
    const { code, stderr, left } = await init({ DOCKER_HOST: `unix://${path}` }, by);
    expect([code, left]).toEqual([4, []]);
    expect(stderr).toMatch(/permission|not allowed|may not/i);
    expect(stderr).toMatch(/^hint: .*docker/m);
  });

  test("no PostgreSQL on this machine: told where it was looked for and what to install", async () => {
    await using folder = await emptyFolder();
    const env = { PGREP_KIT_PGBIN: folder.path };
    const { code, stderr } = await runCli({ folder: folder.path, env }, "init", "--runtime", "process");
    expect([code, await readdir(folder.path)]).toEqual([4, []]);
    expect(stderr).toMatch(/no PostgreSQL found on this machine/);
    expect(stderr).toMatch(/^hint: .*[Ii]nstall/m);
  });

  test("a file in place of the state folder is named, and not replaced", async () => {
    await using folder = await emptyFolder();
    await writeFile(join(folder.path, "pgrep-kit.yaml"), WHOLE);
    await writeFile(join(folder.path, ".pgrep-kit"), "I am a file");
    for (const verb of ["up", "status", "destroy"]) {
      const { code, stderr } = await runCli({ folder: folder.path, env: NO_ENGINE }, verb);
      expect([verb, code, stderr]).toEqual([verb, 2, expect.stringMatching(/^error: {3}.*\.pgrep-kit/)]);
    }
  });
});

/** What goes before a command so that file modes bind it: nothing for an ordinary user; null where that is not possible. */
async function withoutPower(): Promise<readonly string[] | null> {
  if (process.geteuid?.() !== 0) return [];
  const by = [
    "setpriv",
    "--inh-caps=-dac_override,-dac_read_search",
    "--bounding-set=-dac_override,-dac_read_search",
    "--",
  ];
  const [program = "", ...args] = [...by, "true"];
  return promisify(execFile)(program, args).then(
    () => by,
    () => null,
  );
}

async function listening(path: string): Promise<AsyncDisposable & { readonly server: Server }> {
  const server = createServer((socket) =>
    socket.end("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { server, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
