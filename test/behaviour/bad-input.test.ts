// What a person, a disk or another program can do to a cluster: each is told clearly, nothing is lost, and once it is
// undone the cluster goes on as before.
import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { type Server, createServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openState, readState } from "../../src/control/state-folder.ts";
import { type TestCluster, TEST_IMAGE, startCluster } from "../setup/cluster.ts";
import { docker, dockerThings, expectWhole, thingsOf } from "../setup/interrupting.ts";
import { emptyFolder, runCli } from "../setup/run-cli.ts";

const onDocker = inject("host") === "docker";
const isRoot = process.geteuid?.() === 0;
const NODES = ["pg1", "pg2", "pg3"];
const exec = promisify(execFile);

let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ init: ["--mode", "quorum"] });
  await demo.sql("pg1", "CREATE TABLE kept AS SELECT 42 AS answer");
});
afterAll(async () => {
  await demo?.[Symbol.asyncDispose]();
});

const state = (name: string): string => join(demo.folder, ".pgrep-kit", name);

/** Whole, with the row that was written at the beginning. */
async function expectUnharmed(): Promise<void> {
  await expectWhole(demo, NODES);
  for (const node of NODES) expect(await demo.sql(node, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
}

async function startedAt(): Promise<unknown[]> {
  return Promise.all(
    NODES.map(
      async (node) => (await demo.sql(node, "SELECT pg_postmaster_start_time()::text AS at"))[0]?.["at"],
    ),
  );
}

/** A small program in the node's folder, as the servers' user, while no server runs there. */
async function inFolderOf(node: string, script: string): Promise<void> {
  const { exitCode, stderr } = await demo.onHost((host) =>
    host.run(node, { argv: ["sh", "-c", script], timeoutMs: 60_000 }),
  );
  if (exitCode !== 0) throw new Error(stderr);
}

describe("a damaged state", () => {
  const damages: [string, (text: string) => string][] = [
    ["cut short", (text) => text.slice(0, text.length / 2)],
    ["empty", () => ""],
    ["of another meaning", () => '{"version":1}\n'],
  ];

  test.each(["cluster.json", "credentials.json", "authority.json"])(
    "%s is named and left as it is; readers and changes stop, the servers do not",
    async (file) => {
      const before = await startedAt();
      const whole = await readFile(state(file), "utf8");
      try {
        for (const [, damage] of damages) {
          const damaged = damage(whole);
          await writeFile(state(file), damaged);
          for (const verb of damaged === "" ? ["up", "status"] : ["up"]) {
            const { code, stderr, stdout } = await demo.cli(verb);
            expect([verb, code, stdout]).toEqual([verb, 2, ""]);
            expect(stderr).toMatch(
              new RegExp(
                `^error: {3}the state file .*${file.replace(".", "\\.")} is damaged\\n[^]*hint: .*backup`,
                "s",
              ),
            );
          }
          expect(await readFile(state(file), "utf8")).toBe(damaged);
        }
      } finally {
        await writeFile(state(file), whole, { mode: 0o600 });
      }
      await expectUnharmed();
      expect(await startedAt()).toEqual(before);
    },
  );

  test("without credentials.json or cluster.json nothing is made up anew", async () => {
    for (const file of ["cluster.json", "credentials.json"]) {
      await rename(state(file), state("aside"));
      try {
        const { code, stderr } = await demo.cli("up");
        expect([code, stderr]).toEqual([
          2,
          expect.stringMatching(new RegExp(`${file.replace(".", "\\.")} is missing`)),
        ]);
      } finally {
        await rename(state("aside"), state(file));
      }
    }
    await expectUnharmed();
  });

  test("without authority.json nobody is guessed to be primary", async () => {
    await rename(state("authority.json"), state("aside"));
    try {
      for (const wish of [["up"], ["mode", "async"], ["restart", "--yes"]]) {
        const { code, stderr } = await demo.cli(...wish);
        expect([code, stderr]).toEqual([3, expect.stringMatching(/\[no-authority\]/)]);
      }
      expect((await demo.cli("status", "-o", "json")).stdout).toMatch(/"no-authority"/);
    } finally {
      await rename(state("aside"), state("authority.json"));
    }
    await expectUnharmed();
  });

  test("a torn journal is mended, and loses no entry that was confirmed", async () => {
    const text = await readFile(state("journal.ndjson"), "utf8");
    await writeFile(state("journal.ndjson"), `${text}{"seq":99999,"at":"2026-`);
    await demo.ok("up");
    const after = await readFile(state("journal.ndjson"), "utf8");
    expect(after.startsWith(text)).toBe(true);
    for (const line of after.trimEnd().split("\n"))
      expect(JSON.parse(line)).toMatchObject({ kind: expect.any(String) });
    await demo.ok("history");
  });

  test("a state folder that is gone is asked for, and no second cluster takes the first one's place", async () => {
    await rename(join(demo.folder, ".pgrep-kit"), join(demo.folder, "moved"));
    try {
      for (const verb of ["status", "down", "uri"]) {
        const { code, stderr } = await demo.cli(verb);
        expect([code, stderr]).toEqual([
          2,
          expect.stringMatching(/was never made here\n[^]*bring its state folder back/),
        ]);
      }
      if (onDocker || isRoot) {
        for (const args of [["up"], ["destroy", "--yes"]]) {
          const { code, stderr } = await demo.cli(...args);
          expect([onDocker ? 4 : 2, stderr]).toEqual([
            code,
            expect.stringMatching(/does not belong to this cluster|not its state folder/),
          ]);
          expect(stderr).toMatch(/^hint: .*[Bb]ring (it|that state folder) back/m);
        }
        expect(await readdir(demo.folder)).toEqual(["moved", "pgrep-kit.yaml"]);
      }
    } finally {
      await rm(join(demo.folder, ".pgrep-kit"), { recursive: true, force: true });
      await rename(join(demo.folder, "moved"), join(demo.folder, ".pgrep-kit"));
    }
    await expectUnharmed();
  });
});

test("settings that PostgreSQL does not take are told by name, and every server keeps what it had", async () => {
  const before = await startedAt();
  const whole = await demo.readFile("pgrep-kit.yaml");
  try {
    for (const [line, words] of [
      ["shared_buffers: banana", /banana/],
      ["work_memory: 4MB", /work_memory/],
      ["max_connections: -5", /max_connections/],
    ] as const) {
      await demo.writeFile("pgrep-kit.yaml", whole.replace(/^settings:.*$/m, `settings:\n  ${line}`));
      const { code, stderr } = await demo.cli("up");
      expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
      expect(stderr).toMatch(/^hint: .*settings/m);
    }
  } finally {
    await demo.writeFile("pgrep-kit.yaml", whole);
    await demo.ok("up");
  }
  expect(await startedAt()).toEqual(before);
  await expectUnharmed();
});

describe("data that is not what the record says", () => {
  test("the primary's data is gone: no empty primary is made beside the copies", async () => {
    await demo.ok("down");
    await inFolderOf("pg1", "mv data data.aside");
    try {
      const { code, stderr } = await demo.cli("up");
      expect([code, stderr]).toEqual([
        3,
        expect.stringMatching(/pg1 is the primary, but its data is gone +\[primary-missing\]/),
      ]);
    } finally {
      await inFolderOf("pg1", "[ ! -e data ] && mv data.aside data");
    }
    await demo.ok("up");
    await expectUnharmed();
  });

  test("another cluster's data in a node's place is neither started nor removed", async () => {
    await demo.onHost((host) => host.kill("pg2"));
    await inFolderOf(
      "pg2",
      "mv data data.aside && initdb -D data --no-sync --auth=scram-sha-256 -U postgres --pwfile=conf/pgpass >/dev/null && : >data/standby.signal && : >data/precious",
    );
    try {
      for (const wish of [["up"], ["mode", "async"], ["remove-standby", "pg2", "--yes"]]) {
        const { code, stderr } = await demo.cli(...wish);
        expect([code, stderr]).toEqual([
          3,
          expect.stringMatching(/pg2 holds the data of another cluster[^]*\[foreign-data\]/),
        ]);
      }
      expect(await demo.readFile("pgrep-kit.yaml")).toMatch(/name: pg2/);
      await inFolderOf("pg2", "test -e data/precious");
    } finally {
      await inFolderOf("pg2", "rm -rf data && mv data.aside data");
    }
    await demo.ok("up");
    await expectUnharmed();
  });

  test("a standby without standby.signal is not started; started by hand it is a split brain, and nothing follows it", async () => {
    await demo.onHost((host) => host.stop("pg3", 30_000));
    await inFolderOf("pg3", "rm data/standby.signal");
    const refused = await demo.cli("up");
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringMatching(/pg3 would start as a second primary[^]*\[not-a-standby\]/),
    ]);
    const { ports } = await readState((await openState(demo.folder)) ?? { path: "" });
    await demo.onHost((host) => host.start("pg3", ports["pg3"] ?? 0));
    await expect.poll(async () => (await demo.status()).verdict, { timeout: 20_000 }).toBe("split-brain");
    for (const wish of [["up"], ["mode", "async"], ["restart", "pg2"]]) {
      const { code, stderr } = await demo.cli(...wish);
      expect([code, stderr]).toEqual([
        3,
        expect.stringMatching(/pg3 accepts writes without authority[^]*\[split-brain\]/),
      ]);
    }
    // As the hints say: stop it, then make it anew.
    await demo.onHost((host) => host.stop("pg3", 30_000));
    await demo.cli("remove-standby", "pg3", "--yes");
    expect(await demo.readFile("pgrep-kit.yaml")).not.toMatch(/name: pg3/);
    await demo.ok("add-standby", "pg3");
    await expectUnharmed();
  });
});

