/**
 * A state folder says where it was made, so that a copy of it (`cp -a`) is not taken for the cluster: its identity is the
 * original's, and whatever was done by it would be done to the original's nodes.
 */
import { realpath, stat } from "node:fs/promises";
import { systemCode } from "../support/files.ts";

/** As it is written down: absolute, and free of links. */
export async function homeOf(path: string): Promise<string> {
  return realpath(path);
}

/** Whether `path` is the folder that `home` names, under whatever name: a link, or a bind mount. */
export async function isAtHome(path: string, home: string | null): Promise<boolean> {
  if (home === null || (await homeOf(path)) === home) return home !== null;
  const [here, there] = await Promise.all([stat(path, { bigint: true }), look(home)]);
  return typeof there === "object" && there.dev === here.dev && there.ino === here.ino;
}

/**
 * Whether the cluster at `home` is still there, so that this one, of the same `id`, must be a copy of it. A folder that was
 * moved, or brought back from a backup, is none. `idAt`: whose state a folder holds; null where it holds none.
 */
export async function isCopy(
  path: string,
  { home, id }: { readonly home: string | null; readonly id: string },
  idAt: (path: string) => Promise<string | null>,
): Promise<boolean> {
  if (home === null || (await isAtHome(path, home))) return false;
  if ((await look(home)) === "gone") return false;
  // Unseen is not gone: what cannot be read from here counts as the original.
  return (await idAt(home).catch(() => id)) === id;
}

async function look(
  path: string,
): Promise<{ readonly dev: bigint; readonly ino: bigint } | "gone" | "hidden"> {
  return stat(path, { bigint: true }).catch((error: unknown) =>
    ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "") ? "gone" : "hidden",
  );
}
