// Files on a node's volume: whatever is in them, whether the server runs, is frozen or was never started.
import { afterAll, beforeAll, expect, test } from "vitest";
import { BrokenInvariant } from "../../src/support/assert.ts";
import {
  docker,
  failure,
  freePort,
  freshOptions,
  meanwhile,
  openCluster,
  stateOf,
  type DockerCluster,
} from "./docker-cluster.ts";

let cluster: DockerCluster;
let port: number;
beforeAll(async () => {
  cluster = await openCluster();
  port = await freePort();
  await cluster.node("pg1");
});
afterAll(async () => cluster[Symbol.asyncDispose]());

/** Brings the server into a state, one after the other on the same node. */
async function bring(state: string): Promise<void> {
  const { host } = cluster;
  if (state === "stopped") return await host.stop("pg1", 30_000);
  await host.start("pg1", port);
  if (state === "paused") await host.pause("pg1");
  else await host.resume("pg1");
}

async function owners(...paths: string[]): Promise<string[]> {
  const argv = ["stat", "-c", "%U:%G %a %n", ...paths];
  const { stdout } = await cluster.host.run("pg1", { argv, timeoutMs: 30_000 });
  return stdout.trim().split("\n");
}

const HOSTILE = `it's "quoted" \\n $HOME \`id\` $(id) %s\r\n\ttab, ü, 漢, \u{1f418}\n'\n''\n-n\nEOF\n!`;

test.each(["stopped", "running", "paused"])(
  "while the server is %s, any text is written and read as it is",
  async (state) => {
    await bring(state);
    expect(await stateOf(cluster.host, "pg1")).toBe(state);
    const { host } = cluster;
    const contents = [HOSTILE, "", "no last line's end", "\n\n", "x".repeat(300_000)];
    const files = contents.map((content, index) => ({
      path: `conf/${state}/file-${index}`,
      content,
      mode: 0o600,
    }));
    await host.writeFiles("pg1", files);
    for (const { path, content } of files) expect(await host.readFile("pg1", path)).toBe(content);
    expect(await host.readFile("pg1", "conf/none")).toBeNull();
    expect(await host.readFile("pg1", "none/none")).toBeNull();
  },
);

test("folders and files belong to the server's user and have the mode that was asked for", async () => {
  await bring("stopped");
  await cluster.host.writeFiles("pg1", [
    { path: "conf/secret", content: "s", mode: 0o600 },
    { path: "conf/public", content: "p", mode: 0o644 },
    { path: "conf/script", content: "#!/bin/sh\n", mode: 0o755 },
  ]);
  // A mode follows the file, not what was there before.
  await cluster.host.writeFiles("pg1", [{ path: "conf/public", content: "p", mode: 0o640 }]);
  const { root, conf } = cluster.host.paths("pg1");
  expect(await owners(root, conf, `${conf}/secret`, `${conf}/public`, `${conf}/script`)).toEqual([
    `postgres:postgres 700 ${root}`,
    `postgres:postgres 700 ${conf}`,
    `postgres:postgres 600 ${conf}/secret`,
    `postgres:postgres 640 ${conf}/public`,
    `postgres:postgres 755 ${conf}/script`,
  ]);
});

test("who reads while files are replaced sees an old or a new one, never a part", async () => {
  await bring("running");
  const { host } = cluster;
  const versions = ["a", "b"].map((letter) => letter.repeat(500_000));
  const write = (content: string): Promise<void> =>
    host.writeFiles("pg1", [{ path: "conf/replaced", content, mode: 0o600 }]);
  await write(versions[0] ?? "");
  const writing = (async () => {
    for (let round = 0; round < 10; round++) for (const version of versions) await write(version);
  })();
  await meanwhile(writing, async () =>
    expect(versions).toContain(await host.readFile("pg1", "conf/replaced")),
  );
});

test("several files are written by one call, and nothing else is left in their folder", async () => {
  await bring("running");
  const files = ["one", "two", "three"].map((name) => ({
    path: `conf/set/${name}`,
    content: name,
    mode: 0o600,
  }));
  await cluster.host.writeFiles("pg1", files);
  const left = await docker("exec", cluster.thing("pg1"), "ls", "-A", "/pgrep-kit/node/conf/set");
  expect(left.split("\n").toSorted()).toEqual(["one", "three", "two"]);
});

test("a secret is in no listing of the engine while it is written", async () => {
  await bring("running");
  const secret = "s3cret-s3cret-s3cret";
  const writing = cluster.host.writeFiles("pg1", [{ path: "conf/pgpass", content: secret, mode: 0o600 }]);
  const seen: string[] = [];
  await meanwhile(
    writing,
    async () => void seen.push(await docker("top", cluster.thing("pg1"), "-eo", "pid,args")),
  );
  seen.push(await docker("inspect", cluster.thing("pg1")));
  expect(seen.join("\n")).not.toContain(secret);
});

test("a path that leads out of the node is our own mistake", async () => {
  for (const path of ["/etc/passwd", "../other", "conf/../../other", "", "conf//file"]) {
    const file = { path, content: "", mode: 0o600 };
    await expect(cluster.host.writeFiles("pg1", [file])).rejects.toThrow(BrokenInvariant);
    await expect(cluster.host.readFile("pg1", path)).rejects.toThrow(BrokenInvariant);
  }
});

test("on a full disk the old file stays whole", async () => {
  const options = freshOptions();
  const volume = `pgrep-kit-${options.cluster}-pg1`;
  const labels = { cluster: options.cluster, id: options.clusterId, node: "pg1" };
  const flags = Object.entries(labels).map(([key, value]) => `--label=pgrep-kit.${key}=${value}`);
  const small = ["--driver=local", "--opt=type=tmpfs", "--opt=device=tmpfs", "--opt=o=size=256k"];
  await docker("volume", "create", ...small, ...flags, volume);
  await using full = await openCluster(options);
  await full.host.create("pg1");
  await full.host.writeFiles("pg1", [{ path: "conf/file", content: "old", mode: 0o600 }]);
  const large = { path: "conf/file", content: "x".repeat(1_000_000), mode: 0o600 };
  const error = await failure(full.host.writeFiles("pg1", [large]));
  expect(error.code).toBe("disk-full");
  expect(error.message).toContain("write conf/file of node pg1");
  expect(await full.host.readFile("pg1", "conf/file")).toBe("old");
  const filler = { argv: ["sh", "-c", "cat /dev/zero >filler"], timeoutMs: 30_000 };
  expect((await failure(full.host.run("pg1", filler))).code).toBe("disk-full");
});
