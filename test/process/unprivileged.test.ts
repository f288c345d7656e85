// Clusters of an ordinary user: nodes beside the state file, in folders with awkward names, and what root may do with
// them. An ordinary user is played by the servers' own, in a process of its own.
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openProcessHost, type ProcessHostOptions } from "../../src/runtime/process/process-host.ts";
import { findServerUser, runsAsRoot, type ServerUser } from "../../src/runtime/process/server-user.ts";
import { compiled } from "../setup/compiled.ts";
import { configuration, freePort, openLocalHost, postmasterPid, stateOf } from "./local-host.ts";

let home: string;
let module: string;
let user: ServerUser;
beforeAll(async () => {
  if (!runsAsRoot()) return;
  user = await findServerUser(process.env);
  home = await mkdtemp(join(tmpdir(), "pgrep-kit-home-"));
  await chmod(home, 0o755);
  module = await compiled(home, "runtime/process/process-host");
});
afterAll(async () => {
  if (runsAsRoot()) await rm(home, { recursive: true });
});

/** Runs `body` as the ordinary user with an open `host`; what it returns comes back. */
async function asUser(options: ProcessHostOptions, body: string): Promise<unknown> {
  const script = `import { openProcessHost } from ${JSON.stringify(module)};
    const work = async () => { const host = await openProcessHost(${JSON.stringify(options)}); ${body} };
    const result = await work().catch((error) => ({ code: error.code, message: error.message, detail: error.detail }));
    console.log(JSON.stringify(result));`;
  const args = ["--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: "/",
    uid: user.uid,
    gid: user.gid,
  });
  return JSON.parse(stdout);
}

async function stateFolder(name: string): Promise<string> {
  const folder = join(home, name, ".pgrep-kit");
  await mkdir(folder, { recursive: true });
  await Promise.all([join(home, name), folder].map((each) => chown(each, user.uid, user.gid)));
  return folder;
}

test("a cluster with spaces and a quote in its name works", async () => {
  await using local = await openLocalHost("it's a test");
  const node = await local.node("pg1");
  expect(`${node.paths.root}${local.options.stateFolder}`).toContain("it's a test");
  await local.host.start(node.name, node.port);
  expect(await stateOf(local.host, node.name)).toBe("running");
  await local.host.stop(node.name, 20_000);
  expect(await stateOf(local.host, node.name)).toBe("stopped");
});

test.runIf(runsAsRoot())(
  "a user's nodes live beside the state file, and root acts on them as that user",
  async () => {
    const folder = await stateFolder('my "best" cluster\'s home');
    const options = { cluster: "demo", clusterId: "0123456789abcdef", stateFolder: folder, major: null };
    const port = await freePort();
    const asRoot = await openProcessHost(options);
    const root = join(folder, "nodes", "pg1");
    const paths = { root, data: join(root, "data"), conf: join(root, "conf") };
    const seen = await asUser(
      options,
      `await host.setUp(() => undefined);
     await host.create("pg1");
     const { data } = host.paths("pg1");
     const made = await host.run("pg1", { argv: ["initdb", "-D", data, "-U", "postgres", "--no-sync", "--no-locale"], timeoutMs: 60000 });
     if (made.exitCode !== 0) return made;
     const file = { path: "conf/postgresql.conf", content: ${JSON.stringify(configuration(port, paths))}, mode: 0o600 };
     await host.writeFiles("pg1", [file]);
     await host.start("pg1", ${port});
     return { root: host.paths("pg1").root, states: [...(await host.list()).values()].map((node) => node.state) };`,
    );
    expect(seen).toEqual({ root, states: ["running"] });

    const sudo = await openProcessHost(options);
    expect(sudo.paths("pg1").root).toBe(root);
    // Opened before the first node was made, it would have made root's own.
    expect(asRoot.paths("pg1").root).not.toBe(root);
    expect(await stateOf(sudo, "pg1")).toBe("running");
    await sudo.stop("pg1", 20_000);
    await sudo.start("pg1", port);
    expect((await stat(`/proc/${await postmasterPid(sudo, "pg1")}`)).uid).toBe(user.uid);
    expect((await stat(join(root, "server.log"))).uid).toBe(user.uid);
    await sudo.remove("pg1");
    await sudo.tearDown();
    await expect(stat(join(folder, "nodes"))).rejects.toThrow("ENOENT");
  },
);

test.runIf(runsAsRoot())("an ordinary user does not take root's cluster for an absent one", async () => {
  await using local = await openLocalHost("rooted");
  await local.host.create("pg1");
  expect(await asUser(local.options, "return [...(await host.list()).keys()];")).toMatchObject({
    code: "state-mismatch",
    message: "this cluster was made by root",
  });
});

test.runIf(runsAsRoot())(
  "a folder that the servers' user cannot enter is told before anything is made",
  async () => {
    const binaries = join(home, "closed");
    await mkdir(binaries, { mode: 0o700 });
    for (const program of ["initdb", "postgres", "pg_basebackup", "pg_controldata"]) {
      await writeFile(join(binaries, program), '#!/bin/sh\necho "postgres (PostgreSQL) 15.4"\n', {
        mode: 0o755,
      });
    }
    const options = { cluster: "demo", clusterId: "00000000", stateFolder: home, major: 15 };
    const host = await openProcessHost({ ...options, env: { PGREP_KIT_PGBIN: binaries } });
    await expect(host.check()).rejects.toMatchObject({
      code: "user-missing",
      message: `user "${user.name}" cannot enter ${binaries}`,
    });
  },
);