describe("something of the machine is in the way", () => {
  test("a port that another program took meanwhile is named, and used once it is free", async () => {
    const { ports } = await readState((await openState(demo.folder)) ?? { path: "" });
    const port = ports["pg2"] ?? 0;
    await demo.ok("down");
    const thief = await listenOn(port);
    try {
      const { code, stderr } = await demo.cli("up");
      expect([code, stderr]).toEqual([
        4,
        expect.stringMatching(new RegExp(`port ${port} .*pg2[^]*hint: .*${port}`)),
      ]);
    } finally {
      await new Promise((resolve) => thief.close(resolve));
    }
    await demo.ok("up");
    await expectUnharmed();
  });

  test("a disk that is full while a standby is copied leaves no half copy in use", async (context) => {
    const small = onDocker ? await smallVolume("pg4") : await smallFolder("pg4");
    if (small === null) return context.skip("a file system of its own could not be mounted");
    try {
      const { code, stderr } = await demo.cli("add-standby", "pg4");
      expect([code, stderr]).toEqual([4, expect.stringMatching(/full|no space left/i)]);
      expect(stderr).toMatch(/^hint: /m);
      expect((await demo.status()).nodes.find((node) => node.name === "pg4")?.role).not.toBe("primary");
    } finally {
      await small();
    }
    await demo.ok("up");
    await expectWhole(demo, [...NODES, "pg4"]);
    await demo.ok("remove-standby", "pg4", "--yes");
    await expectUnharmed();
  });

  test.runIf(!onDocker && isRoot)(
    "a servers' user that does not exist is named before anything is made",
    async () => {
      await using folder = await emptyFolder();
      const run = { folder: folder.path, env: { PGREP_KIT_OS_USER: "nobodyhere" } };
      const { code, stderr } = await runCli(run, "init", "--runtime", "process");
      expect([code, await readdir(folder.path)]).toEqual([4, []]);
      expect(stderr).toMatch(/user "nobodyhere" does not exist[^]*hint: .*useradd/);
    },
  );

  test.runIf(onDocker)(
    "Docker that no longer answers is told by readers and changes, and harms nothing",
    async () => {
      const run = { folder: demo.folder, env: { DOCKER_HOST: "unix:///nonexistent" } };
      const up = await runCli(run, "up");
      expect([up.code, up.stderr]).toEqual([4, expect.stringMatching(/no Docker engine answers/)]);
      const destroy = await runCli(run, "destroy", "--yes");
      expect([destroy.code, destroy.stderr]).toEqual([4, expect.stringMatching(/no Docker engine answers/)]);
      expect((await runCli(run, "status")).code).not.toBe(0);
      await expectUnharmed();
    },
  );

  test.runIf(onDocker)(
    "an image that no registry has is named, and the cluster is made once there is one",
    async () => {
      await using folder = await emptyFolder();
      const name = `${demo.name}i`;
      const init = ["init", "--runtime", "docker", "--nodes", "1", "--name", name, "--image"];
      const missing = await runCli({ folder: folder.path }, ...init, "localhost:1/postgres:17");
      expect([missing.code, missing.stderr]).toEqual([
        4,
        expect.stringMatching(/image localhost:1\/postgres:17[^]*hint: /),
      ]);
      expect(await dockerThings(name)).toEqual([]);
      expect(await readdir(folder.path)).toEqual([]);
      expect((await runCli({ folder: folder.path }, ...init, TEST_IMAGE)).code).toBe(0);
      expect((await runCli({ folder: folder.path }, "destroy", "--yes")).code).toBe(0);
      expect(await dockerThings(name)).toEqual([]);
    },
  );

  test.runIf(onDocker)("volumes of a cluster of the same name elsewhere are not touched", async () => {
    await using folder = await emptyFolder();
    const args = demo.initArguments.map((word) => (word === "3" ? "2" : word));
    const { code, stderr } = await runCli({ folder: folder.path }, ...args);
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(
        /exists and does not belong to this cluster[^]*another state folder[^]*hint: [^]*another name/,
      ),
    ]);
    expect(await readdir(folder.path)).toEqual([]);
    await expectUnharmed();
  });

  test.runIf(!onDocker)("a cluster of the same name elsewhere lives beside this one", async () => {
    await using folder = await emptyFolder();
    const args = demo.initArguments.map((word) => (word === "3" ? "1" : word === "quorum" ? "async" : word));
    expect((await runCli({ folder: folder.path }, ...args)).code).toBe(0);
    expect((await runCli({ folder: folder.path }, "destroy", "--yes")).code).toBe(0);
    await expectUnharmed();
  });
});

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

