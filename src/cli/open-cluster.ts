/**
 * Opens an existing cluster for one command: file, state, host, sessions, record and journal, closed together.
 * A reader takes no lock; whoever changes something goes through `change-cluster.ts`.
 */
import { dirname } from "node:path";
import type { ClusterFile } from "../config/read-cluster-file.ts";
import { type AuthorityStore, openAuthorityStore } from "../control/authority-store.ts";
import {
  type ClusterState,
  type Credentials,
  type StateFolder,
  checkState,
  readCredentials,
  readState,
} from "../control/state-folder.ts";
import { SUPERUSER } from "../core/node-configuration.ts";
import type { ClusterSpec, NodeName } from "../core/spec.ts";
import { Session } from "../postgres/session.ts";
import { Sessions } from "../postgres/sessions.ts";
import type { NodeHost } from "../runtime/node-host.ts";
import { PostgresRuntime } from "../runtime/postgres-runtime.ts";
import { PgrepKitError } from "../support/errors.ts";
import { openHost } from "./open-host.ts";

/** Long enough for a busy server, short enough for a person who waits. */
const CONNECT_TIMEOUT_MS = 3_000;

export interface OpenCluster extends AsyncDisposable {
  readonly file: ClusterFile;
  readonly spec: ClusterSpec;
  readonly folder: StateFolder;
  readonly state: ClusterState;
  readonly credentials: Credentials;
  readonly host: NodeHost;
  readonly sessions: Sessions;
  readonly runtime: PostgresRuntime;
  readonly authority: AuthorityStore;
  /** Those of the file, in its order, then those that only the state remembers. */
  readonly nodes: readonly NodeName[];
}

/** `folder` is the state beside the file, which must be there. `imagined`: ports of nodes that are only thought of. */
export async function openCluster(
  file: ClusterFile,
  folder: StateFolder,
  imagined: Readonly<Record<NodeName, number>> = {},
): Promise<OpenCluster> {
  const known = await readState(folder);
  checkState(known, file.spec);
  const state = { ...known, ports: { ...known.ports, ...imagined } };
  return assemble(file, folder, state, await readCredentials(folder));
}

/** A cluster that was never made, to see what making it would mean: nothing of it is written. */
export async function imagineCluster(
  file: ClusterFile,
  folder: StateFolder,
  portsFor: (state: ClusterState) => Promise<ClusterState["ports"]>,
): Promise<OpenCluster> {
  const { name, runtime, postgres } = file.spec;
  const state = {
    version: 1,
    id: NOBODY,
    cluster: name,
    runtime,
    postgres,
    home: null,
    database: "postgres",
    sample: null,
    ports: {},
  } as const;
  return assemble(
    file,
    folder,
    { ...state, ports: await portsFor(state) },
    { superuser: "", replicator: "", app: "" },
  );
}

/** The identity of no cluster. */
export const NOBODY = "0".repeat(32);

async function assemble(
  file: ClusterFile,
  folder: StateFolder,
  state: ClusterState,
  credentials: Credentials,
): Promise<OpenCluster> {
  const { spec } = file;
  const host = await openHost(spec, state.id, folder.path);
  const portOf = (node: NodeName): number => state.ports[node] ?? 0;
  const sessions = new Sessions((node, database) => {
    const { endpoint } = host.wiring(node, portOf(node));
    return Session.open({
      ...endpoint,
      user: SUPERUSER,
      password: credentials.superuser,
      database: database ?? "postgres",
      applicationName: "pgrep-kit",
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
  });
  const { database, sample } = state;
  const runtime = new PostgresRuntime({
    host,
    sessions,
    credentials,
    database,
    sample,
    postgres: spec.postgres,
    portOf,
  });
  return {
    file,
    spec,
    folder,
    state,
    credentials,
    host,
    sessions,
    runtime,
    authority: openAuthorityStore(folder),
    nodes: namesOf(spec, state),
    [Symbol.asyncDispose]: async () => {
      await sessions[Symbol.asyncDispose]();
      await host.close();
    },
  };
}

function namesOf(spec: ClusterSpec, state: ClusterState): NodeName[] {
  return [...new Set([...spec.nodes.map((node) => node.name), ...Object.keys(state.ports)])];
}

/** The folder in which file and state live side by side. */
export function folderOf(file: ClusterFile): string {
  return dirname(file.path);
}

/** A node that the user named; must be one that the file or the state knows. */
export function knownNode(cluster: OpenCluster, name: NodeName): NodeName {
  if (cluster.nodes.includes(name)) return name;
  throw new PgrepKitError("unknown-node", {
    message: `there is no node ${JSON.stringify(name)}`,
    detail: `The nodes are ${cluster.nodes.join(", ")}.`,
  });
}
