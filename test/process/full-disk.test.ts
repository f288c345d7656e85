// A full disk: what could not be written is told as such, and what was there before is still whole.
import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";
import { beforeAll, afterAll, expect, test } from "vitest";
import { failure, openLocalHost, stateOf, type LocalHost, type LocalNode } from "./local-host.ts";

const exec = promisify(execFile);
let local: LocalHost;
let node: LocalNode;
/** Only root may mount, and not in every container. */
let mounted = false;

beforeAll(async () => {
  local = await openLocalHost();
  await local.host.create("pg1");
  const args = ["-t", "tmpfs", "-o", "size=96m", "tmpfs", local.host.paths("pg1").root];
  mounted = await exec("mount", args).then(
    () => true,
    () => false,
  );
  if (mounted) node = await local.node("pg1");
});
afterAll(async () => {
  if (mounted) {
    await local.host.kill("pg1");
    await exec("umount", [local.host.paths("pg1").root]);
  }
  await local[Symbol.asyncDispose]();
});

/** Leaves no single free page. */
async function fill(): Promise<void> {
  await local.host.run("pg1", { argv: ["sh", "-c", "cat /dev/zero > filler"], timeoutMs: 30_000 });
  expect((await statfs(node.paths.root)).bavail).toBe(0);
}

test("on a full disk old files stay whole, offline tools go on, and a server that cannot start says why", async (context) => {
  if (!mounted) return context.skip("a file system of its own could not be mounted");
  await fill();
  const before = await local.host.readFile("pg1", "conf/postgresql.conf");
  const file = { path: "conf/postgresql.conf", content: "x".repeat(100_000), mode: 0o600 };
  expect((await failure(local.host.writeFiles("pg1", [file]))).code).toBe("disk-full");
  expect(await local.host.readFile("pg1", "conf/postgresql.conf")).toBe(before);
  expect(await local.host.freeBytes("pg1")).toBe(0);

  await local.run("pg1", "pg_controldata", node.paths.data);
  const full = await failure(local.host.start("pg1", node.port));
  expect(`${full.code}: ${full.detail}`).toMatch(/^disk-full: /);
  await local.run("pg1", "rm", "filler");
  await local.host.start("pg1", node.port);
  expect(await stateOf(local.host, "pg1")).toBe("running");
});
