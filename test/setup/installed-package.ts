// The package as it is published: packed, and installed in a folder elsewhere.
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));
const exec = promisify(execFile);

export interface InstalledPackage {
  /** The paths that the tarball holds. */
  readonly packed: readonly string[];
  /** The command, as npm links it. */
  readonly main: string;
}

export async function installPackage(folder: string): Promise<InstalledPackage> {
  // The build is there already, and a second one would replace it under other tests.
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await exec("npm", pack, { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  await installOffline(folder, join(folder, filename));
  return {
    packed: files.map((file) => file.path),
    main: join(folder, "node_modules", ".bin", "pgrep-kit"),
  };
}

/**
 * As `npm install TARBALL` lays it out, with no registry asked: the package unpacked, its dependencies (and theirs) taken
 * from the repository's own installation, its command linked.
 */
async function installOffline(folder: string, tarball: string): Promise<void> {
  const modules = join(folder, "node_modules");
  const home = join(modules, "pgrep-kit");
  await mkdir(home, { recursive: true });
  await exec("tar", ["-xzf", tarball, "-C", home, "--strip-components=1"]);
  for (const name of await dependencies(join(home, "package.json"), new Set())) {
    await mkdir(join(modules, name, ".."), { recursive: true });
    await cp(join(root, "node_modules", name), join(modules, name), { recursive: true, dereference: true });
  }
  await mkdir(join(modules, ".bin"));
  const { bin } = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
    bin: Record<string, string>;
  };
  for (const [name, path] of Object.entries(bin)) {
    await symlink(join("..", "pgrep-kit", path), join(modules, ".bin", name));
    await exec("chmod", ["755", join(home, path)]);
  }
  await writeFile(join(folder, "package.json"), "{}");
}

/** All that the package asks for at run time, and what that asks for; development's own things are left out. */
async function dependencies(manifest: string, known: Set<string>): Promise<Set<string>> {
  const { dependencies: wanted = {} } = JSON.parse(await readFile(manifest, "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const each of Object.keys(wanted)) {
    if (known.has(each)) continue;
    known.add(each);
    const hoisted = join(root, "node_modules", each, "package.json");
    // One that lies within its dependent comes along with it.
    await dependencies(hoisted, known).catch(() => known.delete(each));
  }
  return known;
}
