// `npm run bench [-- --runs N] [--only NAME] [--quick]`: turns its arguments into the environment that the benchmark
// reads, and runs vitest's project `bench`. A missed limit is reported and is no failure; a run that breaks is one.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { root } from "../../.ci/dependencies.mjs";

const usage =
  "usage: npm run bench [-- [--runs N] [--only init|start-up|memory|mode] [--host docker|process] [--quick]]";

function settings() {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "5" },
      only: { type: "string", default: "" },
      host: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
    },
  });
  const runs = values.quick ? 1 : Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error("--runs takes a whole number from 1 on");
  if (!["", "init", "start-up", "memory", "mode"].includes(values.only))
    throw new Error(`no benchmark ${values.only}`);
  if (!["", "docker", "process"].includes(values.host)) throw new Error(`no host ${values.host}`);
  return {
    PGREP_KIT_BENCH_RUNS: `${runs}`,
    PGREP_KIT_BENCH_ONLY: values.only,
    PGREP_KIT_BENCH_HOST: values.host,
  };
}

let env;
try {
  env = settings();
} catch (error) {
  console.error(`error:   ${error.message}\n${usage}`);
  process.exit(2);
}
const vitest = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "--project=bench",
  "--disable-console-intercept",
  "--reporter=dot",
];
const ended = spawnSync(process.execPath, vitest, {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ...env },
});
process.exitCode = ended.status ?? 1;
