// ^C while a command waits for something that does not answer: an engine, or another command.
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { orInterrupted } from "../../src/cli/interruption.ts";
import { acquireLock } from "../../src/control/lock.ts";
import { STATE_FOLDER } from "../../src/control/state-folder.ts";
import { beginCli } from "../setup/run-cli.ts";
import { madeCluster } from "./made-cluster.ts";

/** Until an engine that hangs is given up on, much more time passes. */
const AT_ONCE_MS = 4_000;

describe("^C is heard at once", () => {
  test.each([["down"], ["up", "--dry-run"]])("while %s looks at an engine that hangs", async (...args) => {
    await using folder = await madeCluster();
    const socket = join(folder.path, "engine.sock");
    const engine = createServer(() => undefined).listen(socket);
    const asked = once(engine, "connection");
    const running = beginCli({ folder: folder.path, env: { DOCKER_HOST: `unix://${socket}` } }, ...args);
    await asked;
    const begun = performance.now();
    running.child.kill("SIGINT");
    const { code, stderr } = await running.result;
    expect([code, stderr]).toEqual([130, expect.stringContaining("interrupted")]);
    expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
    engine.close();
    await rm(socket, { force: true });
  });

  test("while another command has the lock", async () => {
    await using folder = await madeCluster();
    await using _lock = await acquireLock({ path: join(folder.path, STATE_FOLDER) }, "up");
    const running = beginCli({ folder: folder.path }, "down");
    await once(running.child.stderr!, "data");
    expect(running.said()).toContain("Waiting for pgrep-kit up");
    running.child.kill("SIGINT");
    expect((await running.result).code).toBe(130);
  });
});

describe("work that is interrupted", () => {
  const never = new Promise<never>(() => undefined);

  test("may end in good order within its grace", async () => {
    const interruption = new AbortController();
    let givenUp = false;
    const work = new Promise<string>((resolve) => {
      interruption.signal.addEventListener("abort", () => resolve("in good order"));
    });
    interruption.abort(new Error("interrupted"));
    const grace = { graceMs: 10_000, givenUp: () => void (givenUp = true) };
    expect(await orInterrupted(work, interruption.signal, grace)).toBe("in good order");
    expect(givenUp).toBe(false);
  });

  test("and does not end is given up, which is told first", async () => {
    const interruption = new AbortController();
    let givenUp = false;
    const grace = { graceMs: 5, givenUp: () => void (givenUp = true) };
    const waiting = orInterrupted(never, interruption.signal, grace).catch(() => givenUp);
    interruption.abort(new Error("interrupted"));
    expect(await waiting).toBe(true);
  });
});
