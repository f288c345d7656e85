// `mode` on a live cluster under pgbench: when the rule is in effect, as open sessions see it, when it is proved, and
// whether any transaction or connection suffered. The floor tells the three nodes the same setting by plain psql.
import pg from "pg";
import { setTimeout as pause } from "node:timers/promises";
import type { RuntimeKind } from "../../src/core/spec.ts";
import { type BenchCluster, makeCluster } from "./cluster.ts";
import { begin, say, timed } from "./command.ts";
import type { Figure } from "./figures.ts";
import { type Bench, CLIENTS, type LoadReport, openBench } from "./pgbench.ts";

const NAMES = { quorum: "ANY 1 (pg1, pg2, pg3)", async: "" } as const;
const WARM_UP_MS = 700;
const RESOLUTION_MS = 5;

interface Found {
  readonly effect: Record<"quorum" | "async", number[]>;
  readonly whole: Record<"quorum" | "async", number[]>;
  readonly floor: Record<"quorum" | "async", number[]>;
  readonly loads: LoadReport[];
}

export async function benchMode(runtime: RuntimeKind, runs: number): Promise<Figure[]> {
  await using cluster = await makeCluster(runtime);
  const bench = await openBench(cluster);
  const warmUp = bench.start(null);
  await pause(3_000);
  const full = await warmUp.end();
  say(`mode, ${runtime}: full speed is ${Math.round(full.perSecond)} transactions a second`);
  const figures: Figure[] = [];
  for (const [speed, perSecond] of [
    ["half speed", full.perSecond / 2],
    ["full speed", null],
  ] as const) {
    const found: Found = { effect: both(), whole: both(), floor: both(), loads: [] };
    for (let run = 1; run <= runs; run++) {
      say(`mode, ${runtime}, ${speed}: ${run} of ${runs}`);
      await measureOnce(cluster, bench, perSecond, found);
    }
    figures.push(...figuresOf(found, `${runtime}, ${speed}`));
  }
  return figures;
}

function both(): Record<"quorum" | "async", number[]> {
  return { quorum: [], async: [] };
}

/** One pgbench, and under it: ours on and off, the floor on and off. */
async function measureOnce(
  cluster: BenchCluster,
  bench: Bench,
  perSecond: number | null,
  found: Found,
): Promise<void> {
  const watch = await openWatch(cluster);
  const load = bench.start(perSecond);
  await pause(WARM_UP_MS);
  for (const wanted of ["quorum", "async"] as const) {
    const effect = untilInEffect(watch, NAMES[wanted]);
    found.whole[wanted].push((await cluster.cli(["mode", wanted])).ms);
    found.effect[wanted].push(await effect);
  }
  for (const wanted of ["quorum", "async"] as const) {
    const effect = untilInEffect(watch, NAMES[wanted]);
    await tellByPsql(cluster, bench, NAMES[wanted]);
    found.floor[wanted].push(await effect);
  }
  if (!load.running()) throw new Error("pgbench ended before the changes that it was to accompany");
  found.loads.push(await load.end());
  await watch.end();
  await forgetOverrides(cluster, bench);
}

/**
 * From now until a session that was open before obeys it, as those of pgbench do. It asks often and cheaply: opening
 * sessions for that would keep a processor busy, and measure itself.
 */
async function untilInEffect(watch: pg.Client, names: string): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const { rows } = await watch.query<{ names: string }>(
      "SELECT current_setting('synchronous_standby_names') AS names",
    );
    const tookMs = performance.now() - startedAt;
    if (rows[0]?.names === names) return tookMs;
    if (tookMs > 30_000) throw new Error(`no session showed ${JSON.stringify(names)} within 30 s`);
    await pause(RESOLUTION_MS);
  }
}

async function openWatch(cluster: BenchCluster): Promise<pg.Client> {
  const [{ pg1 }, password] = await Promise.all([cluster.ports(), cluster.superuserPassword()]);
  const target = { host: "127.0.0.1", port: pg1 ?? 0, user: "postgres", password, database: "postgres" };
  const watch = new pg.Client(target);
  await watch.connect();
  return watch;
}

async function tellByPsql(cluster: BenchCluster, bench: Bench, names: string): Promise<void> {
  const change = `ALTER SYSTEM SET synchronous_standby_names = '${names}'`;
  const ports = Object.values(await cluster.ports());
  const tell = (port: number) =>
    timed(["psql", "-Xq", "-c", change, "-c", "SELECT pg_reload_conf()"], {
      env: { ...bench.env, PGPORT: String(port) },
    });
  await Promise.all(ports.map(tell));
}

async function forgetOverrides(cluster: BenchCluster, bench: Bench): Promise<void> {
  for (const port of Object.values(await cluster.ports())) {
    const reset = [
      "psql",
      "-Xq",
      "-c",
      "ALTER SYSTEM RESET synchronous_standby_names",
      "-c",
      "SELECT pg_reload_conf()",
    ];
    await begin(reset, { env: { ...bench.env, PGPORT: String(port) } });
  }
}

function figuresOf(found: Found, where: string): Figure[] {
  const figures: Figure[] = [];
  for (const wanted of ["quorum", "async"] as const) {
    const floor = { label: "psql", values: found.floor[wanted] };
    const label = `mode ${wanted}, ${where}`;
    figures.push({
      label: `${label}: in effect`,
      unit: "ms",
      values: found.effect[wanted],
      floor,
      limit: { of: "median", max: 500 },
    });
    figures.push({ label: `${label}: whole`, unit: "ms", values: found.whole[wanted] });
  }
  const none = { unit: "", limit: { of: "greatest", max: 0 } } as const;
  const { loads } = found;
  figures.push({
    label: `mode, ${where}: failed transactions`,
    values: loads.map((load) => load.failed),
    ...none,
  });
  figures.push({
    label: `mode, ${where}: dropped connections of ${CLIENTS}`,
    values: loads.map((load) => load.aborted),
    ...none,
  });
  figures.push({
    label: `mode, ${where}: transactions a second`,
    unit: "",
    values: loads.map((load) => load.perSecond),
  });
  return figures;
}
