// The benchmarks, one after another, each with its table as soon as it is there, and all of them at the end.
import { afterAll, describe, test } from "vitest";
import type { RuntimeKind } from "../../src/core/spec.ts";
import { type Figure, renderFigures } from "./figures.ts";
import { benchInit } from "./init-bench.ts";
import { benchMemory } from "./memory-bench.ts";
import { benchMode } from "./mode-bench.ts";
import { benchHelp, benchStatus } from "./start-up-bench.ts";

const runs = Number(process.env["PGREP_KIT_BENCH_RUNS"] || "5");
const only = process.env["PGREP_KIT_BENCH_ONLY"] || null;
const onlyHost = process.env["PGREP_KIT_BENCH_HOST"] || null;
const hosts = (["docker", "process"] as const).filter((host) => onlyHost === null || host === onlyHost);

const all: Figure[] = [];

function bench(name: string, label: string, measure: () => Promise<Figure[]>): void {
  test.skipIf(only !== null && only !== name)(`${label}`, async () => {
    const figures = await measure();
    all.push(...figures);
    print(figures);
  });
}

function benchHosts(name: string, measure: (runtime: RuntimeKind) => Promise<Figure[]>): void {
  for (const host of hosts) bench(name, `${name}, ${host}`, () => measure(host));
}

function print(figures: readonly Figure[]): void {
  process.stdout.write(`\n${renderFigures(figures).join("\n")}\n`);
}

describe("bench", () => {
  bench("start-up", "--help", () => benchHelp(runs));
  benchHosts("start-up", (runtime) => benchStatus(runtime, runs));
  benchHosts("init", (runtime) => benchInit(runtime, runs));
  // Memory hardly varies from run to run.
  benchHosts("memory", (runtime) => benchMemory(runtime, Math.min(runs, 2)));
  benchHosts("mode", (runtime) => benchMode(runtime, runs));

  afterAll(() => {
    process.stdout.write("\nAll figures, the floors taken in the same run, in turns:\n");
    print(all);
  });
});
