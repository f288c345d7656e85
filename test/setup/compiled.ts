// A module of src for plain Node, for tests that need processes of its own code.
import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Bundles `module` (such as `control/lock`) as the program itself is, into `folder`; answers the path to import. */
export async function compiled(folder: string, module: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const needed of ["node_modules", "templates"]) await symlink(join(root, needed), join(folder, needed));
  // As deep as dist/cli, so that it finds the templates.
  const out = join(folder, "dist", "part");
  await promisify(execFile)(process.execPath, [join(root, ".ci/build.mjs"), module, out]);
  return join(out, `${module.split("/").at(-1)}.js`);
}
