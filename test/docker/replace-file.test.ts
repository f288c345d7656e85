// A running server replaces a file of its node itself, which is quicker than a program in its container; where it cannot,
// the host does it.
import { expect, test } from "vitest";
import { replaceFile } from "../../src/runtime/steps/replace-file.ts";
import { Session } from "../../src/postgres/session.ts";
import { readState } from "../../src/control/state-folder.ts";
import { type TestCluster, startCluster } from "../setup/cluster.ts";
import { docker } from "./docker-cluster.ts";

const FILE = {
  path: "conf/odd $(id) it's",
  content: 'it\'s a \\ back\\nslash\n\ttab, "é" and $HOME\n',
  mode: 0o640,
};

async function openSession(demo: TestCluster, node: string): Promise<Session> {
  const [{ ports }, { superuser }] = await Promise.all([
    readState({ path: `${demo.folder}/.pgrep-kit` }),
    demo.credentials(),
  ]);
  return Session.open({
    host: "127.0.0.1",
    port: ports[node] ?? 0,
    user: "postgres",
    password: superuser,
    database: "postgres",
    applicationName: "test",
    connectTimeoutMs: 5_000,
  });
}

test.each(["17", "17-busybox"])(
  "a standby of the image %s replaces its own file, whatever is in it",
  async (tag) => {
    await using demo = await startCluster({ nodes: 2, image: `pgrep-kit-test/postgres:${tag}` });
    const real = await demo.host();
    try {
      const host = { ...real, writeFiles: () => Promise.reject(new Error("the host is not to be asked")) };
      await using session = await openSession(demo, "pg2");
      await replaceFile({ host }, session, "pg2", { ...FILE, content: "before" });
      await replaceFile({ host }, session, "pg2", FILE);
      expect(await real.readFile("pg2", FILE.path)).toBe(FILE.content);
      const container = `pgrep-kit-${demo.name}-pg2`;
      const stat = ["stat", "-c", "%U %a", `/pgrep-kit/node/${FILE.path}`];
      expect(await docker("exec", container, ...stat)).toBe("postgres 640");
      const left = await docker("exec", container, "ls", "/pgrep-kit/node/conf");
      expect(left).not.toContain("pgrep-kit-server");
    } finally {
      await real.close();
    }
  },
);

test("without the programs that it takes, the host writes the settings, and mode works all the same", async () => {
  await using demo = await startCluster({ nodes: 2 });
  for (const node of ["pg1", "pg2"])
    await docker("exec", "-u", "0", `pgrep-kit-${demo.name}-${node}`, "rm", "/usr/bin/base64");
  await demo.ok("mode", "sync");
  const [row] = await demo.sql("pg2", "SHOW synchronous_standby_names");
  expect(row?.["synchronous_standby_names"]).toBe("FIRST 1 (pg1, pg2)");
});
