/**
 * Gathers everything that `doctor` judges, and ends with facts whatever is missing: no file, a damaged state, an engine
 * or servers that do not answer. It changes nothing.
 */
import { dirname, join } from "node:path";
import { STATE_FOLDER, type StateFolder, openState } from "../control/state-folder.ts";
import type { ClusterFile } from "../config/read-cluster-file.ts";
import type { ClusterFacts, DoctorFacts, MadeFacts, StateFacts, Trouble } from "../monitor/doctor/facts.ts";
import { type HealthAnswer, gatherCluster } from "../monitor/doctor/gather-cluster.ts";
import { looked, modesOf, stateFacts, trouble } from "../monitor/doctor/gather-state.ts";
import { SERVER_HEALTH } from "../postgres/doctor-queries.ts";
import { PgrepKitError } from "../support/errors.ts";
import { inTheWay, machineFacts } from "./doctor-machine.ts";
import { type GlobalOptions, findFile } from "./find-cluster.ts";
import { type OpenCluster, openCluster } from "./open-cluster.ts";
import { defaultImage, openHost } from "./open-host.ts";

const QUERY_TIMEOUT_MS = 3_000;

export async function doctorFacts(globals: GlobalOptions): Promise<DoctorFacts> {
  const found = await fileFacts(globals);
  if (found.file === null) {
    return {
      machine: await machineFacts(process.cwd(), null),
      file: found.facts,
      state: null,
      cluster: null,
    };
  }
  const { file } = found;
  const folder: StateFolder = { path: join(dirname(file.path), STATE_FOLDER) };
  const [machine, { state, cluster }] = await Promise.all([
    machineFacts(dirname(file.path), file.spec.runtime),
    clusterAndState(file, folder),
  ]);
  return { machine, file: found.facts, state, cluster };
}

type Found =
  | { readonly file: ClusterFile; readonly facts: DoctorFacts["file"] }
  | { readonly file: null; readonly facts: DoctorFacts["file"] };

/** A file that was named must be there; one that was looked for need not. */
async function fileFacts(globals: GlobalOptions): Promise<Found> {
  try {
    const file = await findFile(globals);
    return { file, facts: { kind: "valid", path: file.path } };
  } catch (error) {
    if (!(error instanceof PgrepKitError)) throw error;
    const wasNamed = globals.cluster !== undefined || (process.env["PGREP_KIT_CLUSTER"] ?? "") !== "";
    if (error.code !== "cluster-file-missing")
      return { file: null, facts: { kind: "invalid", trouble: trouble(error) } };
    if (wasNamed) throw error;
    return { file: null, facts: { kind: "none", folder: process.cwd() } };
  }
}

interface ClusterAndState {
  readonly state: StateFacts | null;
  readonly cluster: ClusterFacts;
}

async function clusterAndState(file: ClusterFile, folder: StateFolder): Promise<ClusterAndState> {
  // Before anything is read: reading the passwords closes their file.
  const modes = await modesOf(folder);
  if (modes === null) return { state: null, cluster: await neverMade(file, folder) };
  const opened = await opening(file, folder);
  if (!("cluster" in opened)) {
    const [state, cluster] = await Promise.all([
      stateFacts(folder, modes, opened.trouble),
      neverMade(file, folder),
    ]);
    return { state, cluster };
  }
  await using cluster = opened.cluster;
  const [state, facts] = await Promise.all([stateFacts(folder, modes, null), clusterFacts(cluster)]);
  return { state, cluster: facts };
}

async function opening(
  file: ClusterFile,
  folder: StateFolder,
): Promise<{ readonly cluster: OpenCluster } | { readonly trouble: Trouble | null }> {
  try {
    if ((await openState(dirname(file.path))) === null) return { trouble: null };
    return { cluster: await openCluster(file, folder) };
  } catch (error) {
    return { trouble: trouble(error) };
  }
}

/** Nothing but the host can be looked at. */
async function neverMade({ spec }: ClusterFile, folder: StateFolder): Promise<ClusterFacts> {
  const [host, foreign] = await Promise.all([
    looked(async () => {
      const opened = await openHost(spec, "0".repeat(32), folder.path);
      try {
        return await opened.check();
      } finally {
        await opened.close();
      }
    }),
    inTheWay(spec, null),
  ]);
  return { spec, host, image: imageOf({ spec }), inTheWay: foreign, made: null };
}

function imageOf({ spec }: Pick<ClusterFile, "spec">): string | null {
  return spec.runtime === "docker" ? (spec.image ?? defaultImage(spec.postgres)) : null;
}

async function clusterFacts(cluster: OpenCluster): Promise<ClusterFacts> {
  const { spec, host, state } = cluster;
  const [seenHost, foreign, made] = await Promise.all([
    looked(() => host.check()),
    inTheWay(spec, state.id),
    madeFacts(cluster),
  ]);
  return { spec, host: seenHost, image: imageOf(cluster), inTheWay: foreign, made };
}

async function madeFacts(cluster: OpenCluster): Promise<MadeFacts> {
  const { spec, nodes, host, runtime, sessions, state } = cluster;
  // A record that cannot be read is the finding of "Authority record"; the rest is judged without it.
  const authority = await cluster.authority.read().catch(() => null);
  return gatherCluster({
    spec,
    nodes,
    authority,
    host,
    runtime,
    portOf: (node) => state.ports[node] ?? null,
    reach: async (node) => {
      const session = await sessions.to(node);
      return async () => {
        const [row] = await session.query(SERVER_HEALTH, [], QUERY_TIMEOUT_MS);
        return JSON.parse(String(row?.["health"])) as HealthAnswer;
      };
    },
  });
}
