// Vitest's own runner, except where a project's host is missing (see availability.ts): then every test is skipped, or
// in CI every file fails. The tests are still collected, so that the report names and counts what did not run.
import { inject, TestRunner } from "vitest";
import type { RunnerTask, RunnerTestFile } from "vitest";

export default class SkippingRunner extends TestRunner {
  override importFile(...call: Parameters<TestRunner["importFile"]>): unknown {
    const unavailable = inject("unavailable");
    if (unavailable !== undefined && process.env["CI"]) throw new Error(unavailable);
    return super.importFile(...call);
  }

  onCollected(files: RunnerTestFile[]): void {
    if (inject("unavailable") === undefined) return;
    for (const file of files) skip(file);
  }
}

function skip(task: RunnerTask): void {
  if (task.mode === "run" || task.mode === "queued") task.mode = "skip";
  if ("tasks" in task) for (const child of task.tasks) skip(child);
}
