// Checks the source tree against guides/architecture.md on its own, by reading the imports: the linter's rules say the
// same, and neither can be loosened unseen without the other.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const sourceRoot = fileURLToPath(new URL("../../src", import.meta.url));

/** What files of a part may import besides their own part; the longest matching prefix counts. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  support: [],
  core: ["support/assert.ts"],
  config: ["core", "support"],
  postgres: ["core", "support"],
  runtime: ["postgres", "core", "support"],
  "runtime/docker": ["runtime", "postgres", "core", "support"],
  "runtime/process": ["runtime", "postgres", "core", "support"],
  control: ["core", "runtime/node-host.ts", "runtime/node-runtime.ts", "support"],
  monitor: ["control", "core", "runtime/node-host.ts", "runtime/node-runtime.ts", "support"],
  rehearsal: ["control", "core", "runtime/node-host.ts", "runtime/node-runtime.ts", "support"],
  simulator: ["control", "core", "runtime/node-host.ts", "runtime/node-runtime.ts", "support"],
  cli: ["*"],
};

const packagesOf: Readonly<Record<string, readonly string[]>> = {
  commander: ["cli"],
  dockerode: ["runtime/docker"],
  pg: ["postgres", "rehearsal"],
};

interface SourceFile {
  /** Relative to src, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function readSources(): SourceFile[] {
  return readdirSync(sourceRoot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const text = readFileSync(file, "utf8");
      return { path: relative(sourceRoot, file).split(sep).join("/"), text, imports: importsOf(text) };
    });
}

function importsOf(text: string): string[] {
  const statement =
    /^(?:import\s+(?:[\w$*{},\s]+?\sfrom\s+)?|export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s+)["']([^"']+)["']/gm;
  const dynamic = /\bimport\(\s*["']([^"']+)["']\s*\)/g;
  return [...text.matchAll(statement), ...text.matchAll(dynamic)].map((match) => match[1]!);
}

function partOf(path: string): string {
  const parts = Object.keys(mayImport).filter((part) => path.startsWith(`${part}/`));
  return parts.toSorted((one, other) => other.length - one.length)[0] ?? "";
}

/** The file inside src that an import names; undefined for packages and for files outside src. */
function targetOf(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(file.path), specifier));
  return target.startsWith("..") ? undefined : target;
}

function isAllowed(file: SourceFile, target: string): boolean {
  const own = partOf(file.path);
  const targetPart = partOf(target);
  if (targetPart === own) return true;
  return (mayImport[own] ?? []).some(
    (allowed) => allowed === "*" || allowed === target || allowed === targetPart,
  );
}

function forbiddenImports(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    for (const specifier of file.imports) {
      const target = targetOf(file, specifier);
      const owners = packagesOf[specifier];
      const isForbidden =
        target !== undefined
          ? partOf(file.path) !== "" && !isAllowed(file, target)
          : (owners !== undefined && !owners.includes(partOf(file.path))) ||
            (partOf(file.path) === "core" && !specifier.startsWith("."));
      if (isForbidden) found.push(`${file.path} imports ${specifier}`);
    }
  }
  return found;
}

function findCycle(files: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    const file = byPath.get(path);
    if (file === undefined || finished.has(path)) return undefined;
    for (const specifier of file.imports) {
      const target = targetOf(file, specifier);
      const cycle = target === undefined ? undefined : visit(target, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(path);
    return undefined;
  };
  for (const file of files) {
    const cycle = visit(file.path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function occurrences(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    [...file.text.matchAll(pattern)].map((m) => `${file.path}:${lineOf(file.text, m.index)}: ${m[0]}`),
  );
}

function sample(path: string, text: string): SourceFile {
  return { path, text, imports: importsOf(text) };
}

const sources = readSources();

describe("the source tree", () => {
  test("is there", () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  test("has only the parts that the design names, and no barrel", () => {
    const strays = sources.filter((file) => partOf(file.path) === "" && dirname(file.path) !== ".");
    expect(strays.map((file) => file.path)).toEqual([]);
    expect(sources.map((file) => file.path).filter((path) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
  });

  test("imports only downwards", () => {
    expect(forbiddenImports(sources)).toEqual([]);
  });

  test("has no cycle", () => {
    expect(findCycle(sources)).toBeUndefined();
  });

  test("keeps the core pure: no clock, no randomness, no I/O", () => {
    const core = sources.filter((file) => file.path.startsWith("core/"));
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bconsole\.|\bsetTimeout\b|\bcrypto\b/g;
    expect(occurrences(core, impure)).toEqual([]);
  });

  test("ends the process in cli/main.ts alone", () => {
    const others = sources.filter((file) => file.path !== "cli/main.ts");
    expect(occurrences(others, /\bprocess\.exit\(/g)).toEqual([]);
  });

  test("has files of less than 400 lines, named in kebab case", () => {
    const long = sources.filter((file) => file.text.split("\n").length > 400);
    expect(long.map((file) => file.path)).toEqual([]);
    expect(
      sources.map((file) => file.path).filter((path) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(path)),
    ).toEqual([]);
  });

  test("uses PostgreSQL's words: primary and standby", () => {
    expect(occurrences(sources, /\b(master|slave|leader)s?\b/gi)).toEqual([]);
  });

  test("has no file or folder of leftovers", () => {
    const vague = /(^|[/-])(utils?|helpers?|managers?|services?|common)(\.ts|\/|-)/;
    expect(sources.map((file) => file.path).filter((path) => vague.test(path))).toEqual([]);
  });

  test("opens every file with a comment that says what it is", () => {
    const bare = sources.filter((file) => !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(file.text));
    expect(bare.map((file) => file.path)).toEqual([]);
  });
});

describe("the checker itself", () => {
  test.each([
    ["core/decide/x.ts", `import { a } from "../../support/assert.ts";`, true],
    ["core/decide/x.ts", `import { a } from "../../support/errors.ts";`, false],
    ["core/x.ts", `import type {\n  A,\n  B,\n} from "../postgres/queries.ts";`, false],
    ["core/x.ts", `import { readFileSync } from "node:fs";`, false],
    ["runtime/steps/x.ts", `import { a } from "../docker/docker-host.ts";`, false],
    ["runtime/steps/x.ts", `const a = await import("../process/host.ts");`, false],
    ["runtime/docker/x.ts", `import { a } from "../node-host.ts";`, true],
    ["runtime/docker/x.ts", `import { a } from "../process/host.ts";`, false],
    ["control/x.ts", `import type { NodeHost } from "../runtime/node-host.ts";`, true],
    ["control/x.ts", `export { a } from "../runtime/postgres-runtime.ts";`, false],
    ["simulator/x.ts", `import { a } from "../postgres/queries.ts";`, false],
    ["monitor/x.ts", `import pg from "pg";`, false],
    ["cli/commands/x.ts", `import { a } from "../../runtime/docker/docker-host.ts";`, true],
  ])("judges %s: %s", (path, text, allowed) => {
    expect(forbiddenImports([sample(path, text)]).length === 0).toBe(allowed);
  });

  test("finds a cycle of types", () => {
    const one = sample("core/a.ts", `import type { B } from "./b.ts";`);
    const other = sample("core/b.ts", `import type { A } from "./a.ts";`);
    expect(findCycle([one, other])).toEqual(["core/a.ts", "core/b.ts", "core/a.ts"]);
  });
});
