// README and guides, held against the product: links lead somewhere, files that are named exist, commands and options are
// those of the command line, and the words are PostgreSQL's.
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Block, blocksOf, exchangesOf, firstMissing, isRunnable, stable } from "../setup/markdown.ts";
import { run } from "../setup/command.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const main = join(root, "dist", "cli", "main.js");
const guides = (await readdir(join(root, "guides"), { recursive: true })).filter((name) =>
  name.endsWith(".md"),
);
const documents = await Promise.all(
  ["README.md", "CHANGELOG.md", ...guides.map((name) => join("guides", name))].map(async (path) => ({
    path,
    text: await readFile(join(root, path), "utf8"),
  })),
);
const readme = documents[0]!.text;

const helpOf = async (...verb: string[]): Promise<string> => {
  const help = await run(process.execPath, [main, ...verb, "--help"]);
  expect(help.ok, help.reason).toBe(true);
  return help.stdout;
};
const mainHelp = await helpOf();
const verbs = [...mainHelp.matchAll(/^ {2}([a-z][a-z-]*)(?: [[<]\S+)* {2,}\S/gm)].map(([, verb]) => verb!);
const helps = new Map(await Promise.all(verbs.map(async (verb) => [verb, await helpOf(verb)] as const)));

describe("README", () => {
  it("has exactly two commands on its first screen", () => {
    const screen = readme.split("\n").slice(0, 25).join("\n");
    const commands = blocksOf(screen).flatMap((block) => block.text.split("\n"));
    expect(commands).toEqual(["npm run quickstart", "npm test"]);
  });

  it("lists every command, and none that does not exist", () => {
    const table = /^## Commands\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
    const listed = [...table.matchAll(/^\| ((?:`[a-z-]+` ?)+)\|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([a-z-]+)`/g)].map(([, verb]) => verb!),
    );
    expect(listed.toSorted()).toEqual(verbs.toSorted());
  });

  it("leads to every guide", () => {
    const unlinked = guides.filter(
      (name) => !name.startsWith("decisions/") && !readme.includes(`](guides/${name})`),
    );
    expect(unlinked).toEqual([]);
  });
});

describe.each(documents)("$path", ({ path, text }) => {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, "");

  it("has links that lead somewhere", () => {
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    for (const target of targets.filter((one) => !one.startsWith("https:"))) {
      const [file = "", anchor] = target.split("#");
      const at = file === "" ? path : normalize(join(dirname(path), file));
      expect(existsSync(join(root, at)), `${path}: ${target}`).toBe(true);
      if (anchor === undefined) continue;
      const linked = documents.find((document) => document.path === at)?.text ?? "";
      expect(anchorsOf(linked), `${path}: ${target}`).toContain(anchor);
    }
  });

  it("names files and folders that exist", () => {
    const named = [...text.matchAll(/`((?:src|test|templates|compose|guides|\.ci)\/[\w./-]+)`/g)].map(
      ([, name]) => name!,
    );
    expect(named.filter((name) => !existsSync(join(root, name)) && !name.includes("VERB"))).toEqual([]);
  });

  it("uses PostgreSQL's words for roles", () => {
    expect(text).not.toMatch(/\b(master|slave|leader|follower)s?\b/i);
  });

  it("shows commands and options that exist", () => {
    for (const block of blocksOf(text).filter((one) => one.language === "sh" || one.language === "console"))
      for (const use of usesIn(block)) check(use, `${path}:${block.line}`);
  });

  it("suggests commands that exist", () => {
    for (const [, quoted] of prose.matchAll(/`(pgrep-kit [a-z][^`]*)`/g))
      for (const use of usesOf(quoted!)) check(use, path);
  });
});

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
}

interface Use {
  readonly verb: string;
  readonly options: readonly string[];
}

function usesIn(block: Block): Use[] {
  return exchangesOf(block).flatMap(({ command }) => usesOf(command));
}

/** Each `pgrep-kit VERB` of a script with the options up to the end of that command. */
function usesOf(script: string): Use[] {
  // What is in quotes is for others: SQL, mostly.
  const bare = script.replaceAll(/"\$\((.*?)\)"/g, "; $1 ;").replaceAll(/'[^']*'|"[^"]*"/g, "…");
  return [...bare.matchAll(/pgrep-kit ([a-z-]+)([^\n;|&>)]*)/g)].map(([, verb, rest]) => ({
    verb: verb!,
    options: [...rest!.matchAll(/(?<= )--?[a-z][a-z-]*/g)].map(([option]) => option),
  }));
}

function check({ verb, options }: Use, where: string): void {
  expect(verbs, where).toContain(verb);
  // psql takes whatever the real one takes.
  if (verb === "psql") return;
  for (const option of options)
    expect(helps.get(verb), `${where}: pgrep-kit ${verb} ${option}`).toMatch(new RegExp(`${option}\\b`));
}

describe("the changelog", () => {
  it("has the version of the package", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    expect(documents[1]!.text).toContain(`## [${version}]`);
  });
});

describe("blocks of commands", () => {
  const block = (text: string): Block => blocksOf(text)[0]!;

  it("are run, unless a comment right before says why not", () => {
    expect(isRunnable(block("```sh\nls\n```"))).toBe(true);
    expect(isRunnable(block("<!-- not-run: it never ends -->\n```sh\nls\n```"))).toBe(false);
    expect(isRunnable(block("<!-- not-run: about something else -->\n\n```sh\nls\n```"))).toBe(true);
    expect(() => block("<!-- not-run -->\n```sh\nls\n```")).toThrow("needs a reason");
    expect(() => block("<!-- expects: typo -->\n```sh\nls\n```")).toThrow("expects");
  });

  it("tell commands from what they print", () => {
    expect(exchangesOf(block("```console\n$ a \\\n>   b\nout 1\n\nout 2\n$ c\n```"))).toEqual([
      { command: "a \\\n  b", output: ["out 1", "out 2"] },
      { command: "c", output: [] },
    ]);
  });

  it("have printed what is shown once each shown line has come, in that order", () => {
    expect(firstMissing(["a", "c"], "a\nb\nc\n")).toBeNull();
    expect(firstMissing(["c", "a"], "a\nb\nc\n")).toBe("a");
    expect(firstMissing([" ✓ pg2 copied   0.9 s"], " ✓ pg2 copied 12.4 s\n")).toBeNull();
  });

  it("may differ in times, positions, addresses and sizes, and in nothing else", () => {
    expect(stable("pg2  0/4000140  0 B  0.4 ms  127.0.0.1:23560")).toBe(
      stable("pg2 1F/40000  3 kB   2 ms 127.0.0.1:9"),
    );
    expect(stable("pg2 streaming")).not.toBe(stable("pg3 streaming"));
    expect(stable("2 reached + 1 confirms > 2 listed")).not.toBe(stable("1 reached + 1 confirms > 2 listed"));
  });
});
