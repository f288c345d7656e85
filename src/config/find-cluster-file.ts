/** Which cluster file a command is about. It only looks; it reads nothing. */
import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { PgrepKitError } from "../support/errors.ts";

export const CLUSTER_FILE_NAME = "pgrep-kit.yaml";

export interface Whereabouts {
  readonly cwd: string;
  /** The value of `--cluster`. */
  readonly cluster?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The absolute path of the cluster file: what `--cluster` says, else what PGREP_KIT_CLUSTER says, else the nearest
 * pgrep-kit.yaml in the current folder or above it. Throws `cluster-file-missing`.
 */
export async function findClusterFile({ cwd, cluster, env }: Whereabouts): Promise<string> {
  if (cluster !== undefined) return named(cwd, cluster, "--cluster");
  const fromEnvironment = env["PGREP_KIT_CLUSTER"];
  if (fromEnvironment !== undefined && fromEnvironment !== "")
    return named(cwd, fromEnvironment, "PGREP_KIT_CLUSTER");
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, CLUSTER_FILE_NAME);
    if (await exists(path)) return path;
    if (folder === dirname(folder)) break;
  }
  throw new PgrepKitError("cluster-file-missing", {
    message: `there is no ${CLUSTER_FILE_NAME} in ${resolve(cwd)} or above it`,
    hint: "Create a cluster with: pgrep-kit init. Or name its file with --cluster FILE.",
  });
}

async function named(cwd: string, file: string, by: string): Promise<string> {
  const path = resolve(cwd, file);
  if (await exists(path)) return path;
  throw new PgrepKitError("cluster-file-missing", {
    message: `${by} names ${path}, which does not exist`,
    hint: "Correct the path, or create a cluster there with: pgrep-kit init",
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
