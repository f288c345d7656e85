/** Programs of this machine. PostgreSQL's own client may be in PGREP_KIT_PGBIN, on PATH, or in the usual places. */
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Null: there is none. */
export async function findPsql(): Promise<string | null> {
  const bin = process.env["PGREP_KIT_PGBIN"];
  const here = (await firstProgram("psql", bin ? [bin] : [])) ?? (await onPath("psql"));
  if (here !== null) return here;
  const { findBinaries } = await import("../runtime/process/binaries.ts");
  const found = await findBinaries(null, process.env);
  return found === null ? null : firstProgram("psql", [found.folder]);
}

export function onPath(name: string): Promise<string | null> {
  return firstProgram(
    name,
    (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""),
  );
}

async function firstProgram(name: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    if (await isProgram(join(folder, name))) return join(folder, name);
  }
  return null;
}

function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
