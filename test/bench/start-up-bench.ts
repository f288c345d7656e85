// How long a person waits for an answer: `--help`, and `status` of a running cluster, each as a whole process.
import type { RuntimeKind } from "../../src/core/spec.ts";
import { makeCluster } from "./cluster.ts";
import { pgrepKit, say, timed } from "./command.ts";
import type { Figure } from "./figures.ts";

/** Each takes a fraction of a second: more of them tell more. */
const ROUNDS_A_RUN = 4;

export async function benchHelp(runs: number): Promise<Figure[]> {
  say("--help");
  const [values, floor]: [number[], number[]] = [[], []];
  for (let round = 0; round < runs * ROUNDS_A_RUN; round++) {
    floor.push((await timed([process.execPath, "-e", "0"])).ms);
    values.push((await timed(pgrepKit("--help"))).ms);
  }
  const help = { label: "--help", unit: "ms", values } as const;
  return [
    { ...help, limit: { of: "median", max: 150 } },
    { ...help, floor: { label: "node -e 0", values: floor }, limit: { of: "ratio", max: 3 } },
  ];
}

export async function benchStatus(runtime: RuntimeKind, runs: number): Promise<Figure[]> {
  say(`status, ${runtime}`);
  const [values, floor]: [number[], number[]] = [[], []];
  await using cluster = await makeCluster(runtime);
  for (let round = 0; round < runs * ROUNDS_A_RUN; round++) {
    floor.push((await timed([process.execPath, "-e", "0"])).ms);
    values.push((await cluster.cli(["status"])).ms);
  }
  const node = { label: "node -e 0", values: floor };
  return [
    {
      label: `status, 3 nodes, ${runtime}`,
      unit: "ms",
      values,
      floor: node,
      limit: { of: "median", max: 400 },
    },
  ];
}
