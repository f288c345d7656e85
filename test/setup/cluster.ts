// A real cluster for tests, made and used through the built command line as a user would, on the host of the project
// that runs (`process` or `docker`). Disposing removes it and everything it left, also after a failure.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { inject } from "vitest";
import { openHost } from "../../src/cli/open-host.ts";
import { readClusterFile } from "../../src/config/read-cluster-file.ts";
import {
  type Credentials,
  type StateFolder,
  openState,
  readCredentials,
  readState,
} from "../../src/control/state-folder.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** A command that takes longer hangs. */
const COMMAND_TIMEOUT_MS = 100_000;

export const TEST_IMAGE = "pgrep-kit-test/postgres:17";

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ClusterOptions {
  readonly nodes?: number;
  /** More arguments for `init`. */
  readonly init?: readonly string[];
  readonly image?: string;
  /** Only the folder and the wish: `init` is left to the test. */
  readonly bare?: boolean;
}

export interface TestCluster extends AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  /** The arguments of the `init` that makes this cluster. */
  readonly initArguments: readonly string[];
  /** Runs pgrep-kit in the cluster's folder and answers how it ended. */
  cli(...args: string[]): Promise<CommandResult>;
  /** The same, but anything other than exit code 0 fails the test with what it printed. */
  ok(...args: string[]): Promise<CommandResult>;
  /** Starts pgrep-kit without waiting for its end. */
  begin(...args: string[]): RunningCommand;
  /** `status -o json`, whatever its exit code. */
  status(): Promise<StatusJson>;
  /** One statement as superuser, rows as objects. */
  sql(node: string, text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** A connection that the test closes; as superuser, unless `as` says otherwise. */
  connect(node: string, database?: string, as?: pg.ClientConfig): Promise<pg.Client>;
  /** The generated passwords. */
  credentials(): Promise<Credentials>;
  /** The nodes' host itself, to break things that the command line would not. */
  host(): Promise<NodeHost>;
  /** Opened for this use alone: an open host may hold on to a node, as a command at work does. */
  onHost<T>(work: (host: NodeHost) => Promise<T>): Promise<T>;
  readFile(path: string): Promise<string>;
  writeFile(path: string, content: string): Promise<void>;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
}

/** What tests look at; the whole shape is in guides/json.md. */
export interface StatusJson {
  readonly verdict: string;
  readonly term: number | null;
  readonly primary: string | null;
  readonly nodes: readonly {
    readonly name: string;
    readonly role: string;
    readonly state: string;
    readonly [key: string]: unknown;
  }[];
  readonly findings: readonly {
    readonly code: string;
    readonly node: string | null;
    readonly [key: string]: unknown;
  }[];
  readonly [key: string]: unknown;
}

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const name = `t${randomBytes(4).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), `pgrep-kit-${name}-`));
  const runtime = inject("host");
  const image = runtime === "docker" ? ["--image", options.image ?? TEST_IMAGE] : [];
  const count = ["--nodes", String(options.nodes ?? 3)];
  const initArguments = [
    "init",
    "--name",
    name,
    "--runtime",
    runtime,
    ...count,
    ...image,
    ...(options.init ?? []),
  ];
  const cluster = testCluster(name, folder, initArguments);
  if (options.bare === true) return cluster;
  try {
    await cluster.ok(...initArguments);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

function testCluster(name: string, folder: string, initArguments: readonly string[]): TestCluster {
  const begin = (...args: string[]): RunningCommand => beginCommand(folder, args);
  const cli = (...args: string[]): Promise<CommandResult> => begin(...args).result;
  const ok = async (...args: string[]): Promise<CommandResult> => {
    const result = await cli(...args);
    if (result.code === 0) return result;
    throw new Error(
      `pgrep-kit ${args.join(" ")} ended with ${result.code}\n${result.stdout}${result.stderr}`,
    );
  };
  const connect: TestCluster["connect"] = (node, database, as) => connectTo(folder, node, database, as);
  let removed: Promise<void> | undefined;
  return {
    name,
    folder,
    initArguments,
    cli,
    ok,
    begin,
    connect,
    credentials: async () => readCredentials(await stateOf(folder)),
    status: async () => JSON.parse((await cli("status", "-o", "json")).stdout) as StatusJson,
    sql: async (node, text, values) => {
      const client = await connect(node);
      try {
        return (await client.query(text, values)).rows as Record<string, unknown>[];
      } finally {
        await client.end();
      }
    },
    host: () => hostOf(folder),
    onHost: async (work) => {
      const host = await hostOf(folder);
      try {
        return await work(host);
      } finally {
        await host.close();
      }
    },
    readFile: (path) => readFile(join(folder, path), "utf8"),
    writeFile: (path, content) => writeFile(join(folder, path), content),
    [Symbol.asyncDispose]: () => (removed ??= removeCluster(folder, cli)),
  };
}

function beginCommand(folder: string, args: readonly string[]): RunningCommand {
  const { CI: _, FORCE_COLOR: __, PGREP_KIT_CLUSTER: ___, ...env } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), COMMAND_TIMEOUT_MS);
  const result = once(child, "close").then(([code]) => {
    clearTimeout(timer);
    return { code: code as number | null, stdout, stderr };
  });
  return { child, result };
}

async function stateOf(folder: string): Promise<StateFolder> {
  const state = await openState(folder);
  if (state === null) throw new Error("the cluster was not made");
  return state;
}

async function connectTo(
  folder: string,
  node: string,
  database = "postgres",
  as: pg.ClientConfig = {},
): Promise<pg.Client> {
  const state = await stateOf(folder);
  const [{ ports }, credentials] = await Promise.all([readState(state), readCredentials(state)]);
  const client = new pg.Client({
    host: "127.0.0.1",
    port: ports[node] ?? 0,
    user: "postgres",
    password: credentials.superuser,
    database,
    connectionTimeoutMillis: 5_000,
    ...as,
  });
  // A server that the test kills takes its connections along.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function hostOf(folder: string): Promise<NodeHost> {
  const state = await stateOf(folder);
  const { spec } = await readClusterFile(join(folder, "pgrep-kit.yaml"));
  return openHost(spec, (await readState(state)).id, state.path);
}

async function removeCluster(folder: string, cli: TestCluster["cli"]): Promise<void> {
  const destroyed = await cli("destroy", "--yes");
  if (destroyed.code !== 0 && (await openState(folder).catch(() => null)) !== null) {
    // A test may have damaged what `destroy` rests on; what it made must go all the same.
    const host = await hostOf(folder);
    for (const node of (await host.list()).keys()) await host.remove(node);
    await host.tearDown();
    await host.close();
  }
  await rm(folder, { recursive: true, force: true });
}

/** Asks until it is so; a deadline fails the test and names what was waited for. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await check();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
