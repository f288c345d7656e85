// A cluster on the real engine for one test file, under a name and an id of its own. Everything of it is removed in
// the end; what else is on the engine is left alone. The engine is looked at with its own command, not with our code.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { openDockerHost, type DockerHostOptions } from "../../src/runtime/docker/docker-host.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";
import { PgrepKitError } from "../../src/support/errors.ts";
import { until } from "../../src/support/until.ts";

export const IMAGE = "pgrep-kit-test/postgres:17";

export interface DockerCluster extends AsyncDisposable {
  readonly host: NodeHost;
  readonly options: DockerHostOptions;
  /** What a node's container and volume are called. */
  thing(node: string): string;
  /** A stopped node with a configured, empty server. */
  node(name: string): Promise<void>;
}

export async function openCluster(options: Partial<DockerHostOptions> = {}): Promise<DockerCluster> {
  const all = { ...freshOptions(), ...options };
  const host = await openDockerHost(all);
  await host.setUp(() => undefined);
  return {
    host,
    options: all,
    thing: (node) => `pgrep-kit-${all.cluster}-${node}`,
    async node(name) {
      await host.create(name);
      const initdb = ["initdb", "-D", host.paths(name).data, "-U", "postgres", "-A", "trust", "--no-sync"];
      const made = await host.run(name, { argv: initdb, timeoutMs: 60_000 });
      if (made.exitCode !== 0) throw new Error(`initdb failed: ${made.stderr}`);
      await host.writeFiles(name, [{ path: "conf/postgresql.conf", content: SETTINGS, mode: 0o600 }]);
    },
    async [Symbol.asyncDispose]() {
      await host.tearDown();
      await host.close();
    },
  };
}

const SETTINGS = "listen_addresses = '*'\nunix_socket_directories = '/tmp'\nfsync = off\n";

export function freshOptions(): DockerHostOptions {
  const clusterId = randomBytes(16).toString("hex");
  return { cluster: `test-${clusterId.slice(0, 8)}`, clusterId, image: IMAGE, major: 17 };
}

/** The engine's own command; its stdout, without the last line's end. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("docker", args);
  return stdout.trimEnd();
}

export async function names(kind: "container" | "volume" | "network", filter: string): Promise<string[]> {
  const all = kind === "container" ? ["--all"] : [];
  const format = kind === "container" ? "{{.Names}}" : "{{.Name}}";
  const listed = await docker(kind, "ls", ...all, `--filter=${filter}`, `--format=${format}`);
  return listed.split("\n").filter((line) => line !== "");
}

export async function stateOf(host: NodeHost, node: string): Promise<string> {
  return (await host.list()).get(node)?.state ?? "absent";
}

export async function logOf(host: NodeHost, node: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of host.logs(node, { lines: null, follow: false })) lines.push(line);
  return lines;
}

/** The error that `work` ends with. */
export async function failure(work: Promise<unknown>): Promise<PgrepKitError> {
  const thrown: unknown = await work.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => error,
  );
  if (!(thrown instanceof PgrepKitError)) throw thrown;
  return thrown;
}

export async function waitFor(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const met = await until(async () => ((await holds()) ? true : null), { everyMs: 20, deadlineMs: 30_000 });
  if (met === null) throw new Error(`waited 30 s for ${what}`);
}

/** Does `act` again and again as long as `work` goes on. */
export async function meanwhile(work: Promise<void>, act: () => Promise<void>): Promise<void> {
  const state = { isOver: false };
  const over = work.finally(() => (state.isOver = true));
  over.catch(() => undefined);
  while (!state.isOver) await act();
  await over;
}

/** A port of the loopback address that nothing listens on, held until it is released. */
export async function takePort(): Promise<{ readonly port: number; release(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return { port: address.port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

export async function freePort(): Promise<number> {
  const { port, release } = await takePort();
  await release();
  return port;
}

/** The id of a process that has ended. */
export async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}
