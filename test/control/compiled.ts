// A module of src compiled for plain Node, for tests that need processes of its own code.
import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Compiles `module` (such as `control/lock`) and what it imports into `folder`; answers the path to import. */
export async function compiled(folder: string, module: string): Promise<string> {
  const project = join(folder, "tsconfig.json");
  await mkdir(folder, { recursive: true });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const options = { noEmit: false, rootDir: join(root, "src"), outDir: join(folder, "out"), noCheck: true };
  const sources = [join(root, "src", `${module}.ts`)];
  await writeFile(
    project,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: options,
      files: sources,
      include: [],
    }),
  );
  await promisify(execFile)(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project]);
  return join(folder, "out", `${module}.js`);
}
