/** `down`: stop every server cleanly. The data stays. */
import { type Change, changeCluster, foreseeChange } from "../change-cluster.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { EXIT, say } from "../terminal.ts";

export async function down(options: { readonly dryRun?: boolean }, globals: GlobalOptions): Promise<number> {
  const { file, folder } = await findMade(globals);
  const change: Change = {
    verb: "down",
    arguments: [],
    file,
    folder,
    startsNothing: true,
    intent: () => ({ kind: "down" }),
    settled: (_, result) => {
      say(
        result.steps === 0
          ? "Nothing runs."
          : "Everything is stopped; the data stays. Bring it back with: pgrep-kit up",
      );
      return EXIT.done;
    },
  };
  return options.dryRun === true ? foreseeChange(change) : changeCluster(change);
}
