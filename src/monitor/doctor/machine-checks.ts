/** Checks of this machine: what nodes can live on, psql, and room on the disk. They need no cluster. */
import { formatBytes } from "../../core/diagnose/units.ts";
import { NEWEST_POSTGRES, OLDEST_POSTGRES, type RuntimeKind } from "../../core/spec.ts";
import { type Answer, type Check, bad, good, problem } from "./check.ts";
import { type DoctorFacts, type HostLook, type Looked, serversOf } from "./facts.ts";

/** Below the first, servers soon stop; below the second, a copy of a node may not fit. */
const FULL_BYTES = 128 * 1024 * 1024;
export const TIGHT_BYTES = 1024 * 1024 * 1024;

export const MACHINE_CHECKS: readonly Check[] = [
  {
    id: "docker-engine",
    group: "Machine",
    title: "Docker engine",
    run: (facts) => hostAnswer(facts, "docker", facts.machine.docker),
  },
  {
    id: "postgres-binaries",
    group: "Machine",
    title: "PostgreSQL here",
    run: (facts) => hostAnswer(facts, "process", facts.machine.binaries),
  },
  { id: "init-choice", group: "Machine", title: "init", run: choice },
  { id: "psql-client", group: "Machine", title: "psql", run: psqlClient },
  {
    id: "disk-here",
    group: "Machine",
    title: "Disk space here",
    run: ({ machine }) => {
      const { folder, freeBytes } = machine.here;
      if (freeBytes === null) return null;
      const trouble = roomProblem(null, folder, freeBytes, TIGHT_BYTES);
      return { problems: trouble, good: `${formatBytes(freeBytes)} free in ${folder}`, unseen: null };
    },
  },
];

/** What the cluster needs must be there; what it does not need is only told. */
function hostAnswer(facts: DoctorFacts, kind: RuntimeKind, generalLook: Looked<HostLook>): Answer {
  const { cluster } = facts;
  const isOwn = cluster?.spec.runtime === kind;
  const look = isOwn ? cluster.host : generalLook;
  if (look.seen) {
    const { title, place, source, major } = look.value;
    return good(
      kind === "docker"
        ? `${title} at ${place}`
        : `PostgreSQL ${major ?? ""} in ${source}`.replace("  ", " "),
    );
  }
  const { message, hint, detail } = look.trouble;
  const otherWorks =
    cluster === null && (kind === "docker" ? facts.machine.binaries.seen : facts.machine.docker.seen);
  if (isOwn || (cluster === null && !otherWorks)) return bad("fail", message, hint ?? detail ?? "");
  return good(`not needed ${cluster === null ? "" : "by this cluster "}(${message})`.replace(" )", ")"));
}

function choice({ machine, file }: DoctorFacts): Answer | null {
  if (file.kind !== "none") return null;
  if (!machine.choice.seen) {
    return bad("fail", machine.choice.trouble.message, machine.choice.trouble.hint ?? "");
  }
  const { runtime, postgres, missingImage } = machine.choice.value;
  const where = runtime === "docker" ? "on Docker" : "as local processes";
  const text = `would make a cluster of PostgreSQL ${postgres} ${where} here`;
  if (postgres < OLDEST_POSTGRES) {
    const remedy = `Install PostgreSQL ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES}, or start Docker.`;
    return bad("fail", `init ${text}, which is too old`, remedy);
  }
  const pull = `, and pull the image ${missingImage} first, which is not on this machine yet`;
  return good(missingImage === undefined ? text : `${text}${pull}`);
}

function psqlClient({ machine, cluster }: DoctorFacts): Answer {
  const { psql } = machine;
  if (psql === null && cluster?.spec.runtime === "docker") {
    return good("not on this machine: pgrep-kit psql takes that of a node's container");
  }
  if (psql === null) {
    const remedy =
      'Install it (Debian, Ubuntu: apt-get install postgresql-client), or use another client with "$(pgrep-kit uri --admin)".';
    return bad("warning", "psql is not on this machine: pgrep-kit psql needs it", remedy);
  }
  const servers = cluster === null ? [] : serversOf(cluster);
  const newest = Math.max(0, ...servers.map(({ seen }) => Math.floor(seen.serverVersion / 10_000)));
  if (newest > psql.major) {
    // Plain SQL works all the same, and an image is often newer than the machine around it: no reason for a warning.
    return good(
      `psql ${psql.version}; for all of its commands on PostgreSQL ${newest}, install postgresql-client-${newest}`,
    );
  }
  return good(`psql ${psql.version}`);
}

/** `tightBytes`: from here on it is worth a word. */
export function roomProblem(node: string | null, place: string, freeBytes: number, tightBytes: number) {
  if (freeBytes >= tightBytes) return [];
  const remedy =
    node === null
      ? "Free some space there."
      : { advice: "Free some space there. What slots keep:", command: "pgrep-kit lag" };
  const level = freeBytes < FULL_BYTES ? "fail" : "warning";
  return [problem(level, node, `only ${formatBytes(freeBytes)} are free in ${place}`, remedy)];
}
