// `npm test`: everything from a fresh clone. Dependencies and the build here; the engine, PostgreSQL and the images in
// the projects' own set-up (test/setup). Arguments go to vitest: `npm test -- --project process lag`.
import { spawnSync } from "node:child_process";
import { ensureDependencies, root } from "./dependencies.mjs";

function runOrExit(command, args) {
  const ended = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (ended.status !== 0) process.exit(ended.status ?? 1);
}

ensureDependencies(console.error);
runOrExit("npm", ["run", "--silent", "build"]);
const asked = process.argv.slice(2);
const projects = asked.some((argument) => argument.startsWith("--project")) ? [] : ["--project=!bench"];
runOrExit(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...projects, ...asked]);
