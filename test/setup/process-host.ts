// Set-up of the tests on local processes: PostgreSQL's own programs.
import type { TestProject } from "vitest/node";
import { provideAvailability } from "./availability.ts";
import buildCli from "./built-cli.ts";
import { ensurePostgres } from "./postgres-binaries.ts";

export default async function setup(project: TestProject): Promise<void> {
  await buildCli();
  provideAvailability(project, await ensurePostgres());
}
