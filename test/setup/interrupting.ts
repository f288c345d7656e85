// Ends commands at chosen moments, as the journal tells them, and looks whether the cluster is whole afterwards.
import { execFile } from "node:child_process";
import { watch } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { CommandResult, TestCluster } from "./cluster.ts";

export interface Entry {
  readonly seq: number;
  readonly kind: string;
  readonly command: string;
  readonly step?: string;
  readonly node?: string | null;
  readonly verb?: string;
  readonly exitCode?: number;
}

export async function journal(demo: TestCluster): Promise<Entry[]> {
  const text = await readFile(join(demo.folder, ".pgrep-kit", "journal.ndjson"), "utf8").catch(() => "");
  const whole = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "");
  return whole.map((line) => JSON.parse(line) as Entry);
}

export interface Ended {
  readonly at: string;
  readonly result: CommandResult;
}

/**
 * Runs the command again and again, and ends it with the next of `signals` at the first entry of its journal where none
 * was ended yet: so once at the beginning and once at the end of every kind of step. Answers how each run ended; the last
 * one was left in peace.
 */
export async function endEverywhere(
  demo: TestCluster,
  args: readonly string[],
  signals: readonly NodeJS.Signals[],
): Promise<Ended[]> {
  const met = new Set<string>();
  const runs: Ended[] = [];
  for (let run = 0; run < MOST_RUNS; run++) {
    const before = (await journal(demo)).at(-1)?.seq ?? 0;
    const running = demo.begin(...args);
    const at = await untilNew(demo, before, met, running.result);
    running.child.kill(signals[run % signals.length]);
    runs.push({ at, result: await running.result });
    if (at === "") return runs;
    met.add(at);
  }
  throw new Error(`${args.join(" ")} did not come to an end in ${MOST_RUNS} runs: ${[...met].join(", ")}`);
}

const MOST_RUNS = 40;

/** The place in the command, once it is one that was not met before; "" where the command ended first. */
async function untilNew(
  demo: TestCluster,
  before: number,
  met: ReadonlySet<string>,
  result: Promise<CommandResult>,
): Promise<string> {
  let ended = false;
  let wake: () => void = () => undefined;
  void result.then(() => {
    ended = true;
    wake();
  });
  for (;;) {
    const isOver = ended;
    for (const entry of await journal(demo)) {
      const place = `${entry.kind} ${entry.step}`;
      if (entry.seq > before && entry.kind.startsWith("step-") && !met.has(place)) return isOver ? "" : place;
    }
    if (isOver) return "";
    // The folder may not be there yet; a change may be told late or never.
    const watcher = await watching(join(demo.folder, ".pgrep-kit"), () => wake());
    await new Promise<void>((resolve) => {
      wake = resolve;
      const timer = setTimeout(resolve, 5);
      timer.unref();
      if (ended) resolve();
    });
    watcher();
  }
}

async function watching(folder: string, onChange: () => void): Promise<() => void> {
  try {
    const watcher = watch(folder, { persistent: false }, onChange);
    watcher.on("error", () => undefined);
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}

/** Healthy, one primary, the data that it was founded with, and nothing left over anywhere. */
export async function expectWhole(demo: TestCluster, nodes: readonly string[]): Promise<void> {
  const status = await demo.status();
  expect(status).toMatchObject({ verdict: "healthy", primary: "pg1", term: 1, findings: [] });
  expect(status.nodes.map((node) => node.name)).toEqual(nodes);
  const record = JSON.parse(await demo.readFile(".pgrep-kit/authority.json")) as Record<string, unknown>;
  for (const node of nodes) {
    const [row] = await demo.sql(node, IDENTITY);
    expect(row).toMatchObject({ standby: node !== "pg1", id: record["systemIdentifier"] });
    expect(row).toMatchObject({
      root: expect.not.stringMatching(/data\.new|old/),
      conf: "pg_hba.conf,pgpass,postgresql.conf",
    });
  }
  const slots = await demo.sql(
    "pg1",
    "SELECT slot_name, active FROM pg_replication_slots ORDER BY slot_name",
  );
  expect(slots).toEqual(nodes.slice(1).map((node) => ({ slot_name: node, active: true })));
  await expectNoDebris(demo, nodes);
}

/** Every program of the node may list its own folder: the data directory is one level below. */
const IDENTITY = `SELECT pg_is_in_recovery() AS standby, system_identifier::text AS id,
  (SELECT string_agg(f, ',' ORDER BY f COLLATE "C") FROM pg_ls_dir('..') AS f) AS root,
  (SELECT string_agg(f, ',' ORDER BY f COLLATE "C") FROM pg_ls_dir('../conf') AS f WHERE f <> 'trial.conf') AS conf
  FROM pg_control_system()`;

async function expectNoDebris(demo: TestCluster, nodes: readonly string[]): Promise<void> {
  const state = [".gitignore", "authority.json", "cluster.json", "credentials.json", "journal.ndjson"];
  expect(
    (await readdir(join(demo.folder, ".pgrep-kit"))).filter((name) => name !== "nodes").toSorted(),
  ).toEqual(state);
  expect((await readdir(demo.folder)).toSorted()).toEqual([".pgrep-kit", "pgrep-kit.yaml"]);
  expect(await thingsOf(demo)).toEqual(nodes.toSorted());
  const file = await demo.readFile("pgrep-kit.yaml");
  for (const node of nodes) expect(file).toMatch(new RegExp(`name: ${node}\\b`));
}

/** The nodes that something is left of on the host; what belongs to none bears its own name. */
export async function thingsOf(demo: TestCluster): Promise<string[]> {
  const host = await demo.host();
  try {
    if (host.kind === "process") {
      const place = dirname(host.paths("pg1").root);
      return (await readdir(place).catch(() => [])).filter((name) => name !== ".state-folder").toSorted();
    }
  } finally {
    await host.close();
  }
  return dockerThings(demo.name);
}

/** Containers and volumes of a cluster by its name, one name for both. */
export async function dockerThings(cluster: string): Promise<string[]> {
  const label = `label=pgrep-kit.cluster=${cluster}`;
  const [containers, volumes] = await Promise.all([
    docker("ps", "--all", "--filter", label, "--format", "{{.Names}}"),
    docker("volume", "ls", "--filter", label, "--format", "{{.Name}}"),
  ]);
  const names = [...new Set([...containers, ...volumes])].toSorted();
  return names.map((name) => name.replace(`pgrep-kit-${cluster}-`, ""));
}

export async function docker(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)("docker", args);
  return stdout.split("\n").filter((line) => line !== "");
}
