/**
 * `.pgrep-kit/`, the folder beside pgrep-kit.yaml: what pgrep-kit made and must remember (identity, ports, passwords).
 * A damaged file in it is reported, never made anew: the passwords are in the nodes, and the identity is on their volumes.
 * Writing is for the holder of the lock alone.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type { ClusterSpec, NodeName, RuntimeKind } from "../core/spec.ts";
import { PgrepKitError } from "../support/errors.ts";
import { isObject, readIfThere, readJson, systemCode, writeDurably, writeError } from "../support/files.ts";
import { inTurn } from "./in-turn.ts";
import { homeOf, isAtHome, isCopy } from "./state-home.ts";

export const STATE_FOLDER = ".pgrep-kit";

export interface StateFolder {
  /** Of `.pgrep-kit` itself. */
  readonly path: string;
}

export interface ClusterState {
  readonly version: 1;
  /** 32 hexadecimal digits; marks everything that belongs to this cluster, so that a namesake's is never taken for ours. */
  readonly id: string;
  readonly cluster: string;
  readonly runtime: RuntimeKind;
  /** The major version that the data was made with; null in a state from before that was written down. */
  readonly postgres: number | null;
  /** The folder that this was written in, as a real path; null in a state from before that was written down. */
  readonly home: string | null;
  /** The database made for the user. */
  readonly database: string;
  /** The sample that was loaded into it. */
  readonly sample: string | null;
  /** The port on the loopback address of each node that ever had one. */
  readonly ports: Readonly<Record<NodeName, number>>;
}

export type NewState = Pick<ClusterState, "cluster" | "runtime" | "postgres" | "database" | "sample">;

export interface Credentials {
  readonly superuser: string;
  readonly replicator: string;
  readonly app: string;
}

const CLUSTER_FILE = "cluster.json";
const CREDENTIALS_FILE = "credentials.json";
/** Without its cluster.json it shows that there was one. */
const AUTHORITY_FILE = "authority.json";
/** The folder by which `lock.ts` keeps commands apart, and what it prepares beside it. */
export const LOCK = "lock";
export const PREPARED_PREFIX = "lock.new-";
const RESTORE_HINT =
  "Nothing was changed. Restore the file from a backup; pgrep-kit does not make it up anew.";

/** Makes `.pgrep-kit/` if it is not there yet: the lock needs it before anything else can be known. */
export async function makeStateFolder(fileFolder: string): Promise<StateFolder> {
  const path = join(fileFolder, STATE_FOLDER);
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await tightenFolder(path);
      const ignored = await readIfThere(join(path, ".gitignore"));
      if (ignored === null) await writeDurably(join(path, ".gitignore"), "*\n", { mode: 0o600 });
      return { path };
    } catch (error) {
      const failure = writeError(path, error);
      // A `destroy` that ends just now takes the empty folder away under our hands.
      if (systemCode(failure.cause) !== "ENOENT" || attempt === 3) throw failure;
    }
  }
}

/** Others may pass through the folder (a server of another user may live in it), but neither list nor change it. */
async function tightenFolder(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o066) !== 0) await chmod(path, mode & 0o711);
}

/**
 * The state beside a cluster file, or null where `createState` has not been yet, or not to its end. Throws `state-copied`
 * where it is the copy of one that is still in its place: to read by it, too, would be to look at the other's nodes.
 */
export async function openState(fileFolder: string): Promise<StateFolder | null> {
  const folder = { path: join(fileFolder, STATE_FOLDER) };
  const state = await readClusterJson(folder);
  if (state !== null) {
    const idAt = async (path: string): Promise<string | null> =>
      (await readClusterJson({ path }))?.id ?? null;
    if (await isCopy(folder.path, state, idAt)) throw copied(folder, state);
    return folder;
  }
  // Passwords alone are what a `createState` leaves that was killed midway; a record of authority comes only later.
  if ((await readIfThere(join(folder.path, AUTHORITY_FILE))) === null) return null;
  throw missing(folder);
}

/**
 * Writes a new cluster's identity and passwords. Repeating it after a crash continues it; where the state is already
 * there it must be of the same cluster, and stays as it is. Hold the lock, or two of them would each write passwords.
 */
