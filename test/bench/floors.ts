// The floors of `init`: plain scripts that do the same work. Times are theirs alone; removing what they made is not.
import { randomBytes } from "node:crypto";
import { chown, copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../src/runtime/free-port.ts";
import { findBinaries } from "../../src/runtime/process/binaries.ts";
import { findServerUser, runsAsRoot } from "../../src/runtime/process/server-user.ts";
import { until } from "../../src/support/until.ts";
import { testImage } from "../setup/images.ts";
import { begin, timed } from "./command.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const SETTINGS = join(here, "floor.conf");
const HBA = join(here, "..", "..", "templates", "pg_hba.conf");

export async function floorOnDocker(): Promise<number> {
  const name = `floor-${randomBytes(4).toString("hex")}`;
  const ports = await freePorts(3, randomBytes(4).toString("hex"), []);
  try {
    const script = join(here, "floor-docker.sh");
    return (await timed(["sh", script, name, testImage("17"), HBA, SETTINGS, ...ports.map(String)])).ms;
  } finally {
    const remove =
      "docker rm --force --volumes $(docker ps --all --quiet --filter label=floor=$1); docker volume rm $1-pg1 $1-pg2 $1-pg3; docker network rm $1";
    await begin(["sh", "-c", remove, "sh", name]);
  }
}

export async function floorOnProcesses(): Promise<number> {
  const binaries = await findBinaries(null, process.env);
  if (binaries === null) throw new Error("no PostgreSQL on this machine");
  const user = runsAsRoot() ? await findServerUser(process.env) : null;
  const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-floor-"));
  // The server's user may be unable to read where the sources are.
  for (const file of ["floor-process.sh", "floor.conf"]) await copyFile(join(here, file), join(folder, file));
  await copyFile(HBA, join(folder, "pg_hba.conf"));
  if (user !== null) {
    for (const path of [
      folder,
      ...["floor-process.sh", "floor.conf", "pg_hba.conf"].map((file) => join(folder, file)),
    ]) {
      await chown(path, user.uid, user.gid);
    }
  }
  const ports = await freePorts(3, randomBytes(4).toString("hex"), []);
  try {
    const files = [join(folder, "pg_hba.conf"), join(folder, "floor.conf")];
    const argv = [
      "sh",
      join(folder, "floor-process.sh"),
      folder,
      binaries.folder,
      ...files,
      ...ports.map(String),
    ];
    return (await timed(argv, { user, cwd: folder })).ms;
  } finally {
    await endServers(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

async function endServers(folder: string): Promise<void> {
  for (const node of ["pg3", "pg2", "pg1"]) {
    const pidFile = join(folder, node, "data", "postmaster.pid");
    const pid = Number.parseInt(await readFile(pidFile, "utf8").catch(() => ""), 10);
    if (Number.isNaN(pid)) continue;
    process.kill(pid, "SIGQUIT");
    await until(async () => (isAlive(pid) ? null : true), { everyMs: 20, deadlineMs: 10_000 });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
