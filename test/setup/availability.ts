// What a project's set-up tells its tests: which host they run on, and whether that host is there at all.
// On a laptop a missing host skips its tests by name; in CI it is a failure.
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Which host the shared behaviour tests run on. */
    host: "process" | "docker";
    /** Why this project's tests cannot run on this machine; undefined when they can. */
    unavailable: string | undefined;
  }
}

export function provideAvailability(project: TestProject, unavailable: string | undefined): void {
  if (unavailable !== undefined) {
    process.stderr.write(`\n${project.name} tests cannot run: ${unavailable}\n\n`);
  }
  // A project on both hosts needs both.
  project.provide("unavailable", project.getProvidedContext().unavailable ?? unavailable);
}