export async function createState(fileFolder: string, wanted: NewState): Promise<StateFolder> {
  const folder = await makeStateFolder(fileFolder);
  if ((await openState(fileFolder)) !== null) {
    checkState(await readState(folder), { name: wanted.cluster, runtime: wanted.runtime });
    return folder;
  }
  const credentials = await readCredentialsJson(folder);
  if (credentials === null) await writeJson(folder, CREDENTIALS_FILE, { version: 1, ...newCredentials() });
  // Last: its presence says that everything else is there.
  const state: ClusterState = {
    version: 1,
    id: randomBytes(16).toString("hex"),
    ...picked(wanted),
    home: await homeOf(folder.path),
    ports: {},
  };
  await writeJson(folder, CLUSTER_FILE, state);
  return folder;
}

function picked({ cluster, runtime, postgres, database, sample }: NewState): NewState {
  return { cluster, runtime, postgres, database, sample };
}

/** Throws `state-mismatch` where the file now speaks of another cluster than the one that was made. */
export function checkState(state: ClusterState, spec: Pick<ClusterSpec, "name" | "runtime">): void {
  if (state.cluster !== spec.name) {
    throw new PgrepKitError("state-mismatch", {
      message: `the file names the cluster ${spec.name}, but the one that was made here is ${state.cluster}`,
      detail:
        "A cluster's name is part of its containers, volumes and data, and cannot be changed afterwards.",
      hint: `Set name back to ${state.cluster}, or use another folder for ${spec.name}.`,
    });
  }
  if (state.runtime !== spec.runtime) {
    throw new PgrepKitError("state-mismatch", {
      message: `the file says runtime: ${spec.runtime}, but this cluster was made with runtime: ${state.runtime}`,
      detail: "The nodes and their data are there; pgrep-kit does not move them between runtimes.",
      hint: `Set runtime back to ${state.runtime}, or destroy the cluster and run init again.`,
    });
  }
}

/** Throws `state-mismatch` where the file now asks for another major version than the data is of. */
export function checkMajor({ postgres }: ClusterState, spec: Pick<ClusterSpec, "postgres">): void {
  if (postgres === null || postgres === spec.postgres) return;
  throw new PgrepKitError("state-mismatch", {
    message: `the file says postgres: ${spec.postgres}, but this cluster was made with PostgreSQL ${postgres}`,
    detail:
      "Servers of one major version cannot read the data of another; pgrep-kit does not upgrade it yet.",
    hint: `Set postgres back to ${postgres}, or make a new cluster in another folder and bring the data over with pg_dump.`,
  });
}

export async function readState(folder: StateFolder): Promise<ClusterState> {
  const state = await readClusterJson(folder);
  if (state === null) throw missing(folder);
  return state;
}

export async function readCredentials(folder: StateFolder): Promise<Credentials> {
  const credentials = await readCredentialsJson(folder);
  if (credentials !== null) return credentials;
  throw new PgrepKitError("state-corrupt", {
    message: `the state file ${join(folder.path, CREDENTIALS_FILE)} is missing`,
    detail: "It holds the passwords that the nodes were made with.",
    hint: RESTORE_HINT,
  });
}

/** One writer at a time for each folder within this process: steps of one stage run side by side. */
const turns = new Map<string, ReturnType<typeof inTurn>>();

async function updateState(
  folder: StateFolder,
  change: (state: ClusterState) => ClusterState,
): Promise<ClusterState> {
  const turn = turns.get(folder.path) ?? inTurn();
  turns.set(folder.path, turn);
  return turn(async () => {
    const before = await readState(folder);
    const after = change(before);
    if (JSON.stringify(after) !== JSON.stringify(before)) await writeJson(folder, CLUSTER_FILE, after);
    return after;
  });
}

/** The folder was moved, or brought back in another place: from now on it belongs there. */
export async function rememberHome(folder: StateFolder): Promise<void> {
  if (await isAtHome(folder.path, (await readState(folder)).home)) return;
  const home = await homeOf(folder.path);
  await updateState(folder, (state) => ({ ...state, home }));
}

export async function rememberPort(folder: StateFolder, node: NodeName, port: number): Promise<ClusterState> {
  return updateState(folder, (state) => ({ ...state, ports: { ...state.ports, [node]: port } }));
}

