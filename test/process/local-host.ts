/**
 * A process host in a temporary place for one test file, with nodes that are made in milliseconds: initdb runs once,
 * further nodes are copies of its result. Everything is ended and removed with it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { NodeHost, NodePaths, ToolResult } from "../../src/runtime/node-host.ts";
import { openProcessHost, type ProcessHostOptions } from "../../src/runtime/process/process-host.ts";
import { PgrepKitError } from "../../src/support/errors.ts";
import { until } from "../../src/support/until.ts";

const TEMPLATE = "template";

export interface LocalNode {
  readonly name: string;
  readonly port: number;
  readonly paths: NodePaths;
}

export interface LocalHost extends AsyncDisposable {
  readonly host: NodeHost;
  readonly options: ProcessHostOptions;
  /** A stopped node with an empty, configured data directory. */
  node(name: string, settings?: string): Promise<LocalNode>;
  /** Runs it as the server's user and expects success. */
  run(node: string, ...argv: string[]): Promise<ToolResult>;
}

export async function openLocalHost(cluster = "test"): Promise<LocalHost> {
  const stateFolder = await mkdtemp(join(tmpdir(), "pgrep-kit-state-"));
  const options = { cluster, clusterId: randomBytes(16).toString("hex"), stateFolder, major: null };
  const host = await openProcessHost(options);
  const run = async (node: string, ...argv: string[]): Promise<ToolResult> => {
    const result = await host.run(node, { argv, timeoutMs: 60_000 });
    expect(result.stderr).toBe("");
    expect(result.exitCode).toBe(0);
    return result;
  };
  const template = once(async () => {
    await host.create(TEMPLATE);
    await run(
      TEMPLATE,
      "initdb",
      "-D",
      host.paths(TEMPLATE).data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "--no-sync",
      "--no-locale",
    );
    return host.paths(TEMPLATE).data;
  });
  return {
    host,
    options,
    run,
    async node(name, settings = "") {
      const [data, port] = [await template(), await freePort()];
      await host.create(name);
      const paths = host.paths(name);
      await run(name, "cp", "-a", data, paths.data);
      await host.writeFiles(name, [
        { path: "conf/postgresql.conf", mode: 0o600, content: configuration(port, paths) + settings },
      ]);
      return { name, port, paths };
    },
    async [Symbol.asyncDispose]() {
      for (const name of (await host.list()).keys()) await host.remove(name);
      await host.tearDown();
      await host.close();
      await rm(stateFolder, { recursive: true });
    },
  };
}

export function configuration(port: number, paths: NodePaths): string {
  const hba = `${paths.data}/pg_hba.conf`.replaceAll("'", "''");
  return `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nhba_file = '${hba}'\n`;
}

/** A port that nothing listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
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
  const met = await until(async () => ((await holds()) ? true : null), { everyMs: 10, deadlineMs: 20_000 });
  if (met === null) throw new Error(`waited 20 s for ${what}`);
}

export async function stateOf(host: NodeHost, name: string): Promise<string> {
  return (await host.list()).get(name)?.state ?? "absent";
}

/** Pid of the postmaster, as the data directory names it. */
export async function postmasterPid(host: NodeHost, name: string): Promise<number> {
  return Number.parseInt((await host.readFile(name, "data/postmaster.pid")) ?? "", 10);
}

export async function logLines(host: NodeHost, name: string, lines: number | null = null): Promise<string[]> {
  const seen: string[] = [];
  for await (const line of host.logs(name, { lines, follow: false })) seen.push(line);
  return seen;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
