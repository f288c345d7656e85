// The most memory that each command ever has resident, in the life of one cluster.
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RuntimeKind } from "../../src/core/spec.ts";
import { type BenchCluster, emptyFolder, initArguments } from "./cluster.ts";
import { begin, pgrepKit, say } from "./command.ts";
import type { Figure } from "./figures.ts";

const HOOK = fileURLToPath(new URL("report-memory.cjs", import.meta.url));
const ROUND = [
  ["status"],
  ["lag"],
  ["doctor"],
  ["history"],
  ["mode", "quorum"],
  ["mode", "async"],
  ["up"],
  ["restart", "--yes"],
  ["down"],
  ["up"],
] as const;

export async function benchMemory(runtime: RuntimeKind, runs: number): Promise<Figure[]> {
  await using cluster = await emptyFolder();
  const found = new Map<string, number[]>();
  const measure = async (label: string, args: readonly string[]): Promise<void> => {
    found.set(label, [...(found.get(label) ?? []), await peakMegabytes(cluster, args)]);
  };
  say(`memory, ${runtime}`);
  await measure("init", initArguments(runtime));
  for (let run = 0; run < runs; run++) {
    for (const [index, args] of ROUND.entries()) {
      const label =
        args.join(" ").replace(" --yes", "") + (index === ROUND.length - 1 ? " (after down)" : "");
      await measure(label, args);
    }
  }
  await measure("destroy", ["destroy", "--yes"]);
  return [...found].map(([label, values]) => ({
    label: `peak memory, ${label}, ${runtime}`,
    unit: "MB",
    values,
    limit: { of: "greatest", max: 120 },
  }));
}

async function peakMegabytes(cluster: BenchCluster, args: readonly string[]): Promise<number> {
  const report = `${cluster.folder}/peak-memory`;
  const env = { NODE_OPTIONS: `--require=${JSON.stringify(HOOK)}`, PGREP_KIT_BENCH_MEMORY: report };
  const ended = await begin(pgrepKit(...args), { cwd: cluster.folder, env });
  // A bad verdict (1, 2 of `lag` and `doctor`) is an answer like any other here; a command that broke is not.
  if (ended.code === null || ended.code > 2)
    throw new Error(`${args.join(" ")} ended with ${ended.code}\n${ended.stderr}`);
  const kilobytes = Number(await readFile(report, "utf8"));
  await rm(report);
  return kilobytes / 1024;
}
