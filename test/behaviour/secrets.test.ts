// The passwords are in the state folder and in the nodes' passfiles, and nowhere else: not in any program's arguments or
// environment while a cluster is made, not in logs, journal, labels, listings or whatever a command says.
import { mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Credentials } from "../../src/control/state-folder.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import { docker } from "../setup/interrupting.ts";
import { type CliResult, runCli } from "../setup/run-cli.ts";

const onDocker = inject("host") === "docker";
const NODES = ["pg1", "pg2", "pg3"];
let demo: TestCluster;
let secrets: Credentials;
let folder: string;
let host: NodeHost;
/** Everything that any command has said, but for `uri`. */
let said = "";

async function cli(...args: string[]): Promise<CliResult> {
  const result = await runCli({ folder }, ...args);
  said += `${args.join(" ")}\n${result.stdout}${result.stderr}`;
  return result;
}

function found(text: string): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));
}

beforeAll(async () => {
  demo = await startCluster({ bare: true });
  ({ folder } = demo);
});
afterAll(async () => {
  await host?.close();
  await demo?.[Symbol.asyncDispose]();
});

/** Looks at every process of the machine until stopped; on Docker the engine's are among them. */
function watchProcesses(
  path: string,
): () => Promise<{ readonly looks: number; readonly seen: ReadonlySet<string> }> {
  const stopping = new AbortController();
  let looks = 0;
  const seen = new Set<string>();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const text = await readFile(path, "utf8").catch(() => null);
      const known =
        text === null
          ? []
          : Object.values(JSON.parse(text) as Record<string, unknown>).filter(
              (value) => typeof value === "string",
            );
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
        for (const what of ["cmdline", "environ"]) {
          const shown = await readFile(`/proc/${pid}/${what}`, "utf8").catch(() => "");
          if (known.some((secret) => shown.includes(secret)))
            seen.add(`${what} of ${shown.replaceAll("\0", " ").slice(0, 200)}`);
        }
      }
      if (known.length > 0) looks++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return async () => {
    stopping.abort();
    await watching;
    return { looks, seen };
  };
}

test.runIf(process.platform === "linux")(
  "are in no program's arguments or environment while a cluster is made, changed and grown",
  async () => {
    const stop = watchProcesses(join(folder, ".pgrep-kit", "credentials.json"));
    const file = await runCli({ folder }, ...demo.initArguments, "--mode", "quorum", "--dry-run");
    await writeFile(
      join(folder, "pgrep-kit.yaml"),
      file.stdout.replace(/^settings:.*$/m, "settings:\n  log_statement: all\n  log_connections: on"),
    );
    expect((await cli("up")).code).toBe(0);
    expect((await cli("mode", "async")).code).toBe(0);
    expect((await cli("restart", "pg2")).code).toBe(0);
    const { looks, seen } = await stop();
    expect(looks).toBeGreaterThan(10);
    expect([...seen]).toEqual([]);
  },
);

