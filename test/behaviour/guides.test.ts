// What README and the guides tell a reader to type is typed here, on either host: a guide's blocks run in order in one
// new folder. Only what a test has to do differently is hidden in front of the commands: see `surroundings`.
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, inject, it } from "vitest";
import { findBinaries } from "../../src/runtime/process/binaries.ts";
import { TEST_IMAGE } from "../setup/cluster.ts";
import { type Block, type Shell, blocksOf, isRunnable, runBlock } from "../setup/markdown.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const guides = (await readdir(join(root, "guides"))).filter((name) => name.endsWith(".md"));
const documents = await Promise.all(
  ["README.md", ...guides.map((name) => join("guides", name))].map(async (path) => ({
    path,
    blocks: blocksOf(await readFile(join(root, path), "utf8")).filter(isRunnable),
  })),
);

const runnable = documents.filter((document) => document.blocks.length > 0);

describe.concurrent("the commands of", () => {
  it.for(runnable)("$path", { timeout: 600_000 }, async ({ path, blocks }, context) => {
    const binaries = await findBinaries(null, process.env);
    if (binaries === null) return context.skip("psql and pgbench are not on this machine");
    await using place = await surroundings(binaries.folder);
    for (const block of blocks) await run(path, block, place.shell);
  });
});

async function run(path: string, block: Block, shell: Shell): Promise<void> {
  try {
    await runBlock(block, shell);
  } catch (error) {
    throw new Error(`${path}:${block.line}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface Surroundings extends AsyncDisposable {
  readonly shell: Shell;
}

/**
 * A folder to type in, and a PATH with `pgrep-kit` and `pgbench`. A reader's `init` chooses the host by itself, calls the
 * cluster demo and pulls an image; here it is told the host of this project, a name of its own so that several may be
 * there at once, and the test image. And `pgbench` takes a second where a reader has more patience.
 */
async function surroundings(binaries: string): Promise<Surroundings> {
  const base = await mkdtemp(join(tmpdir(), "pgrep-kit-guide-"));
  // So that the folder of a lesson is called as the guides call it.
  const folder = join(base, "lesson");
  const bin = join(base, "bin");
  await Promise.all([mkdir(folder), mkdir(bin)]);
  const host = inject("host");
  const clusterName = `g${randomBytes(4).toString("hex")}`;
  const extra = ["--runtime", host, "--name", clusterName];
  if (host === "docker") extra.push("--image", TEST_IMAGE);
  const main = join(root, "dist", "cli", "main.js");
  await script(
    join(bin, "pgrep-kit"),
    `case "$1" in init) set -- "$@" ${extra.join(" ")};; esac\nexec "${process.execPath}" "${main}" "$@"`,
  );
  await script(
    join(bin, "pgbench"),
    `for argument; do shift; case "$argument" in --time=*) argument=--time=1;; esac; set -- "$@" "$argument"; done\nexec "${join(binaries, "pgbench")}" "$@"`,
  );
  const { CI: _, FORCE_COLOR: __, PGREP_KIT_CLUSTER: ___, PATH: path = "", ...env } = process.env;
  const shell: Shell = {
    folder,
    env: { ...env, PATH: [bin, path, binaries].join(delimiter), LC_ALL: "C.UTF-8" },
    clusterName,
  };
  return {
    shell,
    [Symbol.asyncDispose]: async () => {
      const end: Block = { ...NOTHING, text: "if [ -e pgrep-kit.yaml ]; then pgrep-kit destroy --yes; fi" };
      await runBlock(end, shell);
      await rm(base, { recursive: true, force: true });
    },
  };
}

const NOTHING: Block = {
  line: 0,
  language: "sh",
  text: "",
  notRun: null,
  expect: [],
  exit: 0,
  interrupt: undefined,
};

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}
