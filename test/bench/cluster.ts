// A cluster to be measured, made by pgrep-kit in a folder of its own and removed with everything in it.
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openState, readCredentials, readState } from "../../src/control/state-folder.ts";
import type { RuntimeKind } from "../../src/core/spec.ts";
import { testImage } from "../setup/images.ts";
import { type CommandOptions, type Ended, begin, pgrepKit, timed } from "./command.ts";

export interface BenchCluster extends AsyncDisposable {
  readonly folder: string;
  /** Throws if the command fails. */
  cli(args: readonly string[], env?: CommandOptions["env"]): Promise<Ended>;
  ports(): Promise<Readonly<Record<string, number>>>;
  superuserPassword(): Promise<string>;
  read(path: string): Promise<string>;
}

/** An empty folder; `init` is still to be run, by `initArguments`. */
export async function emptyFolder(): Promise<BenchCluster> {
  const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-bench-"));
  const state = async () => {
    const found = await openState(folder);
    if (found === null) throw new Error("the cluster was not made");
    return found;
  };
  return {
    folder,
    cli: (args, env = {}) => timed(pgrepKit(...args), { cwd: folder, env }),
    ports: async () => (await readState(await state())).ports,
    superuserPassword: async () => (await readCredentials(await state())).superuser,
    read: (path) => readFile(join(folder, path), "utf8"),
    async [Symbol.asyncDispose]() {
      const removed = await begin(pgrepKit("destroy", "--yes"), { cwd: folder });
      // Without its folder nobody could remove it any more.
      if (removed.code !== 0 && removed.code !== 2)
        throw new Error(`could not remove the cluster in ${folder}\n${removed.stderr}`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function initArguments(runtime: RuntimeKind): string[] {
  const image = runtime === "docker" ? ["--image", testImage("17")] : [];
  return [
    "init",
    "--name",
    `b${randomBytes(4).toString("hex")}`,
    "--nodes",
    "3",
    "--runtime",
    runtime,
    ...image,
  ];
}

export async function makeCluster(runtime: RuntimeKind): Promise<BenchCluster> {
  const cluster = await emptyFolder();
  try {
    await cluster.cli(initArguments(runtime));
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}
