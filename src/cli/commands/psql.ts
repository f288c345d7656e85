/** `psql`: PostgreSQL's own client, as superuser. The password goes by a file that only the user can read, never by argv. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { SUPERUSER } from "../../core/node-configuration.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { writeDurably } from "../../support/files.ts";
import { type NodeChoice, chooseNode } from "../choose-node.ts";
import { findPsql } from "../find-psql.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";

export async function psql(
  rest: readonly string[],
  options: NodeChoice,
  globals: GlobalOptions,
): Promise<number> {
  const program = await findPsql();
  if (program === null) throw noPsql();
  const environment = await connection(options, globals);
  const env = { ...withoutLibpq(process.env), ...environment };
  const child = spawn(program, rest, { stdio: "inherit", env });
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

async function connection(options: NodeChoice, globals: GlobalOptions): Promise<Record<string, string>> {
  await using cluster = await findCluster(globals);
  const node = await chooseNode(cluster, options);
  const { host, port } = cluster.host.wiring(node, cluster.state.ports[node] ?? 0).endpoint;
  const passfile = join(cluster.folder.path, "pgpass");
  await writeDurably(passfile, `${host}:*:*:${SUPERUSER}:${cluster.credentials.superuser}\n`, {
    mode: 0o600,
  });
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: SUPERUSER,
    PGDATABASE: cluster.state.database,
    PGPASSFILE: passfile,
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
