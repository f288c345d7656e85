/** Writes a node's configuration files; they live outside of PGDATA, so that no copy or rewind replaces them. */
import { type NodeConfiguration, REPLICATION_ROLE } from "../../core/node-configuration.ts";
import type { NodeName } from "../../core/spec.ts";
import { renderConfiguration } from "../../postgres/configuration-file.ts";
import type { RuntimeContext } from "../context.ts";
import type { NodeFile, NodePaths } from "../node-host.ts";
import { template } from "../templates.ts";

export function passfilePath(paths: NodePaths): string {
  return `${paths.conf}/pgpass`;
}

/** `as` is the name of the main file: another one than postgresql.conf to try a configuration out. */
export async function configurationFile(
  context: RuntimeContext,
  node: NodeName,
  configuration: NodeConfiguration,
  as = "postgresql.conf",
): Promise<NodeFile> {
  const paths = context.host.paths(node);
  const places = { hba_file: `${paths.conf}/pg_hba.conf` };
  const content = renderConfiguration(await template("postgresql.conf"), configuration, places);
  return { path: `conf/${as}`, content, mode: 0o600 };
}

/** Everything a server needs beside its data. */
export async function writeConfiguration(
  context: RuntimeContext,
  node: NodeName,
  configuration: NodeConfiguration,
): Promise<void> {
  await context.host.writeFiles(node, [
    await configurationFile(context, node, configuration),
    { path: "conf/pg_hba.conf", content: await template("pg_hba.conf"), mode: 0o600 },
    passfile(context),
  ]);
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html; generated passwords hold no character to escape. */
export function passfile(context: RuntimeContext): NodeFile {
  return {
    path: "conf/pgpass",
    content: `*:*:*:${REPLICATION_ROLE}:${context.credentials.replicator}\n`,
    mode: 0o600,
  };
}
