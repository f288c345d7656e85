// Builds dist/ when a source file is newer than it, so that tests which spawn the command line never run an old one.
// Types are not its affair: `npm run check` judges them.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, say } from "./command.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

export default async function setup(): Promise<void> {
  if (newest("src") <= newest("dist")) return;
  say("building dist/");
  const built = await run("npm", ["run", "--silent", "build"], { timeoutMs: 120_000 });
  if (!built.ok) say(`npm run build failed:\n${built.stdout || built.reason}`);
}

function newest(folder: string): number {
  try {
    const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const times = files
      .filter((file) => file.isFile())
      .map((file) => statSync(join(file.parentPath, file.name)).mtimeMs);
    return Math.max(0, ...times);
  } catch {
    return 0;
  }
}
