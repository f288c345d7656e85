// Installs Debian or Ubuntu packages for the test set-up. It says beforehand what it installs, and does nothing
// on a machine where it may not: there the caller names what is missing.
import { commandExists, run, say } from "./command.ts";

export async function canInstallPackages(): Promise<boolean> {
  return process.getuid?.() === 0 && (await commandExists("apt-get"));
}

/** Returns undefined when the packages are installed, or else the reason why they are not. */
export async function installPackages(names: readonly string[]): Promise<string | undefined> {
  if (!(await canInstallPackages())) {
    return `needs ${names.join(", ")}: install them, or run as root on Debian or Ubuntu`;
  }
  say(`installing ${names.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const limits = { env, timeoutMs: 600_000 };
  const update = await run("apt-get", ["update", "-qq"], limits);
  const known: string[] = [];
  for (const name of names) {
    // A package's name differs between releases (docker-cli is a part of docker.io on Debian 12).
    if ((await run("apt-cache", ["show", name])).ok) known.push(name);
  }
  if (known.length === 0) return `apt knows no package ${names.join(", ")}: ${update.reason}`;
  const install = await run(
    "apt-get",
    ["install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", ...known],
    limits,
  );
  if (install.ok) return undefined;
  return `apt-get install ${names.join(" ")}: ${update.ok ? install.reason : update.reason}`;
}
