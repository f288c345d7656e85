// A running server replaces a file of its node itself, which is quicker than a program in its container; where it cannot,
// the host does it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STAGE_MARK } from "../../src/runtime/node-host.ts";
import { replaceFile, replaceScript } from "../../src/runtime/steps/replace-file.ts";
import { shellQuoted } from "../../src/core/shell-word.ts";
import { Session } from "../../src/postgres/session.ts";
import { readState } from "../../src/control/state-folder.ts";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
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

describe.each(["17", "17-busybox"])("on the image %s", (tag) => {
  let demo: TestCluster;
  let container: string;
  beforeAll(async () => {
    demo = await startCluster({ nodes: 2, image: `pgrep-kit-test/postgres:${tag}` });
    container = `pgrep-kit-${demo.name}-pg2`;
  });
  afterAll(async () => demo?.[Symbol.asyncDispose]());

  const shell = (script: string): Promise<string> =>
    docker("exec", "-u", "postgres", container, "/bin/sh", "-c", script);
  const target = "/tmp/target";
  const fed = (content: string): string => {
    const script = replaceScript(target, 0o600, Buffer.byteLength(content));
    return `printf %s ${Buffer.from(content).toString("base64")} | sh -c ${shellQuoted(script)}`;
  };

  test("a standby replaces its own file, whatever is in it", async () => {
    await demo.onHost(async (real) => {
      const host = { ...real, writeFiles: () => Promise.reject(new Error("the host is not to be asked")) };
      await using session = await openSession(demo, "pg2");
      await replaceFile({ host }, session, "pg2", { ...FILE, content: "before" });
      await replaceFile({ host }, session, "pg2", FILE);
      expect(await real.readFile("pg2", FILE.path)).toBe(FILE.content);
      expect(await shell(`stat -c '%U %a' ${shellQuoted(`/pgrep-kit/node/${FILE.path}`)}`)).toBe(
        "postgres 640",
      );
      expect(await shell("ls /pgrep-kit/node/conf")).not.toContain(STAGE_MARK);
    });
  });

  test("a program that its server leaves alone keeps the old file, whole, and nothing of its own", async () => {
    await shell(fed("old\n"));
    const content = Buffer.from("new, and longer\n");
    const script = replaceScript(target, 0o600, content.length);
    for (const heard of ["", content.toString("base64").slice(0, 8)]) {
      await expect(shell(`printf %s '${heard}' | sh -c ${shellQuoted(script)}`)).rejects.toThrow(
        "Command failed",
      );
      expect(await shell(`cat ${target}; ls ${target}*`)).toBe(`old\n${target}`);
    }
  });

  test("a program that is signalled keeps the old file, and nothing of its own", async () => {
    await shell(fed("old\n"));
    await shell("mkfifo /tmp/feed");
    const feeder = "sleep 600 >/tmp/feed & echo $! >/tmp/feeder";
    const waiting = `${feeder}; sh -c ${shellQuoted(replaceScript(target, 0o600, 5))} </tmp/feed`;
    const ended = shell(`${waiting} & echo $! >/tmp/pid; wait $!`).then(
      () => "well",
      () => "badly",
    );
    await eventually("its stage", async () => (await shell(`ls ${target}*`)).includes(STAGE_MARK));
    await shell("kill -TERM $(cat /tmp/pid); kill $(cat /tmp/feeder)");
    expect(await ended).toBe("badly");
    expect(await shell(`cat ${target}; ls ${target}*`)).toBe(`old\n${target}`);
  });

  test("a program that hung, and comes to its end late, does not undo what was written meanwhile", async () => {
    const slow = 'while [ ! -e /tmp/go ]; do sleep 0.1; done; PATH=/usr/bin:/bin exec sync "$@"';
    await shell(
      `mkdir -p /tmp/slow; printf '#!/bin/sh\\n%s\\n' ${shellQuoted(slow)} >/tmp/slow/sync; chmod 755 /tmp/slow/sync`,
    );
    const late = shell(`PATH=/tmp/slow:$PATH; export PATH; ${fed("late\n")}`).then(
      () => "done",
      () => "failed",
    );
    await eventually("the first one's stage", async () =>
      (await shell(`ls ${target}*`)).includes(STAGE_MARK),
    );
    await shell(fed("newest\n"));
    await shell("touch /tmp/go");
    expect(await late).toBe("failed");
    expect(await shell(`cat ${target}; ls ${target}*`)).toBe(`newest\n${target}`);
  });
});

describe("a mode change", () => {
  const settings = async (demo: TestCluster): Promise<unknown> =>
    (await demo.sql("pg2", "SHOW synchronous_standby_names"))[0]?.["synchronous_standby_names"];
  const logged = async (demo: TestCluster): Promise<string> =>
    (await demo.ok("logs", "pg2", "--lines", "10000")).stdout;

  test("leaves no text of a configuration in the log of a server that logs every statement", async () => {
    await using demo = await startCluster({ nodes: 2 });
    await demo.sql("pg2", "SELECT 1");
    for (const node of ["pg1", "pg2"]) {
      await docker(
        "exec",
        "-u",
        "postgres",
        `pgrep-kit-${demo.name}-${node}`,
        "sh",
        "-c",
        "echo log_statement=all >>/pgrep-kit/node/data/postgresql.auto.conf",
      );
      await demo.sql(node, "SELECT pg_reload_conf()");
    }
    await eventually("statements in the log", async () => {
      await demo.sql("pg2", "SELECT 'seen by the log'");
      return (await logged(demo)).includes("seen by the log");
    });
    await demo.ok("mode", "sync");
    expect(await settings(demo)).toBe("FIRST 1 (pg1, pg2)");
    expect(await logged(demo)).toContain("pg_reload_conf");
    expect(await logged(demo)).not.toContain("COPY (SELECT");
  });

  test("works where the server has not the programs that it takes, by the host, and makes no noise in the log", async () => {
    await using demo = await startCluster({ nodes: 2 });
    for (const node of ["pg1", "pg2"])
      await docker("exec", "-u", "0", `pgrep-kit-${demo.name}-${node}`, "rm", "/usr/bin/base64");
    await demo.ok("mode", "sync");
    expect(await settings(demo)).toBe("FIRST 1 (pg1, pg2)");
    expect(await logged(demo)).not.toMatch(/COPY|child process|ERROR/);
  });
});
