// Images as they are in the world: PostgreSQL's own with their entrypoint and VOLUME, and one whose tools are busybox.
import { expect, test } from "vitest";
import { docker, freePort, names, openCluster, stateOf, waitFor } from "./docker-cluster.ts";

test.each([
  ["17-busybox", 17],
  ["17-official", 17],
  ["18-official", 18],
])("a node of the image %s runs, and leaves no container or volume behind", async (tag, major) => {
  const image = `pgrep-kit-test/postgres:${tag}`;
  const port = await freePort();
  const before = await anonymousVolumes();
  const cluster = await openCluster({ image, major });
  try {
    const { host } = cluster;
    await cluster.node("pg1");
    await host.start("pg1", port);
    await waitFor("the server to answer", () => isReady(cluster.thing("pg1")));
    await host.writeFiles("pg1", [{ path: "conf/file", content: "it's\n", mode: 0o640 }]);
    expect(await host.readFile("pg1", "conf/file")).toBe("it's\n");
    const mode = await docker(
      "exec",
      cluster.thing("pg1"),
      "stat",
      "-c",
      "%U %a",
      "/pgrep-kit/node/conf/file",
    );
    expect(mode).toBe("postgres 640");
    expect(await host.freeBytes("pg1")).toBeGreaterThan(0);
    const { stdout } = await host.run("pg1", { argv: ["pg_controldata", "--version"], timeoutMs: 30_000 });
    expect(stdout).toContain(`(PostgreSQL) ${major}.`);
    await host.stop("pg1", 30_000);
    // Another port: the first container goes, with its anonymous volume.
    await host.start("pg1", await freePort());
    await host.kill("pg1");
    expect(await stateOf(host, "pg1")).toBe("stopped");
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
  const left = (await anonymousVolumes()).filter((name) => !before.includes(name));
  const owners = await Promise.all(left.map((name) => names("container", `volume=${name}`)));
  // Other tests make some of their own at the same time; those are in use.
  expect(owners.filter((users) => users.length === 0)).toEqual([]);
  expect(await names("container", `label=pgrep-kit.id=${cluster.options.clusterId}`)).toEqual([]);
});

/** The engine names them by 64 hexadecimal digits. */
async function anonymousVolumes(): Promise<string[]> {
  return (await names("volume", "driver=local")).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

function isReady(container: string): Promise<boolean> {
  return docker("exec", container, "pg_isready", "-q", "-h", "localhost").then(
    () => true,
    () => false,
  );
}
