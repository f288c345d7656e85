// `npm run build`: the program as a few files in dist/, so that a command spends its start on its work and not on finding
// some three hundred modules (guides/decisions/0008-bundled-program.md). Types are `npm run check`'s affair.
import { chmod, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Left where npm installs them: what few commands need and is large, and what is only there on some machines. */
const EXTERNAL = ["dockerode", "pg-native"];

/** Bundles a module of src, such as `cli/main`, and all that it imports into `folder`; answers the paths of the modules used. */
async function bundle(module, folder) {
  const { output } = await build({
    input: { [module.split("/").at(-1)]: join(root, "src", `${module}.ts`) },
    cwd: root,
    platform: "node",
    external: EXTERNAL,
    // Its files for browsers are modules, and do the same: only what is used is taken in, without a function around each.
    resolve: { alias: { yaml: join(root, "node_modules/yaml/browser/index.js") } },
    transform: { target: "node20.19" },
    // CommonJS: Node starts it quicker than modules.
    output: { dir: folder, format: "cjs", comments: false },
    // A command loads what it needs when it needs it; that another loads it at once is as it should be.
    checks: { ineffectiveDynamicImport: false },
    logLevel: "warn",
  });
  await writeFile(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  return output.flatMap((chunk) => chunk.moduleIds ?? []);
}

const PACKAGES = "/node_modules/";

/** Of every package that was bundled: its name, its version and the text of its licence, where it brings one. */
async function licences(modules) {
  const folders = new Set(
    modules.flatMap((path) => {
      const [home, inside] = cutAtLast(path.split(sep).join("/"), PACKAGES);
      const [first, second] = inside.split("/");
      return home === "" ? [] : [`${home}${PACKAGES}${first.startsWith("@") ? `${first}/${second}` : first}`];
    }),
  );
  if (folders.size === 0) throw new Error("no module of a package was bundled: where are they?");
  const texts = [...folders].toSorted().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? "" : `\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
    return `## ${name} ${version} (${license})\n${text}`;
  });
  return (await Promise.all(texts)).join("\n");
}

function cutAtLast(text, mark) {
  const at = text.lastIndexOf(mark);
  return at === -1 ? ["", text] : [text.slice(0, at), text.slice(at + mark.length)];
}

const [module, folder] = process.argv.slice(2);
if (module !== undefined) {
  // A part of it, for a test: `node .ci/build.mjs control/lock FOLDER`.
  await bundle(module, folder);
} else {
  const dist = join(root, "dist");
  await rm(dist, { recursive: true, force: true });
  const modules = await bundle("cli/main", join(dist, "cli"));
  // A command that npm has linked once is run as it lies here.
  await chmod(join(dist, "cli", "main.js"), 0o755);
  const opening =
    "# Licences\n\npgrep-kit's program contains these packages, each under its own licence.\n\n";
  await writeFile(join(dist, "THIRD-PARTY-LICENCES.md"), opening + (await licences(modules)));
}
