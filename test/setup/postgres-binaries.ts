// Finds the PostgreSQL server's programs on this machine for the process tests, or installs Debian's package.
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { canInstallPackages, installPackages } from "./debian-packages.ts";

/** Returns undefined when server binaries are found, or else the reason why there are none. */
export async function ensurePostgres(): Promise<string | undefined> {
  if (hasServerBinaries()) return undefined;
  if (!(await canInstallPackages())) return "no PostgreSQL server binaries on PATH or in the usual places";
  const failure = await installPackages(["postgresql"]);
  if (failure !== undefined) return failure;
  return hasServerBinaries() ? undefined : "the package postgresql brought no server binaries";
}

function hasServerBinaries(): boolean {
  const folders = [
    process.env["PGREP_KIT_PGBIN"],
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...versionedFolders("/usr/lib/postgresql", "bin"),
    ...versionedFolders("/opt/homebrew/opt", "bin"),
    ...versionedFolders("/usr/local/opt", "bin"),
    ...versionedFolders("/Library/PostgreSQL", "bin"),
  ];
  return folders.some((folder) => folder !== undefined && existsSync(join(folder, "initdb")));
}

function versionedFolders(parent: string, child: string): string[] {
  try {
    return readdirSync(parent).map((name) => join(parent, name, child));
  } catch {
    return [];
  }
}
