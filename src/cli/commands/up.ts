/** `up`: bring the cluster to what its file says. */
import { createState, STATE_FOLDER } from "../../control/state-folder.ts";
import { join } from "node:path";
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { type GlobalOptions, findFile } from "../find-cluster.ts";
import { folderOf } from "../open-cluster.ts";
import { preflight } from "../preflight.ts";
import { leftOver } from "../render/left-over.ts";
import { EXIT, say } from "../terminal.ts";

export interface UpOptions {
  readonly allowBlocking?: boolean;
  readonly dryRun?: boolean;
}

/** Without a sample, the database that applications find. */
export const DEFAULT_DATABASE = "app";

export async function up(options: UpOptions, globals: GlobalOptions): Promise<number> {
  const file = await findFile(globals);
  const folder = { path: join(folderOf(file), STATE_FOLDER) };
  const change: Change = {
    verb: "up",
    arguments: options.allowBlocking === true ? ["--allow-blocking"] : [],
    file,
    folder,
    found: ({ path: _, spec }) =>
      createState(folderOf(file), {
        cluster: spec.name,
        runtime: spec.runtime,
        postgres: spec.postgres,
        database: DEFAULT_DATABASE,
        sample: null,
      }),
    intent: () => ({
      kind: "up",
      allowBlocking: options.allowBlocking === true,
      remove: [],
      concerning: null,
    }),
    settled: (cluster, result) => {
      const names = cluster.spec.nodes.map((node) => node.name).join(", ");
      say(
        result.steps === 0
          ? `Nothing to do: ${names} are as the file says.`
          : `${names} are as the file says.`,
      );
      leftOver(cluster.spec, result.authority, result.observation).forEach(say);
      return EXIT.done;
    },
  };
  if (options.dryRun === true) return foreseeChange(change);
  await preflight(file);
  return changeCluster(change);
}
