// Five projects: `core` and `cli` need neither Docker nor PostgreSQL; `process` and `docker` run the same behaviour
// tests against real PostgreSQL on their host, and their own beside them; `bench` is for `npm run bench` alone.
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// `.ci/run` names a folder for reports and adds them up: one a run of vitest.
const reportFolder = process.env["PGREP_KIT_TEST_REPORTS"];
const reportFile = join(reportFolder ?? "", `vitest-${process.pid}.json`);
const reports: [string, Record<string, unknown>][] =
  reportFolder === undefined ? [] : [["json", { outputFile: reportFile }]];

const realPostgres = {
  pool: "forks",
  runner: "test/setup/skipping-runner.ts",
  testTimeout: 120_000,
  hookTimeout: 180_000,
  teardownTimeout: 60_000,
  // Real servers on a machine that may be busy with something else. What passes only the second time is reported as such.
  retry: process.env["CI"] ? 1 : 0,
} as const;

export default defineConfig({
  test: {
    reporters: [process.env["CI"] ? "verbose" : "default", ...reports],
    projects: [
      {
        test: {
          name: "core",
          testTimeout: 30_000,
          // Whatever no other project takes, so that no test file is left out.
          include: ["test/**/*.test.ts"],
          exclude: ["cli", "process", "docker", "behaviour", "setup", "bench"].map(
            (folder) => `test/${folder}/**`,
          ),
        },
      },
      {
        test: {
          name: "cli",
          include: ["test/cli/**/*.test.ts"],
          globalSetup: "test/setup/built-cli.ts",
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          ...realPostgres,
          name: "process",
          include: ["test/process/**/*.test.ts", "test/behaviour/**/*.test.ts"],
          globalSetup: "test/setup/process-host.ts",
          provide: { host: "process" },
          // After the quick tests; each file mostly waits for PostgreSQL, so a few more of them than cores.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...realPostgres,
          name: "docker",
          include: ["test/docker/**/*.test.ts", "test/setup/**/*.test.ts", "test/behaviour/**/*.test.ts"],
          globalSetup: "test/setup/docker-host.ts",
          provide: { host: "docker" },
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...realPostgres,
          name: "bench",
          include: ["test/bench/**/*.bench.test.ts"],
          globalSetup: ["test/setup/process-host.ts", "test/setup/docker-host.ts"],
          testTimeout: 900_000,
          // Nothing else may run beside a measurement.
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
