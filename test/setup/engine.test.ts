// A second engine beside one that is only slow would use the same data: it must be told from none.
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { livingEngine } from "./engine.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pgrep-kit-engine-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("neither pid file nor socket: there is no engine", async () => {
  expect(await livingEngine(join(folder, "none.pid"), join(folder, "none.sock"))).toBeUndefined();
});

test("a pid file whose number belongs to another program now, and a socket that nobody listens to, are no engine", async () => {
  const [pid, socket] = [join(folder, "stale.pid"), join(folder, "stale.sock")];
  await writeFile(pid, `${process.pid}\n`);
  await writeFile(socket, "");
  expect(await livingEngine(pid, socket)).toBeUndefined();
});

test("whoever listens at the socket lives, though it never answers", async () => {
  const socket = join(folder, "silent.sock");
  const silent = createServer(() => undefined).listen(socket);
  await once(silent, "listening");
  expect(await livingEngine(join(folder, "none.pid"), socket)).toBe(`a program listens at ${socket}`);
  silent.close();
});
