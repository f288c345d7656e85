// Finds a Docker engine for the tests, or starts one: on Debian and Ubuntu as root it installs what is missing and
// runs `dockerd` in the background, where it outlives the tests. It never stops or reconfigures an engine, and never
// starts a second one beside one that is alive, however slow that is: both would use the same data.
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { commandExists, run, say } from "./command.ts";
import { canInstallPackages, installPackages } from "./debian-packages.ts";

const logFile = "/var/log/pgrep-kit-test-dockerd.log";
const startDeadlineMs = 60_000;
/** On a machine with far too much to do an engine may take this long. */
const slowDeadlineMs = 120_000;

/** Returns undefined when an engine answers, or else the reason why none does. */
export async function ensureEngine(): Promise<string | undefined> {
  const silence = await engineSilence();
  if (silence === undefined) return undefined;
  if (process.env["DOCKER_HOST"]) return `no Docker engine answers at DOCKER_HOST: ${silence}`;
  if (process.platform !== "linux" || process.getuid?.() !== 0) return `no Docker engine answers: ${silence}`;

  const living = await livingEngine();
  if (living !== undefined) return awaitLiving(living);

  const missing = await missingPackages();
  if (missing.length > 0) {
    if (!(await canInstallPackages()))
      return `no Docker engine answers, and ${missing.join(", ")} is missing`;
    const failure = await installPackages(missing);
    if (failure !== undefined) return failure;
    // Where an init system runs, the package has started the engine.
    if ((await engineSilence()) === undefined) return undefined;
    const installed = await livingEngine();
    if (installed !== undefined) return awaitLiving(installed);
  }
  return startEngine();
}

/** Makes sure that `docker compose` or `docker-compose` works; undefined, or the reason why neither does. */
export async function ensureCompose(): Promise<string | undefined> {
  const found =
    (await run("docker", ["compose", "version"])).ok || (await run("docker-compose", ["version"])).ok;
  return found ? undefined : installPackages(["docker-compose"]);
}

async function engineSilence(): Promise<string | undefined> {
  const answer = await run("docker", ["version", "--format", "{{.Server.Version}}"], { timeoutMs: 15_000 });
  return answer.ok ? undefined : answer.reason;
}

/** An engine that is there, whether it answers or not: what shows it; undefined: there is none. */
export async function livingEngine(
  pidFile = "/var/run/docker.pid",
  socket = "/var/run/docker.sock",
): Promise<string | undefined> {
  const pid = pidIn(pidFile);
  if (pid !== undefined && commandNameOf(pid) === "dockerd") return `dockerd runs as process ${pid}`;
  return (await isListenedTo(socket)) ? `a program listens at ${socket}` : undefined;
}

/** The system itself takes the connection: no matter how busy the program behind it is. */
function isListenedTo(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => resolve(true));
    // EAGAIN: its queue is full (connect(2)), so that it lives, and is very busy.
    connection.once("error", (error) => resolve("code" in error && error.code === "EAGAIN"));
    connection.once("close", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });
}

async function awaitLiving(living: string): Promise<string | undefined> {
  say(`${living}, but does not answer yet: waiting for it`);
  if (await engineAnswersWithin(slowDeadlineMs)) return undefined;
  return `${living}, but did not answer within ${slowDeadlineMs / 1000} s`;
}

async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  if (!(await commandExists("dockerd"))) missing.push("docker.io");
  if (!(await commandExists("docker"))) missing.push("docker.io", "docker-cli");
  if (!(await commandExists("iptables"))) missing.push("iptables");
  return [...new Set(missing)];
}

async function startEngine(): Promise<string | undefined> {
  say("starting dockerd");
  // A machine that was switched off hard leaves pid files behind, and their numbers may belong to others now;
  // dockerd would refuse to start, or wait for a containerd that is none.
  removeStalePidFile("/var/run/docker.pid", "dockerd");
  removeStalePidFile("/var/run/docker/containerd/containerd.pid", "containerd");
  mkdirSync("/var/log", { recursive: true });
  const log = openSync(logFile, "a");
  const engine = spawn("dockerd", [], { detached: true, stdio: ["ignore", log, log] });
  engine.on("error", () => {});
  engine.unref();

  const deadline = Date.now() + startDeadlineMs;
  let silence: string | undefined;
  while (Date.now() < deadline) {
    silence = await engineSilence();
    if (silence === undefined) return undefined;
    if (engine.exitCode !== null) {
      // Another run may have started one in the same moment; then ours gives way, and theirs answers soon.
      const other = await engineAnswersWithin(10_000);
      return other ? undefined : `dockerd exited with ${engine.exitCode}: ${lastLogLine()} (see ${logFile})`;
    }
    await delay(100);
  }
  return `dockerd did not answer within ${startDeadlineMs / 1000} s: ${silence} (see ${logFile})`;
}

async function engineAnswersWithin(timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if ((await engineSilence()) === undefined) return true;
    await delay(200);
  }
  return false;
}

function removeStalePidFile(file: string, processName: string): void {
  const pid = pidIn(file);
  if (pid !== undefined && commandNameOf(pid) !== processName) rmSync(file, { force: true });
}

function pidIn(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}

function commandNameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}

function lastLogLine(): string {
  try {
    return readFileSync(logFile, "utf8").trim().split("\n").at(-1) ?? "";
  } catch {
    return "";
  }
}