describe("of a cluster that was made", () => {
  beforeAll(async () => {
    secrets = await demo.credentials();
    host = await demo.host();
  });

  test("are in no log of a server, though it logs every statement", async () => {
    for (const node of NODES) {
      let log = "";
      for await (const line of host.logs(node, { lines: null, follow: false })) log += `${line}\n`;
      expect(log).toMatch(/statement|execute/);
      expect(found(log)).toEqual([]);
    }
  });

  test("are in no file of a node but its passfile, which nobody else may read", async () => {
    for (const node of NODES) {
      const { root } = host.paths(node);
      // The file that brings the first password in is gone; of the passfile's there is the one that a standby needs.
      expect(await filesWith(node, root, secrets.superuser)).toEqual([]);
      expect(await filesWith(node, root, secrets.app)).toEqual([]);
      expect(await filesWith(node, root, secrets.replicator)).toEqual([`${root}/conf/pgpass`]);
      expect(await modeOf(node, `${root}/conf/pgpass`)).toBe("600");
    }
  });

  test("are in the state folder alone, which nobody else may enter", async () => {
    expect((await stat(join(folder, ".pgrep-kit"))).mode & 0o066).toBe(0);
    for (const name of await readdir(join(folder, ".pgrep-kit"))) {
      const path = join(folder, ".pgrep-kit", name);
      if (!(await stat(path)).isFile()) continue;
      expect((await stat(path)).mode & 0o077).toBe(0);
      expect([name, found(await readFile(path, "utf8"))]).toEqual([
        name,
        name === "credentials.json" ? Object.keys(secrets).filter((key) => key !== "version") : [],
      ]);
    }
    expect(found(await demo.readFile("pgrep-kit.yaml"))).toEqual([]);
  });

  test("can be seen in no view of the servers, and are stored as verifiers", async () => {
    const client = await demo.connect("pg1");
    const { rows } = await client.query(`SELECT
      (SELECT json_agg(s) FROM pg_settings AS s)::text || (SELECT json_agg(f) FROM pg_file_settings AS f)::text ||
      (SELECT json_agg(a) FROM pg_stat_activity AS a)::text || (SELECT json_agg(r) FROM pg_authid AS r)::text ||
      (SELECT json_agg(d) FROM pg_shdescription AS d)::text AS shown,
      (SELECT count(*)::int FROM pg_authid WHERE rolpassword NOT LIKE 'SCRAM-SHA-256$%') AS plain`);
    await client.end();
    expect(found(String(rows[0]?.shown))).toEqual([]);
    expect(rows[0]?.plain).toBe(0);
  });

  test.runIf(onDocker)(
    "are in nothing that the engine tells of containers, volumes and the network",
    async () => {
      const label = ["--filter", `label=pgrep-kit.cluster=${demo.name}`];
      const containers = await docker("ps", "-aq", ...label);
      const volumes = await docker("volume", "ls", "-q", ...label);
      const networks = await docker("network", "ls", "-q", ...label);
      expect([containers.length, volumes.length, networks.length]).toEqual([3, 3, 1]);
      const told = [
        ...(await docker("inspect", ...containers)),
        ...(await docker("volume", "inspect", ...volumes)),
        ...(await docker("network", "inspect", ...networks)),
      ];
      expect(found(told.join("\n"))).toEqual([]);
    },
  );

  test("are in nothing that a command says, also when it fails; only uri tells what it is for", async () => {
    const verbs = [
      "status",
      "status -o json",
      "lag",
      "lag -o json",
      "doctor",
      "doctor -o json",
      "history",
      "history -o json",
      "mode",
      "logs pg1",
      "up --dry-run",
      "destroy --dry-run",
    ];
    for (const verb of verbs) await cli(...verb.split(" "));
    // A password that the servers do not take: the error tells the server's own words.
    await demo.sql("pg1", "ALTER ROLE postgres PASSWORD 'another'");
    try {
      for (const verb of ["up", "status", "mode quorum", "lag", "doctor"]) await cli(...verb.split(" "));
      expect(said).toMatch(/password authentication failed/);
    } finally {
      await restorePassword();
    }
    await host.kill("pg2");
    await cli("status");
    await cli("up");
    expect(said.length).toBeGreaterThan(5_000);
    expect(found(said)).toEqual([]);
    expect(found(await readFile(join(folder, ".pgrep-kit", "journal.ndjson"), "utf8"))).toEqual([]);
    expect(found((await runCli({ folder }, "uri")).stdout)).toEqual(["app"]);
    expect(found((await runCli({ folder }, "uri", "--admin")).stdout)).toEqual(["superuser"]);
  });
});

/** As the role that has lost it would have to: with the new one. */
async function restorePassword(): Promise<void> {
  const client = await demo.connect("pg1", "postgres", { password: "another" });
  try {
    await client.query(`ALTER ROLE postgres PASSWORD '${secrets.superuser}'`);
  } finally {
    await client.end();
  }
  await eventually("the old password on every node", () =>
    Promise.all(NODES.map((node) => demo.sql(node, "SELECT 1"))).then(
      () => true,
      () => false,
    ),
  );
}

async function filesWith(node: string, root: string, secret: string): Promise<string[]> {
  if (onDocker)
    return docker(
      "exec",
      "--user",
      "postgres",
      `pgrep-kit-${demo.name}-${node}`,
      "sh",
      "-c",
      `grep -rlF -e '${secret}' ${root} || true`,
    );
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    paths.map(async (path) => [path, await readFile(path).catch(() => Buffer.alloc(0))] as const),
  );
  return texts.flatMap(([path, bytes]) => (bytes.includes(secret) ? [path] : []));
}

async function modeOf(node: string, path: string): Promise<string> {
  if (!onDocker) return ((await stat(path)).mode & 0o777).toString(8);
  return (await docker("exec", `pgrep-kit-${demo.name}-${node}`, "stat", "-c", "%a", path)).join("");
}

test("a folder whose name a shell would stumble over is as good as any", async () => {
  const odd = join(folder, `it's "my" $(touch hacked) größe; \`touch hacked\``);
  await mkdir(odd);
  const init = demo.initArguments.map((word) =>
    word === "3" ? "2" : word === demo.name ? `${demo.name}o` : word,
  );
  try {
    const made = await runCli({ folder: odd }, ...init);
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining("status --watch")]);
    expect(JSON.parse((await runCli({ folder: odd }, "status", "-o", "json")).stdout)).toMatchObject({
      verdict: "healthy",
    });
  } finally {
    const { code, stderr } = await runCli({ folder: odd }, "destroy", "--yes");
    expect([code, stderr]).toEqual([0, expect.stringContaining("Removed")]);
    expect(await readdir(odd)).toEqual(["pgrep-kit.yaml"]);
    await rm(odd, { recursive: true });
  }
  for (const place of [folder, dirname(folder), process.cwd()])
    expect(await readdir(place)).not.toContain("hacked");
});
