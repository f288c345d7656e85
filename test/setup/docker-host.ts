// Set-up of the tests on Docker: an engine, a compose command and the test images.
import type { TestProject } from "vitest/node";
import { provideAvailability } from "./availability.ts";
import buildCli from "./built-cli.ts";
import { ensureCompose, ensureEngine } from "./engine.ts";
import { ensureImages } from "./images.ts";

export default async function setup(project: TestProject): Promise<void> {
  await buildCli();
  const unavailable = (await ensureEngine()) ?? (await ensureCompose()) ?? (await ensureImages());
  provideAvailability(project, unavailable);
}
