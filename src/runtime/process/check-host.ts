/**
 * Whether this machine can run nodes as local processes: the server's binaries, a user for them, and a way for that
 * user to reach them. It changes nothing, and says what to install.
 */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { PgrepKitError } from "../../support/errors.ts";
import type { HostReport } from "../node-host.ts";
import {
  chooseBinaries,
  NEEDED_BINARIES,
  searchBinaries,
  type Binaries,
  type BinarySearch,
} from "./binaries.ts";
import type { ServerUser } from "./server-user.ts";
import type { Storage } from "./storage.ts";

/** The binaries to use, or `binaries-missing` with where they were looked for and how to get them. */
export async function requireBinaries(wanted: number | null, env: NodeJS.ProcessEnv): Promise<Binaries> {
  const search = await searchBinaries(env);
  const binaries = chooseBinaries(wanted, search);
  if (binaries === null) throw binariesMissing(wanted, search);
  return binaries;
}

/** All checks; throws the first that fails. */
export async function checkHost(
  storage: Storage,
  wanted: number | null,
  env: NodeJS.ProcessEnv,
): Promise<HostReport> {
  if (process.platform === "win32") {
    throw new PgrepKitError("no-runtime", {
      message: "local processes are not supported on Windows",
      hint: "Use Docker (runtime: docker), or run pgrep-kit inside WSL.",
    });
  }
  const binaries = await requireBinaries(wanted, env);
  const user = await storage.user();
  if (user) {
    await requireReach(
      user,
      binaries.folder,
      "Install PostgreSQL where every user can run it, or set PGREP_KIT_PGBIN.",
    );
    await requireReach(user, storage.base, "Move the cluster to a folder that this user can enter.");
  }
  return { title: "local processes", place: storage.base, source: binaries.folder, major: binaries.major };
}

function binariesMissing(wanted: number | null, search: BinarySearch): PgrepKitError {
  const name = wanted === null ? "PostgreSQL" : `PostgreSQL ${wanted}`;
  const others = search.found.map(({ version, folder }) => `${version} in ${folder}`);
  const partial = search.incomplete.map(
    ({ folder, missing }) => `${folder} lacks ${missing.join(", ") || "a readable version"}`,
  );
  const facts = [
    `Looked for ${NEEDED_BINARIES.join(", ")} in ${search.looked.join(", ")}.`,
    ...(others.length > 0 ? [`Found ${others.join("; ")}.`] : []),
    ...(partial.length > 0 ? [`${partial.join("; ")}.`] : []),
  ];
  const other = search.found[0] ? `; or write "postgres: ${search.found[0].major}" in the cluster file` : "";
  return new PgrepKitError("binaries-missing", {
    message: `no server binaries of ${name} were found`,
    detail: facts.join(" "),
    hint: `Install them (${howToInstall(wanted)}), or set PGREP_KIT_PGBIN to the folder that has them${other}.`,
  });
}

/** In the words of this platform's own package tool. */
function howToInstall(wanted: number | null): string {
  const dashed = wanted === null ? "postgresql" : `postgresql-${wanted}`;
  if (process.platform === "darwin") return `brew install ${dashed.replace("-", "@")}`;
  if (existsSync("/etc/debian_version")) return `apt-get install ${dashed}`;
  if (existsSync("/etc/alpine-release")) return `apk add ${dashed.replace("-", "")}`;
  if (existsSync("/etc/redhat-release"))
    return `dnf install ${wanted === null ? "postgresql-server" : `postgresql${wanted}-server`}`;
  return "the package with the PostgreSQL server";
}

/** Every folder on the way must let the user pass. Access lists beyond the mode bits are not read. */
async function requireReach(user: ServerUser, folder: string, hint: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    const seen = await stat(at).catch(() => null);
    if (seen && !mayPass(user, seen)) {
      throw new PgrepKitError("user-missing", {
        message: `user "${user.name}" cannot enter ${at}`,
        detail: `PostgreSQL runs as this user and must reach ${folder}.`,
        hint,
      });
    }
    if (at === dirname(at)) return;
  }
}

function mayPass(
  user: ServerUser,
  seen: { readonly mode: number; readonly uid: number; readonly gid: number },
): boolean {
  if (seen.uid === user.uid) return (seen.mode & 0o100) !== 0;
  if (seen.gid === user.gid) return (seen.mode & 0o010) !== 0;
  return (seen.mode & 0o001) !== 0;
}
