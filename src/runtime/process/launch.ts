/**
 * How servers and tools are started: as the server's user, in a session of their own, with a small known environment.
 * They must never inherit what would change their behaviour (PGDATA, PGOPTIONS, a locale) or give away a secret.
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import type { ServerUser } from "./server-user.ts";

export interface Launch {
  readonly argv: readonly [string, ...string[]];
  readonly folder: string;
  readonly binaries: string;
  readonly user: ServerUser | null;
  readonly env: Readonly<Record<string, string>>;
  readonly stdio: StdioOptions;
}

export const SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin";
/** Valid wherever PostgreSQL runs, and UTF-8; messages stay English, because some are recognised. */
const LOCALE = process.platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8";

/** Starts the program detached from us: it lives on when we end, and its whole group can be signalled. */
export function launch(options: Launch): ChildProcess {
  const [program, ...args] = options.argv;
  return spawn(program, args, {
    cwd: options.folder,
    detached: true,
    stdio: options.stdio,
    env: { ...baseEnvironment(options), ...options.env },
    ...(options.user ? { uid: options.user.uid, gid: options.user.gid } : {}),
  });
}

function baseEnvironment(options: Launch): Record<string, string> {
  const kept = Object.fromEntries(
    ["TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    ...kept,
    PATH: `${options.binaries}:${SYSTEM_PATH}`,
    HOME: options.user?.home ?? process.env["HOME"] ?? "/",
    LANG: LOCALE,
    LC_ALL: LOCALE,
  };
}
