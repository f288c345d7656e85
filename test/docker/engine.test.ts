// An engine that is absent, silent or elsewhere, and an image that is missing: each is told with its remedy.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { engineAnswers } from "../../src/runtime/docker/engine-answers.ts";
import { openDockerHost } from "../../src/runtime/docker/docker-host.ts";
import { compiled } from "../setup/compiled.ts";
import { docker, failure, freshOptions, names, openCluster } from "./docker-cluster.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pgrep-kit-engine-"));
});
afterAll(async () => rm(folder, { recursive: true }));

test("the report names engine, socket, image and major version, and makes nothing", async () => {
  const options = freshOptions();
  const host = await openDockerHost(options);
  const version = await docker("version", "--format={{.Server.Version}}");
  expect(await host.check()).toEqual({
    title: `Docker ${version}`,
    place: expect.stringMatching(/^unix:\/\/\//),
    source: options.image,
    major: 17,
  });
  expect(await names("network", `name=pgrep-kit-${options.cluster}`)).toEqual([]);
  await host.close();
});

test("an absent engine is told with its socket", async () => {
  const socketPath = join(folder, "absent.sock");
  const host = await openDockerHost({ ...freshOptions(), socketPath });
  const attempts = [
    () => host.check(),
    () => host.list(),
    () => host.setUp(() => undefined),
    () => host.start("pg1", 0),
    () => host.tearDown(),
  ];
  for (const attempt of attempts) {
    const absent = await failure(attempt());
    expect(`${absent.code}: ${absent.message}`).toBe(
      `docker-unavailable: no Docker engine answers at unix://${socketPath}`,
    );
    expect(absent.hint).toContain("Start Docker");
  }
  await host.close();
});

test("an engine that the user may not use is told with the remedy", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("only root can act as another user");
  const socketPath = join(folder, "forbidden.sock");
  const server = createServer().listen(socketPath);
  await once(server, "listening");
  await Promise.all([chmod(folder, 0o755), chmod(socketPath, 0o600)]);
  const module = await compiled(folder, "runtime/docker/docker-host");
  const script = `
    const { openDockerHost } = await import(${JSON.stringify(module)});
    const host = await openDockerHost(${JSON.stringify({ ...freshOptions(), socketPath })});
    await host.list().catch(({ code, message, hint }) => console.log([code, message, hint].join("|")));
    await host.close();
  `;
  const nobody = { uid: 65534, gid: 65534, cwd: "/" };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    nobody,
  );
  expect(stdout).toBe(
    `docker-forbidden|no permission to use the Docker engine at unix://${socketPath}|` +
      "Add yourself to the `docker` group (`sudo usermod -aG docker $USER`, then log in again), or set `runtime: process`.\n",
  );
  server.close();
});

test("an engine that takes the call and never answers is given up after 5 seconds, and not called absent", async () => {
  const socketPath = join(folder, "silent.sock");
  const connections = new Set<Socket>();
  const silent = createServer((connection) => connections.add(connection)).listen(socketPath);
  const host = await openDockerHost({ ...freshOptions(), socketPath });
  const startedMs = performance.now();
  const error = await failure(host.list());
  expect(`${error.code}: ${error.message}`).toBe(
    `docker-unavailable: the Docker engine at unix://${socketPath} did not answer within 5 s`,
  );
  expect(error.detail).toBe("It was asked: GET /containers/json.");
  expect(error.hint).toContain("It may only be busy");
  expect(performance.now() - startedMs).toBeLessThan(8_000);
  await expect(engineAnswers({ DOCKER_HOST: `unix://${socketPath}` })).rejects.toThrow(
    "did not answer within 5 s",
  );
  await host.close();
  for (const connection of connections) connection.destroy();
  silent.close();
});

test("an engine that ends the connection instead of answering is not called absent", async () => {
  const socketPath = join(folder, "rude.sock");
  const rude = createServer((connection) => connection.once("data", () => connection.destroy())).listen(
    socketPath,
  );
  const host = await openDockerHost({ ...freshOptions(), socketPath });
  expect((await failure(host.list())).message).toBe(
    `the Docker engine at unix://${socketPath} broke the connection off`,
  );
  await host.close();
  rude.close();
});

test.each(["tcp://10.0.0.1:2375", "ssh://me@elsewhere", "10.0.0.1:2375"])(
  "an engine on another machine (%s) is refused",
  async (address) => {
    vi.stubEnv("DOCKER_HOST", address);
    try {
      const elsewhere = await failure(openDockerHost(freshOptions()));
      expect(`${elsewhere.code}: ${elsewhere.message}`).toBe(
        "docker-unavailable: Docker engines on other machines are not supported",
      );
      expect(elsewhere.detail).not.toContain("me@");
    } finally {
      vi.unstubAllEnvs();
    }
  },
);

test("DOCKER_HOST names another socket of this machine", async () => {
  vi.stubEnv("DOCKER_HOST", `unix://${folder}/mine.sock`);
  try {
    const host = await openDockerHost(freshOptions());
    expect((await failure(host.list())).message).toContain(`unix://${folder}/mine.sock`);
    await host.close();
  } finally {
    vi.unstubAllEnvs();
  }
});

test("an image that is not there is reported, and where it cannot be pulled the remedy is told", async () => {
  // No registry has this name: `.invalid` never resolves.
  const image = "registry.invalid/postgres:17";
  const host = await openDockerHost({ ...freshOptions(), image });
  expect(await host.check()).toMatchObject({ source: `${image} (not on this machine yet)`, major: null });
  const told: string[] = [];
  const missing = await failure(host.setUp((message) => told.push(message)));
  expect(`${missing.code}: ${missing.message}`).toBe(`image-missing: the image ${image} is missing`);
  expect(missing.hint).toContain("--image");
  expect(told).toEqual([`pulling ${image}`]);
  await host.tearDown();
  await host.close();
});

test("an image of another major version is refused", async () => {
  const options = freshOptions();
  const host = await openDockerHost({ ...options, image: "pgrep-kit-test/postgres:15", major: 17 });
  const wrong = await failure(host.setUp(() => undefined));
  expect(`${wrong.code}: ${wrong.message}`).toBe(
    "image-unusable: the image pgrep-kit-test/postgres:15 holds PostgreSQL 15, and the cluster wants 17",
  );
  await host.tearDown();
  await host.close();
});

test("setting up twice makes one network", async () => {
  await using cluster = await openCluster();
  await cluster.host.setUp(() => undefined);
  await Promise.all([cluster.host.setUp(() => undefined), cluster.host.setUp(() => undefined)]);
  expect(await names("network", `label=pgrep-kit.id=${cluster.options.clusterId}`)).toHaveLength(1);
});
