// Adds up vitest's JSON reports of one run: the slowest tests, what failed, and as the last line the totals.
// Arguments: the folder with one folder of reports per stage, then the name of each stage that failed.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const [folder, ...failedStages] = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
const tests = [];
const failures = [];

for (const stage of readdirSync(folder)) {
  const failedBefore = totals.failed;
  for (const report of readdirSync(join(folder, stage)).filter((name) => name.endsWith(".json"))) {
    addReport(JSON.parse(readFileSync(join(folder, stage, report), "utf8")));
  }
  // A stage may fail without a failed test: a linter, a set-up, an error outside every test.
  if (failedStages.includes(stage) && totals.failed === failedBefore) addFailure(`stage ${stage}`);
}

function addReport({ testResults }) {
  for (const file of testResults) {
    const path = relative(process.cwd(), file.name);
    let fileFailed = file.status === "failed";
    for (const { status, fullName, duration } of file.assertionResults) {
      if (status === "failed") {
        addFailure(`${path} › ${fullName}`);
        fileFailed = false;
      } else if (status === "passed") totals.passed += 1;
      else totals.skipped += 1;
      tests.push({ seconds: (duration ?? 0) / 1000, text: `${path} › ${fullName}` });
    }
    // A file that could not be imported, or whose hooks failed, has no failed test of its own.
    if (fileFailed) addFailure(`${path}: ${(file.message ?? "").split("\n")[0]}`);
  }
}

function addFailure(text) {
  totals.failed += 1;
  failures.push(text);
}

const slowest = tests
  .filter(({ seconds }) => seconds >= 1)
  .toSorted((one, other) => other.seconds - one.seconds);
if (slowest.length > 0) console.log("\nSlowest tests:");
for (const { seconds, text } of slowest.slice(0, 12)) {
  console.log(`${seconds.toFixed(1).padStart(7)} s  ${text.replaceAll(/\s+/g, " ")}`);
}
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((text) => `  ✗ ${text}`).join("\n")}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
