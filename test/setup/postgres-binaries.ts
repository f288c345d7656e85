// Makes sure that the process tests have a supported PostgreSQL on this machine, or installs Debian's package.
import { OLDEST_POSTGRES } from "../../src/core/spec.ts";
import { findBinaries } from "../../src/runtime/process/binaries.ts";
import { canInstallPackages, installPackages } from "./debian-packages.ts";

/** Returns undefined when server binaries are found, or else the reason why there are none. */
export async function ensurePostgres(): Promise<string | undefined> {
  if (await hasSupportedPostgres()) return undefined;
  const missing = `no PostgreSQL ${OLDEST_POSTGRES} or newer on this machine`;
  if (!(await canInstallPackages())) return missing;
  const failure = await installPackages(["postgresql"]);
  if (failure !== undefined) return failure;
  return (await hasSupportedPostgres()) ? undefined : `${missing}, nor in its packages`;
}

async function hasSupportedPostgres(): Promise<boolean> {
  const found = await findBinaries(null, process.env);
  return found !== null && found.major >= OLDEST_POSTGRES;
}
