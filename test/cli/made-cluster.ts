// A cluster on paper for tests without an engine or servers: its file and its state are there, its nodes are not.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createState, rememberPort } from "../../src/control/state-folder.ts";
import { type EmptyFolder, emptyFolder } from "../setup/run-cli.ts";

export const PORT = 25_999;

/** One node, pg1, on Docker. */
export async function madeCluster(): Promise<EmptyFolder> {
  const folder = await emptyFolder();
  await writeFile(
    join(folder.path, "pgrep-kit.yaml"),
    "name: demo\npostgres: 17\nruntime: docker\nnodes: [{ name: pg1 }]\n",
  );
  const state = await createState(folder.path, {
    cluster: "demo",
    runtime: "docker",
    postgres: 17,
    database: "app",
    sample: null,
  });
  await rememberPort(state, "pg1", PORT);
  return folder;
}
