/** `destroy`: every node with its data, what the cluster shared, and the state. The file stays. */
import { acquireLock } from "../../control/lock.ts";
import { STATE_FOLDER, openState, removeState } from "../../control/state-folder.ts";
import { confirm } from "../confirm.ts";
import { type GlobalOptions, findFile } from "../find-cluster.ts";
import { folderOf, openCluster } from "../open-cluster.ts";
import { EXIT, print, say } from "../terminal.ts";

export interface DestroyOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export async function destroy(options: DestroyOptions, globals: GlobalOptions): Promise<number> {
  const file = await findFile(globals);
  const folder = await openState(folderOf(file));
  if (folder === null) {
    say(`Nothing to remove: the cluster ${file.spec.name} was never made here.`);
    return EXIT.done;
  }
  if (options.dryRun === true) {
    await using cluster = await openCluster(file, folder);
    const names = [...new Set([...cluster.nodes, ...(await cluster.host.list()).keys()])];
    print(
      `Would remove, data included: ${names.join(", ")}; and ${STATE_FOLDER}/ with its passwords.\nNothing was changed.`,
    );
    return EXIT.done;
  }
  await confirm(
    `Every node of ${file.spec.name} and all its data are removed and cannot be brought back.`,
    options.yes === true,
  );
  await using _lock = await acquireLock(folder, "destroy");
  // Another destroy may have ended while this one waited.
  if ((await openState(folderOf(file))) === null) return EXIT.done;
  await using cluster = await openCluster(file, folder);
  const names = [...new Set([...cluster.nodes, ...(await cluster.host.list()).keys()])];
  await Promise.all(names.map((name) => cluster.host.remove(name)));
  await cluster.host.tearDown();
  await removeState(folder);
  say(`Removed ${file.spec.name}: ${names.join(", ")}, all data, and ${STATE_FOLDER}/. ${file.path} stays.`);
  return EXIT.done;
}
