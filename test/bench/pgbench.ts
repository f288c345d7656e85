// pgbench against the primary of a cluster, and what its own report says: transactions, failures, lost connections.
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchCluster } from "./cluster.ts";
import { type Ended, launch, timed } from "./command.ts";

export const CLIENTS = 8;
/** Nothing measured takes this long. */
const LONGEST_SECONDS = 120;

export interface LoadReport {
  readonly transactions: number;
  readonly perSecond: number;
  readonly failed: number;
  /** Clients that pgbench gave up, because their connection broke or a statement failed. */
  readonly aborted: number;
}

export interface Load {
  /** False once pgbench has ended by itself. */
  running(): boolean;
  /** Ends it, and reads its report. */
  end(): Promise<LoadReport>;
}

export interface Bench {
  /** Until it is ended. `perSecond` null: as fast as it goes. */
  start(perSecond: number | null): Load;
  /** The environment of any client of libpq. */
  readonly env: Readonly<Record<string, string>>;
}

export async function openBench(cluster: BenchCluster): Promise<Bench> {
  const { pg1 } = await cluster.ports();
  const passfile = join(cluster.folder, "bench-pgpass");
  await writeFile(passfile, `*:*:*:postgres:${await cluster.superuserPassword()}\n`);
  await chmod(passfile, 0o600);
  const env = {
    PGHOST: "127.0.0.1",
    PGPORT: String(pg1),
    PGUSER: "postgres",
    PGDATABASE: "app",
    PGPASSFILE: passfile,
  };
  await timed(["pgbench", "--initialize", "--quiet", "--scale=1"], { env });
  return {
    env,
    start(perSecond) {
      const rate = perSecond === null ? [] : [`--rate=${Math.max(1, Math.round(perSecond))}`];
      const argv = ["pgbench", `--client=${CLIENTS}`, "--jobs=2", `--time=${LONGEST_SECONDS}`, ...rate];
      const { child, ended } = launch(argv, { env });
      return {
        running: () => child.exitCode === null && child.signalCode === null,
        async end() {
          // What its own timer would send at the end of its time: transactions under way are ended and reported.
          child.kill("SIGALRM");
          return readReport(await ended);
        },
      };
    },
  };
}

/** Reads pgbench's report of version 15 or newer; throws if it is none. */
export function readReport({ stdout, stderr }: Pick<Ended, "stdout" | "stderr">): LoadReport {
  const numberAfter = (pattern: RegExp): number => {
    const found = pattern.exec(stdout)?.[1];
    if (found === undefined) throw new Error(`not a report of pgbench:\n${stdout}${stderr}`);
    return Number(found);
  };
  return {
    transactions: numberAfter(/^number of transactions actually processed: (\d+)/m),
    perSecond: numberAfter(/^tps = ([\d.]+)/m),
    failed: numberAfter(/^number of failed transactions: (\d+)/m),
    aborted: new Set(stderr.match(/client \d+(?= .*abort)/g)).size,
  };
}
