/** Checks of what the servers are: one version, one build, one C library, and no known fault in the minor release. */
import { NEWEST_POSTGRES, OLDEST_POSTGRES } from "../../core/spec.ts";
import { type Check, type Problem, onServers, problem, psql, sqlIdentifier } from "./check.ts";
import type { ClusterFacts, Server } from "./facts.ts";

export const VERSION_CHECKS: readonly Check[] = [
  {
    id: "version-same",
    group: "Versions",
    title: "Same version",
    run: onServers(
      differs(versionOf, sameVersion),
      (servers) => `PostgreSQL ${versionOf(first(servers))} on every node`,
    ),
  },
  {
    id: "version-supported",
    group: "Versions",
    title: "Supported",
    run: onServers(supported, `${OLDEST_POSTGRES} to ${NEWEST_POSTGRES} are supported`),
  },
  {
    id: "version-fixes",
    group: "Versions",
    title: "Known faults",
    run: onServers(knownFaults, "none that concerns replication is known of this minor release"),
  },
  {
    id: "build-same",
    group: "Versions",
    title: "Same build",
    run: onServers(
      differs(({ health }) => health.build, sameBuild),
      "the same compiler and platform on every node",
    ),
  },
  {
    id: "collation-library",
    group: "Versions",
    title: "Same C library",
    run: onServers(differs(libraryOf, sameLibrary), libraryText),
  },
  {
    id: "collation-versions",
    group: "Versions",
    title: "Collations",
    run: onServers(collations, "every database was made with the collations of now"),
  },
];

function first(servers: readonly Server[]): Server {
  return servers[0] as Server;
}

function versionText(serverVersion: number): string {
  return `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
}

function versionOf({ seen }: Server): string {
  return versionText(seen.serverVersion);
}

/** Compares each server with the primary (or, without one, with the first that answered). */
function differs(of: (server: Server) => string, tell: (one: Server, reference: Server) => Problem) {
  return (server: Server, cluster: ClusterFacts): Problem[] => {
    const reference = referenceOf(cluster);
    if (reference === null || reference.name === server.name || of(reference) === of(server)) return [];
    return [tell(server, reference)];
  };
}

function referenceOf({ spec, made }: ClusterFacts): Server | null {
  const names = spec.nodes.map((node) => node.name);
  const ordered = names.toSorted(
    (a, b) => Number(b === made?.authority?.primary) - Number(a === made?.authority?.primary),
  );
  for (const name of ordered) {
    const seen = made?.observation.nodes[name];
    const health = made?.health[name];
    if (health !== undefined && (seen?.kind === "primary" || seen?.kind === "standby"))
      return { name, seen, health };
  }
  return null;
}

function sameVersion(server: Server, reference: Server): Problem {
  const majors = [server, reference].map(({ seen }) => Math.floor(seen.serverVersion / 10_000));
  const level = majors[0] === majors[1] ? "warning" : "fail";
  const text = `${server.name} runs PostgreSQL ${versionOf(server)}, ${reference.name} runs ${versionOf(reference)}`;
  return problem(
    level,
    server.name,
    text,
    "Give every node the same image or package; then pgrep-kit restart (standbys first).",
  );
}

function sameBuild(server: Server, reference: Server): Problem {
  const text = `${server.name} and ${reference.name} are different builds: ${server.health.build}; ${reference.health.build}`;
  return problem(
    "warning",
    server.name,
    text,
    "Give every node the same image or package; then pgrep-kit restart.",
  );
}

function libraryOf({ health }: Server): string {
  return `${health.collations.libc ?? ""}/${health.collations.icu ?? ""}`;
}

function sameLibrary(server: Server, reference: Server): Problem {
  const tell = ({ health: { collations: found } }: Server): string =>
    `C library ${found.libc ?? "unknown"}, ICU ${found.icu ?? "unknown"}`;
  const text = `${server.name} sorts by other libraries (${tell(server)}) than ${reference.name} (${tell(reference)}): indexes on text may be wrong there`;
  return problem(
    "fail",
    server.name,
    text,
    `Give every node the same image or package, and copy ${server.name} anew: pgrep-kit remove-standby ${server.name}, then pgrep-kit add-standby ${server.name}.`,
  );
}

function libraryText(servers: readonly Server[]): string {
  const { libc, icu } = first(servers).health.collations;
  const parts = [libc === null ? "" : `C library ${libc}`, icu === null ? "" : `ICU ${icu}`].filter(
    (part) => part !== "",
  );
  return parts.length === 0
    ? "no collation of these servers has a version"
    : `${parts.join(", ")} on every node`;
}

function supported({ name, seen }: Server): Problem[] {
  const major = Math.floor(seen.serverVersion / 10_000);
  if (major > NEWEST_POSTGRES) {
    const text = `${name} runs PostgreSQL ${major}, newer than what pgrep-kit was tested with (${NEWEST_POSTGRES})`;
    return [problem("warning", name, text, "Use a newer pgrep-kit if there is one.")];
  }
  if (major < OLDEST_POSTGRES) {
    const text = `${name} runs PostgreSQL ${major}, which is not supported`;
    return [problem("fail", name, text, `Use PostgreSQL ${OLDEST_POSTGRES} to ${NEWEST_POSTGRES}.`)];
  }
  return [];
}

/**
 * Before these, a commit in the first moments after a start could miss synchronous_standby_names and not wait.
 * https://www.postgresql.org/docs/release/17.5/
 */
const SYNC_AT_START: Readonly<Record<number, number>> = { 15: 13, 16: 9, 17: 5 };

function knownFaults({ name, seen }: Server): Problem[] {
  const fixedIn = SYNC_AT_START[Math.floor(seen.serverVersion / 10_000)];
  if (fixedIn === undefined || seen.serverVersion % 10_000 >= fixedIn) return [];
  const fixed = `${Math.floor(seen.serverVersion / 10_000)}.${fixedIn}`;
  const text = `${name} runs PostgreSQL ${versionText(seen.serverVersion)}: right after a start, commits may not wait for their synchronous standbys (fixed in ${fixed})`;
  return [
    problem(
      "warning",
      name,
      text,
      `Install ${fixed} or newer (a newer image or package); then pgrep-kit restart.`,
    ),
  ];
}

/** Recorded at the making of the database, and copied with it: so each server compares with its own library. */
function collations({ name, health }: Server): Problem[] {
  return health.databases
    .filter(({ recordedCollation: was, actualCollation: is }) => was !== null && is !== null && was !== is)
    .map((database) => {
      const text = `database ${database.name} on ${name} was made with collation version ${database.recordedCollation}, the library has ${database.actualCollation}: indexes on text may be wrong`;
      const remedy = {
        advice: `Rebuild them on the primary (reindex database), then:`,
        command: psql(name, `alter database ${sqlIdentifier(database.name)} refresh collation version`),
      };
      return problem("warning", name, text, remedy);
    });
}
