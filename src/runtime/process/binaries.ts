/**
 * Finds the server's binaries. It reads folders and a version string inside a small binary, and starts no process
 * where that is enough, because every `status` comes through here. It must never take a folder that lacks one of
 * the needed programs, nor mix programs of two folders.
 */
import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync, readdirSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { OLDEST_POSTGRES } from "../../core/spec.ts";

export interface Binaries {
  readonly folder: string;
  readonly major: number;
  /** "15.6", "18beta1". */
  readonly version: string;
}

export interface BinarySearch {
  /** Complete sets, the preferred one first. */
  readonly found: readonly Binaries[];
  /** Folders that hold a `postgres` but lack other programs. */
  readonly incomplete: readonly { readonly folder: string; readonly missing: readonly string[] }[];
  /** Every place that was looked at, as a person would write it. */
  readonly looked: readonly string[];
}

export const NEEDED_BINARIES = ["initdb", "postgres", "pg_basebackup", "pg_controldata"] as const;

/** Where packages put PostgreSQL; `*` stands for a version. */
const USUAL_PLACES = [
  "/usr/lib/postgresql/*/bin",
  "/usr/pgsql-*/bin",
  "/usr/libexec/postgresql*",
  "/opt/homebrew/opt/postgresql@*/bin",
  "/usr/local/opt/postgresql@*/bin",
  "/Library/PostgreSQL/*/bin",
  "/Applications/Postgres.app/Contents/Versions/*/bin",
  "/usr/local/pgsql/bin",
] as const;

/** The binaries of major `wanted`, or with null those that the machine's user most likely means; null: there are none. */
export async function findBinaries(wanted: number | null, env: NodeJS.ProcessEnv): Promise<Binaries | null> {
  return chooseBinaries(wanted, await searchBinaries(env));
}

/** The choice among what a search found. An unsupported old version is chosen only where nothing else is. */
export function chooseBinaries(wanted: number | null, search: BinarySearch): Binaries | null {
  const { found } = search;
  if (wanted !== null) return found.find((binaries) => binaries.major === wanted) ?? null;
  return found.find((binaries) => binaries.major >= OLDEST_POSTGRES) ?? found[0] ?? null;
}

/** Looks at PGREP_KIT_PGBIN alone if it is set, else at PATH and then at the usual places, newest version first. */
export async function searchBinaries(env: NodeJS.ProcessEnv): Promise<BinarySearch> {
  const explicit = env["PGREP_KIT_PGBIN"];
  if (explicit) return judgeFolders([explicit], [`PGREP_KIT_PGBIN (${explicit})`]);
  const onPath = (env["PATH"] ?? "").split(":").filter((folder) => isAbsolute(folder));
  return judgeFolders([...onPath, ...USUAL_PLACES.flatMap(expand)], ["PATH", ...USUAL_PLACES]);
}

async function judgeFolders(folders: readonly string[], looked: readonly string[]): Promise<BinarySearch> {
  const seen = new Set<string>();
  const found: Binaries[] = [];
  const incomplete: { folder: string; missing: string[] }[] = [];
  for (const folder of folders) {
    if (!isExecutable(join(folder, "postgres"))) continue;
    // A PATH entry may hold a link to this one program only; the others then lie beside the link's target.
    const home =
      [realFolder(folder), folder].find((place) => missingFrom(place).length === 0) ?? realFolder(folder);
    if (seen.has(home)) continue;
    seen.add(home);
    const missing = missingFrom(home);
    const version = missing.length === 0 ? await versionIn(home) : null;
    if (version === null) incomplete.push({ folder: home, missing });
    else found.push({ folder: home, major: Number.parseInt(version, 10), version });
  }
  return { found, incomplete, looked };
}

function realFolder(folder: string): string {
  return dirname(realpathSync(join(folder, "postgres")));
}

function missingFrom(folder: string): string[] {
  return NEEDED_BINARIES.filter((program) => !isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const versions = new Map<string, string>();

/** Every PostgreSQL program carries "name (PostgreSQL) version"; pg_controldata is a small one to read. */
async function versionIn(folder: string): Promise<string | null> {
  const known = versions.get(folder);
  if (known !== undefined) return known;
  const version = versionOf(readProgram(folder)) ?? versionOf(await askPostgres(folder));
  if (version !== null) versions.set(folder, version);
  return version;
}

function versionOf(text: string): string | null {
  return /\(PostgreSQL\) (\d+[\w.]*)/.exec(text)?.[1] ?? null;
}

function readProgram(folder: string): string {
  try {
    return readFileSync(join(folder, "pg_controldata"), "latin1");
  } catch {
    return "";
  }
}

/** For packagings where the programs are wrapper scripts. */
async function askPostgres(folder: string): Promise<string> {
  try {
    return (await promisify(execFile)(join(folder, "postgres"), ["-V"], { timeout: 5_000 })).stdout;
  } catch {
    return "";
  }
}

function expand(pattern: string): string[] {
  const segments = pattern.split("/");
  const at = segments.findIndex((segment) => segment.includes("*"));
  if (at === -1) return [pattern];
  const [before = "", after = ""] = (segments[at] ?? "").split("*");
  const parent = segments.slice(0, at).join("/");
  const rest = segments.slice(at + 1);
  return listFolder(parent)
    .filter(
      (name) => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length,
    )
    .toSorted((one, other) => versionNumber(other) - versionNumber(one))
    .map((name) => [parent, name, ...rest].join("/"));
}

function versionNumber(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0);
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
