// `npm run quickstart`: from a fresh clone to a replicated cluster on the screen, on a machine with nothing but Node
// and npm. It installs the dependencies, builds, chooses Docker or local PostgreSQL, and then only runs pgrep-kit's own
// commands, in the folder demo-cluster/. Run again, it brings the same cluster up.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { ensureDependencies, root } from "./dependencies.mjs";

const image = "postgres:17";
const demo = join(root, "demo-cluster");
const cli = join(root, "dist", "cli", "main.js");

function main() {
  ensureDependencies(say);
  build();
  if (existsSync(join(demo, "pgrep-kit.yaml"))) {
    say("Bringing up the cluster in demo-cluster/");
    pgrepKit(["up"]);
  } else {
    mkdirSync(demo, { recursive: true });
    const runtime = chooseRuntime();
    say(
      `Making a cluster of three nodes in demo-cluster/, on ${runtime === "docker" ? "Docker" : "local PostgreSQL"}`,
    );
    pgrepKit(["init", "--name", "quickstart", "--runtime", runtime, "--nodes", "3", "--sample", "ecommerce"]);
  }
  say("Its status:");
  pgrepKit(["status"]);
  say(`To go on: cd demo-cluster && alias pgrep-kit='node ${relative(demo, cli)}'`);
}

function build() {
  say("Building pgrep-kit (npm run build)");
  const built = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`npm run build failed:\n${built.stdout}${built.stderr}`.trim());
}

function chooseRuntime() {
  const noDocker = whyNotDocker();
  if (noDocker === undefined) return "docker";
  say(`Not on Docker: ${noDocker}`);
  if (hasPostgres()) return "process";
  if (process.getuid?.() === 0 && succeeds("apt-get", ["--version"])) {
    installPostgres();
    if (hasPostgres()) return "process";
  }
  throw new Error(
    "no Docker engine with a PostgreSQL image and no PostgreSQL on this machine\n" +
      "hint:    Start Docker, or install PostgreSQL 15 or newer (Debian, Ubuntu: apt-get install postgresql).",
  );
}

function whyNotDocker() {
  if (!succeeds("docker", ["version"])) return "no engine answers";
  if (succeeds("docker", ["image", "inspect", image])) return undefined;
  say(`Pulling ${image} (docker pull)`);
  const pulled = spawnSync("docker", ["pull", "--quiet", image], { encoding: "utf8" });
  return pulled.status === 0
    ? undefined
    : `${image} cannot be pulled (${lastLine(pulled.stderr).split(": ").at(-1)})`;
}

// Asks what was just built, so that both mean the same by "PostgreSQL is there": it says what it would write, or why not.
function hasPostgres() {
  return (
    spawnSync(process.execPath, [cli, "init", "--runtime", "process", "--dry-run"], { cwd: demo }).status ===
    0
  );
}

function installPostgres() {
  say("Installing PostgreSQL (apt-get install postgresql)");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update", "-qq"], { env, encoding: "utf8" });
  const args = ["install", "-y", "-qq", "--no-install-recommends", "postgresql"];
  const installed = spawnSync("apt-get", args, { env, encoding: "utf8" });
  if (installed.status !== 0)
    throw new Error(`apt-get install postgresql failed: ${lastLine(installed.stderr)}`);
}

function pgrepKit(args) {
  const ended = spawnSync(process.execPath, [cli, ...args], { cwd: demo, stdio: "inherit" });
  // It has said what was wrong; its exit code tells the rest.
  if (ended.status !== 0) process.exit(ended.status ?? 1);
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore", timeout: 15_000 }).status === 0;
}

function lastLine(text) {
  return (text ?? "").trim().split("\n").at(-1);
}

function say(text) {
  process.stderr.write(`▸ ${text}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(`error:   ${error.message}\n`);
  process.exit(1);
}
