/** What `doctor` wants to know of this machine: engine, binaries, psql, disk, and what `init` would choose. */
import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { STATE_FOLDER } from "../control/state-folder.ts";
import type { ClusterSpec, RuntimeKind } from "../core/spec.ts";
import type { HostLook, Looked, MachineFacts, Trouble } from "../monitor/doctor/facts.ts";
import { looked, trouble } from "../monitor/doctor/gather-state.ts";
import type { NodeHost } from "../runtime/node-host.ts";
import { DEFAULT_MAJOR, chooseRuntime } from "./choose-runtime.ts";
import { findPsql } from "./find-psql.ts";
import { defaultImage } from "./open-host.ts";

/** For a look at a host without a cluster: nothing is ever made under this id. */
const NO_CLUSTER = { cluster: "none", clusterId: "0".repeat(32) } as const;
const PSQL_TIMEOUT_MS = 3_000;

/** `own`: the kind of host that the cluster has; it is looked at with the cluster itself. */
export async function machineFacts(folder: string, own: RuntimeKind | null): Promise<MachineFacts> {
  const [docker, binaries, psql, freeBytes] = await Promise.all([
    own === "docker" ? lookedAtElsewhere : looked(() => checked(openDocker())),
    own === "process" ? lookedAtElsewhere : looked(() => checked(openProcess(folder))),
    psqlVersion(),
    statfs(folder).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => null,
    ),
  ]);
  const choice = own === null ? await looked(() => choiceHere(docker)) : lookedAtElsewhere;
  return { docker, binaries, choice, psql, here: { folder, freeBytes } };
}

/** `docker`: as it was looked at, with the default image. */
async function choiceHere(docker: Looked<HostLook>) {
  const choice = await chooseRuntime(null, null);
  const image = defaultImage(DEFAULT_MAJOR);
  const isMissing = choice.runtime === "docker" && docker.seen && docker.value.source !== image;
  return isMissing ? { ...choice, missingImage: image } : choice;
}

const lookedAtElsewhere: Looked<never> = {
  seen: false,
  trouble: { message: "it is looked at with the cluster", detail: null, hint: null },
};

async function openDocker(): Promise<NodeHost> {
  const { openDockerHost } = await import("../runtime/docker/docker-host.ts");
  return openDockerHost({ ...NO_CLUSTER, image: defaultImage(DEFAULT_MAJOR), major: DEFAULT_MAJOR });
}

async function openProcess(folder: string): Promise<NodeHost> {
  const { openProcessHost } = await import("../runtime/process/process-host.ts");
  return openProcessHost({ ...NO_CLUSTER, stateFolder: join(folder, STATE_FOLDER), major: null });
}

async function checked(opening: Promise<NodeHost>): Promise<HostLook> {
  const host = await opening;
  try {
    return await host.check();
  } finally {
    await host.close();
  }
}

/** Volumes of the names that this cluster would use, but of somebody else. `id` null: nothing is ours yet. */
export async function inTheWay(spec: ClusterSpec, id: string | null): Promise<Trouble | null> {
  if (spec.runtime !== "docker") return null;
  const [{ engineSocketPath }, { openEngine }, { refuseForeignVolumes }] = await Promise.all([
    import("../runtime/docker/engine-address.ts"),
    import("../runtime/docker/engine-client.ts"),
    import("../runtime/docker/volumes.ts"),
  ]);
  try {
    const engine = openEngine(engineSocketPath(undefined, process.env));
    try {
      await refuseForeignVolumes(engine, { cluster: spec.name, clusterId: id ?? NO_CLUSTER.clusterId });
      return null;
    } finally {
      engine.close();
    }
  } catch (error) {
    const told = trouble(error);
    // That the engine does not answer is another check's finding.
    return told.hint?.includes("docker volume rm") === true ? told : null;
  }
}

async function psqlVersion(): Promise<MachineFacts["psql"]> {
  const program = await findPsql();
  if (program === null) return null;
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: PSQL_TIMEOUT_MS });
    const version = /\(PostgreSQL\) (\d+[\w.]*)/.exec(stdout)?.[1];
    return version === undefined ? null : { version, major: Number.parseInt(version, 10) };
  } catch {
    return null;
  }
}
