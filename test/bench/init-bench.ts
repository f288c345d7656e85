// `init` of three nodes until both standbys stream, against a plain script that does the same work.
import type { RuntimeKind } from "../../src/core/spec.ts";
import { emptyFolder, initArguments } from "./cluster.ts";
import { say } from "./command.ts";
import type { Figure } from "./figures.ts";
import { floorOnDocker, floorOnProcesses } from "./floors.ts";

export async function benchInit(runtime: RuntimeKind, runs: number): Promise<Figure[]> {
  const values: number[] = [];
  const floor: number[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`init, ${runtime}: ${run} of ${runs}`);
    values.push((await timeInit(runtime)) / 1000);
    floor.push((await (runtime === "docker" ? floorOnDocker() : floorOnProcesses())) / 1000);
  }
  const script = { label: "script", values: floor };
  return [
    {
      label: `init, 3 nodes, ${runtime}`,
      unit: "s",
      values,
      floor: script,
      limit: { of: "ratio", max: 1.3 },
    },
  ];
}

async function timeInit(runtime: RuntimeKind): Promise<number> {
  await using cluster = await emptyFolder();
  return (await cluster.cli(initArguments(runtime))).ms;
}
