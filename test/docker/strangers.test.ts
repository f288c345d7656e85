// What is not this cluster's is never touched, whatever it is called.
import { expect, test } from "vitest";
import { openDockerHost } from "../../src/runtime/docker/docker-host.ts";
import {
  IMAGE,
  docker,
  failure,
  freshOptions,
  names,
  openCluster,
  type DockerCluster,
} from "./docker-cluster.ts";

const quiet = (): void => undefined;

/** Makes something with the engine's own command, and removes it afterwards. */
async function stranger(kind: "volume" | "network" | "container", name: string, ...flags: string[]) {
  const create =
    kind === "container"
      ? ["create", `--name=${name}`, ...flags, IMAGE, "sleep", "300"]
      : [kind, "create", ...flags, name];
  await docker(...create);
  return {
    [Symbol.asyncDispose]: async () =>
      void (await docker(kind, "rm", ...(kind === "container" ? ["--force", "--volumes"] : []), name)),
  };
}

function labels({ cluster, clusterId }: DockerCluster["options"], ...more: string[]): string[] {
  return [
    `--label=pgrep-kit.cluster=${cluster}`,
    `--label=pgrep-kit.id=${clusterId}`,
    ...more.map((label) => `--label=${label}`),
  ];
}

test.each(["of nobody", "of another cluster of the same name"])(
  "a volume %s stops the set-up before anything is made",
  async (whose) => {
    const options = freshOptions();
    const name = `pgrep-kit-${options.cluster}-pg2`;
    const flags = whose === "of nobody" ? [] : labels({ ...options, clusterId: "another" });
    await using _volume = await stranger("volume", name, ...flags);
    const host = await openDockerHost(options);
    const foreign = await failure(host.check().then(() => host.setUp(quiet)));
    expect(foreign.code).toBe("volume-foreign");
    expect(foreign.message).toContain(name);
    if (whose === "of nobody") expect(foreign.detail).toBe("It was not made by pgrep-kit.");
    else {
      expect(foreign.detail).toContain(`a cluster named "${options.cluster}" as well`);
      // It may be the data that the user has lost the way to.
      expect(foreign.hint).toMatch(/bring it back/);
      expect(foreign.hint).not.toContain("docker volume rm");
    }
    expect(await names("network", `name=pgrep-kit-${options.cluster}`)).toEqual([]);
    const attempts = [
      () => host.create("pg2"),
      () => host.start("pg2", 0),
      () => host.run("pg2", { argv: ["true"], timeoutMs: 1000 }),
    ];
    for (const attempt of attempts) {
      expect((await failure(attempt())).code).toBe("volume-foreign");
    }
    expect((await host.list()).size).toBe(0);
    await host.remove("pg2");
    await host.tearDown();
    await host.close();
    expect(await names("volume", `name=${name}`)).toEqual([name]);
  },
);

test("the volumes of a cluster whose name begins alike are no strangers", async () => {
  const options = freshOptions();
  const longer = { ...options, cluster: `${options.cluster}-2`, clusterId: "another" };
  await using _volume = await stranger("volume", `pgrep-kit-${longer.cluster}-pg1`, ...labels(longer));
  await using cluster = await openCluster(options);
  expect((await cluster.host.list()).size).toBe(0);
});

test("a network of the cluster's name that is somebody else's is refused and left alone", async () => {
  const options = freshOptions();
  const name = `pgrep-kit-${options.cluster}`;
  await using _network = await stranger("network", name);
  const host = await openDockerHost(options);
  const foreign = await failure(host.setUp(quiet));
  expect(`${foreign.code}: ${foreign.message}`).toContain(
    `volume-foreign: the Docker network ${name} exists`,
  );
  await host.tearDown();
  await host.close();
  expect(await names("network", `name=${name}`)).toEqual([name]);
});

test("a container of a node's name that is somebody else's is neither started, stopped, killed nor removed", async () => {
  await using cluster = await openCluster();
  const { host } = cluster;
  await host.create("pg1");
  await using _container = await stranger("container", cluster.thing("pg1"), "--network=none");
  await docker("start", cluster.thing("pg1"));
  const attempts = [
    () => host.start("pg1", 0),
    () => host.stop("pg1", 1000),
    () => host.kill("pg1"),
    () => host.pause("pg1"),
    () => host.resume("pg1"),
  ];
  for (const attempt of attempts) expect((await failure(attempt())).code).toBe("volume-foreign");
  expect((await host.list()).get("pg1")?.state).toBe("stopped");
  await host.remove("pg1");
  await host.tearDown();
  expect(await docker("inspect", "--format={{.State.Status}}", cluster.thing("pg1"))).toBe("running");
});

test("tearing a cluster down removes whatever carries its id, and leaves the neighbour's", async () => {
  await using neighbour = await openCluster();
  await neighbour.host.create("pg1");
  const cluster = await openCluster();
  await cluster.host.create("pg1");
  const leftover = `left-by-${cluster.options.cluster}`;
  await docker(
    "create",
    `--name=${leftover}`,
    ...labels(cluster.options, "pgrep-kit.tool=pg9"),
    IMAGE,
    "true",
  );
  await cluster.host.tearDown();
  const id = `label=pgrep-kit.id=${cluster.options.clusterId}`;
  for (const kind of ["container", "volume", "network"] as const) expect(await names(kind, id)).toEqual([]);
  await cluster.host.tearDown();
  await cluster.host.close();
  expect((await neighbour.host.list()).get("pg1")?.state).toBe("stopped");
  const { cluster: name } = neighbour.options;
  expect(await names("network", `name=pgrep-kit-${name}`)).toEqual([`pgrep-kit-${name}`]);
});

test("a network that a stranger's container uses is named with its user, and goes once it is free", async () => {
  await using cluster = await openCluster();
  const network = `pgrep-kit-${cluster.options.cluster}`;
  const name = `app-${cluster.options.cluster}`;
  {
    await using _app = await stranger("container", name, `--network=${network}`);
    await docker("start", name);
    const used = await failure(cluster.host.tearDown());
    expect(`${used.code}: ${used.detail}`).toBe(`remove-failed: It is used by: ${name}.`);
  }
  await cluster.host.tearDown();
  expect(await names("network", `name=${network}`)).toEqual([]);
});