/** The node has left: its port is free for another one. */
export async function forgetNode(folder: StateFolder, node: NodeName): Promise<ClusterState> {
  return updateState(folder, (state) => {
    const { [node]: _, ...ports } = state.ports;
    return { ...state, ports };
  });
}

/**
 * Empties the folder at the end of `destroy`; giving up the lock then removes it. What identifies the cluster goes last,
 * so that a killed `destroy` can be repeated.
 */
export async function removeState(folder: StateFolder): Promise<void> {
  try {
    // First, because what is left then passes for a half-made state, should somebody remove the rest by hand.
    await rm(join(folder.path, AUTHORITY_FILE), { force: true });
    for (const name of await readdir(folder.path)) {
      // The lock and its preparations belong to processes, not to the cluster.
      if (name === CLUSTER_FILE || name === LOCK || name.startsWith(PREPARED_PREFIX)) continue;
      await rm(join(folder.path, name), { recursive: true, force: true });
    }
    await rm(join(folder.path, CLUSTER_FILE), { force: true });
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw writeError(folder.path, error);
  }
}

function copied(folder: StateFolder, { home }: ClusterState): PgrepKitError {
  const original = dirname(home ?? "");
  return new PgrepKitError("state-copied", {
    message: `this folder is a copy of ${original}; the cluster belongs to that one`,
    detail: "Both would have the same nodes: what is done here would be done there.",
    hint: `Work in ${original}. For a cluster of its own here, remove ${folder.path} first.`,
  });
}

function missing(folder: StateFolder): PgrepKitError {
  return new PgrepKitError("state-corrupt", {
    message: `the state file ${join(folder.path, CLUSTER_FILE)} is missing`,
    detail: `Its neighbour ${AUTHORITY_FILE} shows that a cluster was made here.`,
    hint: RESTORE_HINT,
  });
}

async function writeJson(folder: StateFolder, file: string, value: object): Promise<void> {
  await writeDurably(join(folder.path, file), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}

async function readClusterJson(folder: StateFolder): Promise<ClusterState | null> {
  return readJson(join(folder.path, CLUSTER_FILE), clusterState, RESTORE_HINT);
}

function clusterState(value: unknown): ClusterState | null {
  if (!isObject(value)) return null;
  const { version, id, cluster, runtime, postgres = null, home = null, database, sample, ports } = value;
  if (version !== 1 || typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id)) return null;
  if (typeof cluster !== "string" || typeof database !== "string" || !isObject(ports)) return null;
  if (runtime !== "docker" && runtime !== "process") return null;
  if (sample !== null && typeof sample !== "string") return null;
  if (postgres !== null && typeof postgres !== "number") return null;
  if (home !== null && (typeof home !== "string" || !isAbsolute(home))) return null;
  if (!Object.values(ports).every(isPort)) return null;
  const known = { version, id, cluster, runtime, postgres, home, database, sample } as const;
  return { ...known, ports: ports as ClusterState["ports"] };
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

async function readCredentialsJson(folder: StateFolder): Promise<Credentials | null> {
  const path = join(folder.path, CREDENTIALS_FILE);
  const credentials = await readJson(path, credentialsOf, RESTORE_HINT);
  if (credentials !== null) await tightenFile(path);
  return credentials;
}

function credentialsOf(value: unknown): Credentials | null {
  if (!isObject(value) || value["version"] !== 1) return null;
  const { superuser, replicator, app } = value;
  if (!isPassword(superuser) || !isPassword(replicator) || !isPassword(app)) return null;
  return { superuser, replicator, app };
}

/** Our own passwords need no escaping in a URI or a passfile; others may be there only if they need none either. */
function isPassword(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{24,}$/.test(value);
}

/** A checkout, a copy or an editor may have opened the passwords to everybody. */
async function tightenFile(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  try {
    await chmod(path, 0o600);
  } catch (error) {
    throw new PgrepKitError("state-unwritable", {
      message: `other users can read the passwords in ${path}, and its mode cannot be changed`,
      hint: `As the owner of the file: chmod 600 ${path}`,
      cause: error,
    });
  }
}

function newCredentials(): Credentials {
  const password = (): string => randomBytes(24).toString("base64url");
  return { superuser: password(), replicator: password(), app: password() };
}
