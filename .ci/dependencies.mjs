// Installs the npm dependencies when they are missing or are not those of package-lock.json.
// It runs before anything is installed: plain Node, no packages.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../", import.meta.url));

/** Returns whether something had to be installed; throws when it could not be. */
export function ensureDependencies(say) {
  if (areInstalled()) return false;
  say("Installing the npm dependencies (npm ci)");
  const installed = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    encoding: "utf8",
  });
  if (installed.status !== 0) {
    throw new Error(`npm ci failed:\n${(installed.stderr || installed.error?.message || "").trim()}`);
  }
  return true;
}

// npm writes what it installed beside the packages. Optional ones may rightly be absent.
function areInstalled() {
  try {
    const wanted = packagesIn("package-lock.json");
    const present = packagesIn("node_modules/.package-lock.json");
    return Object.entries(wanted).every(
      ([path, { version, optional }]) =>
        path === "" || (optional && !present[path]) || present[path]?.version === version,
    );
  } catch {
    return false;
  }
}

function packagesIn(file) {
  return JSON.parse(readFileSync(`${root}${file}`, "utf8")).packages;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureDependencies(console.error);
