// Vitest's own runner, except that it skips every test of a project whose host is missing (see availability.ts).
// The tests are still collected, so that the report names and counts what did not run.
import { inject, TestRunner } from "vitest";
import type { RunnerTask, RunnerTestFile } from "vitest";

export default class SkippingRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    if (inject("unavailable") === undefined) return;
    for (const file of files) skip(file);
  }
}

function skip(task: RunnerTask): void {
  if (task.mode === "run" || task.mode === "queued") task.mode = "skip";
  if ("tasks" in task) for (const child of task.tasks) skip(child);
}
