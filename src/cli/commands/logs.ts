/** `logs`: the log of a node's server, as it is or as it grows. */
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import { listenForInterruption } from "../interruption.ts";
import { knownNode } from "../open-cluster.ts";
import { positiveNumber } from "../option-values.ts";
import { EXIT, print } from "../terminal.ts";

export interface LogsOptions {
  readonly follow?: boolean;
  readonly lines: string;
}

export async function logs(node: string, options: LogsOptions, globals: GlobalOptions): Promise<number> {
  const lines = positiveNumber(options.lines, "--lines");
  using interruption = listenForInterruption();
  await using cluster = await findCluster(globals);
  const follow = options.follow === true;
  try {
    for await (const line of cluster.host.logs(knownNode(cluster, node), {
      lines,
      follow,
      signal: interruption.signal,
    }))
      print(line);
  } catch (error) {
    // Following ends by ^C, which is no failure.
    if (!follow || !interruption.signal.aborted) throw error;
  }
  return EXIT.done;
}
