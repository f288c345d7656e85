/**
 * The operating system's user that servers and tools run as. PostgreSQL refuses to run as root, so root's clusters
 * run as `postgres`; everybody else's run as themselves. It must never answer with root.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { PgrepKitError } from "../../support/errors.ts";

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Whether this process may and must change the user of what it starts. */
export function runsAsRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** The user for root's clusters: PGREP_KIT_OS_USER, or `postgres`. Throws `user-missing`. */
export async function findServerUser(env: NodeJS.ProcessEnv): Promise<ServerUser> {
  const name = env["PGREP_KIT_OS_USER"] || "postgres";
  const user = (await lookUp((fields) => fields[0] === name)) ?? (await askSystem(name));
  if (user === null) {
    throw new PgrepKitError("user-missing", {
      message: `user "${name}" does not exist`,
      detail: "PostgreSQL refuses to run as root, so that its servers run as this user.",
      hint: `Create it (useradd --system ${name}), set PGREP_KIT_OS_USER to another user, or run pgrep-kit without root.`,
    });
  }
  if (user.uid === 0) {
    throw new PgrepKitError("user-missing", {
      message: `PostgreSQL cannot run as "${name}", which is root`,
      hint: "Set PGREP_KIT_OS_USER to a user without privileges.",
    });
  }
  return user;
}

/** The user with this id, for a cluster that somebody else made; a nameless user is possible (containers). */
export async function userOfId(uid: number, gid: number): Promise<ServerUser> {
  return (await lookUp((fields) => fields[2] === String(uid))) ?? { name: String(uid), uid, gid, home: "/" };
}

async function lookUp(matches: (fields: readonly string[]) => boolean): Promise<ServerUser | null> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => "");
  const fields = text
    .split("\n")
    .map((line) => line.split(":"))
    .find((each) => each.length >= 7 && matches(each));
  if (!fields) return null;
  return { name: fields[0] ?? "", uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5] || "/" };
}

/** Users of a directory service, and every user of macOS, are not in /etc/passwd. */
async function askSystem(name: string): Promise<ServerUser | null> {
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) return null;
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map((flag) => promisify(execFile)("id", [flag, name])));
    return { name, uid: Number(uid?.stdout), gid: Number(gid?.stdout), home: "/" };
  } catch {
    return null;
  }
}
