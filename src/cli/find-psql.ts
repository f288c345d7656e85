/** PostgreSQL's own client on this machine: in PGREP_KIT_PGBIN, on PATH, or in the usual places. */
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Null: there is none. */
export async function findPsql(): Promise<string | null> {
  const folders = [process.env["PGREP_KIT_PGBIN"] ?? "", ...(process.env["PATH"] ?? "").split(delimiter)];
  for (const folder of folders.filter((each) => each !== "")) {
    if (await isProgram(join(folder, "psql"))) return join(folder, "psql");
  }
  const { findBinaries } = await import("../runtime/process/binaries.ts");
  const found = await findBinaries(null, process.env);
  return found !== null && (await isProgram(join(found.folder, "psql"))) ? join(found.folder, "psql") : null;
}

function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