/** A folder with room for less than a copy, where the node's will be; answers how to be rid of it. */
async function smallFolder(node: string): Promise<(() => Promise<void>) | null> {
  const place = join(dirname(await demo.onHost(async (host) => host.paths("pg1").root)), node);
  await mkdir(place);
  const mounted = await exec("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", place]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    await rm(place, { recursive: true });
    return null;
  }
  return async () => {
    await exec("umount", [place]);
    await rm(place, { recursive: true });
  };
}

/** The same as a volume that carries the cluster's own labels. */
async function smallVolume(node: string): Promise<() => Promise<void>> {
  const { id } = await readState((await openState(demo.folder)) ?? { path: "" });
  const name = `pgrep-kit-${demo.name}-${node}`;
  const labels = [`cluster=${demo.name}`, `id=${id}`, `node=${node}`].flatMap((label) => [
    "--label",
    `pgrep-kit.${label}`,
  ]);
  await docker(
    "volume",
    "create",
    "--opt",
    "type=tmpfs",
    "--opt",
    "device=tmpfs",
    "--opt",
    "o=size=6m",
    ...labels,
    name,
  );
  return async () => void (await docker("volume", "rm", name));
}

test("nothing is left on the host that is no node's", async () => {
  expect(await thingsOf(demo)).toEqual(NODES);
});
