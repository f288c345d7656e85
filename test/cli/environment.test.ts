// psql is given the cluster's own connection, whatever the user has set for other servers.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../setup/run-cli.ts";
import { PORT, madeCluster } from "./made-cluster.ts";

async function environmentOfPsql(own: Record<string, string>): Promise<Record<string, string>> {
  await using folder = await madeCluster();
  const programs = join(folder.path, "programs");
  await mkdir(programs);
  await writeFile(join(programs, "psql"), "#!/bin/sh\nenv\n");
  await chmod(join(programs, "psql"), 0o755);
  const env = { PGREP_KIT_PGBIN: programs, ...own };
  const { code, stdout } = await runCli({ folder: folder.path, env }, "psql", "--node", "pg1");
  expect(code).toBe(0);
  return Object.fromEntries(stdout.split("\n").map((line) => line.split("=", 2)));
}

test("psql gives a server that does not answer up after 10 seconds, or after as many as the user has set", async () => {
  expect(await environmentOfPsql({})).toMatchObject({ PGCONNECT_TIMEOUT: "10" });
  expect(await environmentOfPsql({ PGCONNECT_TIMEOUT: "" })).toMatchObject({ PGCONNECT_TIMEOUT: "10" });
  expect(await environmentOfPsql({ PGCONNECT_TIMEOUT: "3" })).toMatchObject({ PGCONNECT_TIMEOUT: "3" });
});

test("psql knows nothing of the servers that the user's libpq environment speaks of", async () => {
  await using folder = await madeCluster();
  const programs = join(folder.path, "programs");
  await mkdir(programs);
  await writeFile(
    join(programs, "psql"),
    "#!/bin/sh\nenv | grep -E '^(PG|PSQL)' | grep -v '^PGREP_KIT_TEST'\n",
  );
  await chmod(join(programs, "psql"), 0o755);
  const env = {
    PGREP_KIT_PGBIN: programs,
    PGSERVICE: "production",
    PGHOSTADDR: "10.9.9.9",
    PGPASSWORD: "another",
    PGSSLMODE: "verify-full",
    PGOPTIONS: "-c synchronous_commit=off",
    PGPORT: "1",
    PG_COLOR: "always",
    PSQLRC: "/mine",
  };
  const { code, stdout } = await runCli({ folder: folder.path, env }, "psql", "--node", "pg1");
  expect(code).toBe(0);
  expect(
    Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split("=")),
    ),
  ).toEqual({
    PGHOST: "127.0.0.1",
    PGPORT: String(PORT),
    PGUSER: "postgres",
    PGDATABASE: "app",
    PGPASSFILE: join(folder.path, ".pgrep-kit", "pgpass"),
    PGCONNECT_TIMEOUT: "10",
    PGREP_KIT_PGBIN: programs,
    PG_COLOR: "always",
    PSQLRC: "/mine",
  });
});
