/** `psql`: PostgreSQL's own client, as superuser. The password goes by a file that only the user can read, never by argv. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { SUPERUSER } from "../../core/node-configuration.ts";
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { writeDurably } from "../../support/files.ts";
import { type NodeChoice, chooseNode } from "../choose-node.ts";
import { findPsql, onPath } from "../find-psql.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import type { OpenCluster } from "../open-cluster.ts";
import { say } from "../terminal.ts";

/** Of libpq, which would wait for a server without end that is frozen, or behind a firewall that says nothing. */
const CONNECT_TIMEOUT_S = "10";

export async function psql(
  rest: readonly string[],
  options: NodeChoice,
  globals: GlobalOptions,
): Promise<number> {
  const { argv, env } = await command(rest, options, globals);
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { stdio: "inherit", env: { ...withoutLibpq(process.env), ...env } });
  // ^C belongs to psql: it cancels a query there, and must not end this process under it.
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return code ?? 1;
  } finally {
    process.off("SIGINT", ignore);
  }
}

interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function command(
  rest: readonly string[],
  options: NodeChoice,
  globals: GlobalOptions,
): Promise<Command> {
  await using cluster = await findCluster(globals);
  const [node, program] = await Promise.all([chooseNode(cluster, options), findPsql()]);
  return program === null ? psqlOfNode(cluster, node, rest) : psqlHere(cluster, node, program, rest);
}

async function psqlHere(
  cluster: OpenCluster,
  node: NodeName,
  program: string,
  rest: readonly string[],
): Promise<Command> {
  const { host, port } = cluster.host.wiring(node, cluster.state.ports[node] ?? 0).endpoint;
  const passfile = join(cluster.folder.path, "pgpass");
  await writeDurably(passfile, password(cluster, host), { mode: 0o600 });
  return { argv: [program, ...rest], env: connection(cluster, host, port, passfile) };
}

/** In the node's container, for a machine that has an engine and no PostgreSQL. */
async function psqlOfNode(cluster: OpenCluster, node: NodeName, rest: readonly string[]): Promise<Command> {
  const { host } = cluster;
  const address = "127.0.0.1";
  const secret = `conf/pgpass-${randomBytes(6).toString("hex")}`;
  const passfile = `${host.paths(node).root}/${secret}`;
  const { listenPort } = host.wiring(node, 0);
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const env = connection(cluster, address, listenPort, passfile);
  const argv = host.beside(node, { argv: ["psql", ...rest], env, secret, isTerminal });
  if (argv === null || (await onPath(argv[0] ?? "")) === null) throw noPsql();
  if ((await host.list()).get(node)?.state !== "running") {
    throw new PgrepKitError("server-unreachable", {
      message: `${node} does not run`,
      hint: "Bring it up: pgrep-kit up",
    });
  }
  await host.writeFiles(node, [{ path: secret, content: password(cluster, address), mode: 0o600 }]);
  if (isTerminal)
    say(`This machine has no psql: it is that of ${node}'s container, and sees the files there.`);
  return { argv, env: {} };
}

function password({ credentials }: OpenCluster, host: string): string {
  return `${host}:*:*:${SUPERUSER}:${credentials.superuser}\n`;
}

function connection(
  { state }: OpenCluster,
  host: string,
  port: number,
  passfile: string,
): Record<string, string> {
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: SUPERUSER,
    PGDATABASE: state.database,
    PGPASSFILE: passfile,
    // libpq takes an empty one for a mistake.
    PGCONNECT_TIMEOUT: process.env["PGCONNECT_TIMEOUT"] || CONNECT_TIMEOUT_S,
  };
}

/**
 * What the user has set for other servers must not lead to one of them: PGSERVICE and PGHOSTADDR go before host and port,
 * PGPASSWORD before the passfile. https://www.postgresql.org/docs/current/libpq-envars.html
 */
function withoutLibpq(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isLibpq(name)));
}

/** PG_COLOR only colours messages; PSQLRC and its like are psql's own, and begin otherwise. */
function isLibpq(name: string): boolean {
  return /^PG(?!_COLORS?$|REP_KIT_)/.test(name);
}

function noPsql(): PgrepKitError {
  return new PgrepKitError("tool-missing", {
    message: "psql is not installed on this machine",
    detail: "It was looked for in PGREP_KIT_PGBIN, on PATH and in the usual places.",
    hint: 'Install PostgreSQL\'s client (Debian, Ubuntu: apt-get install postgresql-client), or use another one with "$(pgrep-kit uri --admin)".',
  });
}
