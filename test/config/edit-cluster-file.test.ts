import { chmod, lstat, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { addNode, removeNode, setReplication, writeClusterFile } from "../../src/config/edit-cluster-file.ts";
import { renderClusterFile } from "../../src/config/new-cluster-file.ts";
import type { Origin } from "../../src/config/origins.ts";
import { readClusterFile } from "../../src/config/read-cluster-file.ts";
import type { ClusterSpec } from "../../src/core/spec.ts";
import { anySpec, possible } from "./any-spec.ts";
import { failureOf, specOf } from "./texts.ts";

const example = `name: demo
postgres: 17                 # major; on Docker the image is postgres:17 unless \`image:\` says otherwise
runtime: docker              # or process
nodes:
  - { name: pg1 }            # the first is the initial primary
  - { name: pg2, priority: 10 }
  - { name: pg3 }            # the third
replication:
  mode: quorum               # async | sync (FIRST) | quorum (ANY)
  acks: 1                    # W
  commit: on                 # remote_write | on | remote_apply
  on_quorum_lost: block      # or async
settings: { shared_buffers: 128MB }   # any postgresql.conf setting
`;

/** The lines that differ, as `-old` and `+new`. */
function difference(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ];
}

describe("changing the replication", () => {
  test("touches one value and leaves the comments in their column", () => {
    expect(difference(example, setReplication(example, { mode: "async" }))).toEqual([
      "-  mode: quorum               # async | sync (FIRST) | quorum (ANY)",
      "+  mode: async                # async | sync (FIRST) | quorum (ANY)",
    ]);
  });

  test("adds what is missing at the end of the section", () => {
    expect(difference(example, setReplication(example, { acks: 2, among: ["pg2", "pg3"] }))).toEqual([
      "-  acks: 1                    # W",
      "+  acks: 2                    # W",
      "+  among: [pg2, pg3]",
    ]);
  });

  test("changes nothing where nothing is to be changed", () => {
    expect(setReplication(example, { mode: "quorum", acks: 1, commit: "on", among: null })).toBe(example);
    expect(setReplication(example, { mode: undefined })).toBe(example);
  });

  test("withdraws the restriction to some nodes", () => {
    const among = setReplication(example, { among: ["pg2"] });
    expect(setReplication(among, { among: null })).toBe(example);
  });

  const bare = "name: demo\npostgres: 17\nruntime: docker\nnodes: [{ name: pg1 }, { name: pg2 }]\n";
  test.each([
    ["without the section", bare, `${bare}replication:\n  mode: sync\n  commit: remote_apply\n`],
    ["without a last line end", bare.trimEnd(), `${bare}replication:\n  mode: sync\n  commit: remote_apply`],
    [
      "with the section commented out",
      `${bare}replication:  # later\n  # mode: quorum\n`,
      `${bare}replication:  # later\n  mode: sync\n  commit: remote_apply\n  # mode: quorum\n`,
    ],
    [
      "with an empty value",
      `${bare}replication: {mode: async, commit: on}\n`,
      `${bare}replication: {mode: sync, commit: remote_apply}\n`,
    ],
    [
      "with an empty map",
      `${bare}replication: {}\n`,
      `${bare}replication: { mode: sync, commit: remote_apply }\n`,
    ],
    [
      "in JSON",
      '{"name": "demo", "postgres": 17, "runtime": "docker", "nodes": [{"name": "pg1"}, {"name": "pg2"}]}',
      '{"name": "demo", "postgres": 17, "runtime": "docker", "nodes": [{"name": "pg1"}, {"name": "pg2"}], replication: { mode: sync, commit: remote_apply }}',
    ],
    [
      "with Windows line ends",
      bare.replaceAll("\n", "\r\n"),
      `${bare}replication:\n  mode: sync\n  commit: remote_apply\n`.replaceAll("\n", "\r\n"),
    ],
  ])("works in a file %s", (_, before, after) => {
    const edited = setReplication(before, { mode: "sync", commit: "remote_apply" });
    expect(edited).toBe(after);
    expect(specOf(edited).replication).toMatchObject({ mode: "sync", commit: "remote_apply" });
  });

  test("replaces a list of several lines", () => {
    const before = `${bare.replace("pg2 }", "pg2 }, { name: pg3 }")}replication:\n  among:\n    - pg2\n    - pg3\n  mode: quorum # any\n`;
    expect(setReplication(before, { among: ["pg3"] })).toContain(
      "replication:\n  among: [pg3]\n  mode: quorum # any\n",
    );
    expect(setReplication(before, { among: null, acks: 2 })).toContain(
      "replication:\n  mode: quorum # any\n  acks: 2\n",
    );
    expect(specOf(removeNode(before, "pg2")).replication.among).toEqual(["pg3"]);
  });

  test("to what cannot be is told by the reader", () => {
    expect(failureOf(setReplication(example, { acks: 3 })).message).toContain("only 2 standbys can confirm");
  });
});

describe("adding a node", () => {
  test("writes it as the last one is written", () => {
    expect(difference(example, addNode(example, { name: "pg4", upstream: "pg2", priority: 5 }))).toEqual([
      "+  - { name: pg4, priority: 5, upstream: pg2 }",
    ]);
    const blocks =
      "name: demo\npostgres: 17\nruntime: docker\nnodes:\n- name: pg1\n- name: pg2 # two\n# end\n";
    expect(addNode(blocks, { name: "pg3", upstream: "pg2", delayMs: 300_000 })).toBe(
      blocks.replace("# end", "- name: pg3\n  upstream: pg2\n  delay: 5min\n# end"),
    );
  });

  test.each([
    ["nodes: [{name: pg1}]", "nodes: [{name: pg1}, {name: pg9}]"],
    ["nodes: [ { name: pg1 } ]", "nodes: [ { name: pg1 }, { name: pg9 } ]"],
    [
      "nodes: [\n    { name: pg1 },\n    { name: pg2 },  # two\n  ]",
      "nodes: [\n    { name: pg1 },\n    { name: pg2 },\n    { name: pg9 },  # two\n  ]",
    ],
  ])("works in a list of one piece: %j", (before, after) => {
    const frame = "name: demo\npostgres: 17\nruntime: docker\n";
    expect(addNode(`${frame}${before}\n`, { name: "pg9" })).toBe(`${frame}${after}\n`);
  });

  test("with a name that YAML would take for something else keeps its name", () => {
    expect(specOf(addNode(example, { name: "null" })).nodes.at(-1)?.name).toBe("null");
  });
});

describe("removing a node", () => {
  test("removes its line alone", () => {
    expect(difference(example, removeNode(example, "pg2"))).toEqual(["-  - { name: pg2, priority: 10 }"]);
    expect(difference(example, removeNode(example, "pg3"))).toEqual([
      "-  - { name: pg3 }            # the third",
    ]);
    expect(removeNode(example, "pg9")).toBe(example);
  });

  test("removes all its lines where it has several", () => {
    const blocks =
      "name: demo\npostgres: 17\nruntime: docker\nnodes:\n  # first\n  - name: pg1\n  - name: pg2\n    priority: 3 # high\n  - name: pg3\n";
    expect(removeNode(blocks, "pg2")).toBe(blocks.replace("  - name: pg2\n    priority: 3 # high\n", ""));
    expect(removeNode(blocks, "pg3")).toBe(blocks.replace("  - name: pg3\n", ""));
    expect(removeNode(blocks.trimEnd(), "pg3")).toBe(blocks.replace("  - name: pg3\n", ""));
  });

  test("takes it off the list of those that may confirm", () => {
    const among = setReplication(example, { among: ["pg1", "pg2", "pg3"] });
    expect(specOf(removeNode(among, "pg3")).replication.among).toEqual(["pg1", "pg2"]);
    expect(failureOf(removeNode(setReplication(example, { among: ["pg3"] }), "pg3")).message).toContain(
      "no node of this cluster",
    );
  });

  test("from a list of one piece takes its comma along", () => {
    const flow =
      "name: demo\npostgres: 17\nruntime: docker\nnodes: [{ name: a }, { name: b }, { name: c }]\n";
    expect(removeNode(flow, "b")).toContain("nodes: [{ name: a }, { name: c }]");
    expect(removeNode(flow, "c")).toContain("nodes: [{ name: a }, { name: b }]");
    expect(removeNode(flow, "a")).toContain("nodes: [{ name: b }, { name: c }]");
  });
});

describe("a file of any content", { timeout: 30_000 }, () => {
  test("is read back as it was written anew", () => {
    fc.assert(
      fc.property(anySpec(), (spec) => {
        expect(specOf(renderClusterFile(spec))).toEqual(spec);
      }),
    );
  });

  /** A comment on a line of its own above some lines, and behind some. */
  const commented = (spec: ClusterSpec): fc.Arbitrary<string> => {
    const lines = renderClusterFile(spec).split("\n");
    const marks = fc.array(fc.constantFrom("none", "above", "behind"), {
      minLength: lines.length,
      maxLength: lines.length,
    });
    return marks.map((all) =>
      lines
        .flatMap((line, i) => {
          const indent = /^ */.exec(line)?.[0] ?? "";
          if (all[i] === "above") return [`${indent}# above ${i}`, line];
          return [all[i] === "behind" && line !== "" ? `${line}  # behind ${i}` : line];
        })
        .join("\n"),
    );
  };
  const specAndText = anySpec().chain((spec) => commented(spec).map((text) => ({ spec, text })));
  const commentsOf = (text: string): string[] => text.match(/# (above|behind) \d+/g) ?? [];

  test("keeps its comments and everything else when the replication changes", () => {
    const change = fc.record({
      mode: fc.constantFrom("async" as const, "sync" as const, "quorum" as const),
      acks: fc.integer({ min: 1, max: 3 }),
      commit: fc.constantFrom("on" as const, "remote_write" as const, "remote_apply" as const),
      restricted: fc.boolean(),
    });
    const check = (
      { spec, text }: { spec: ClusterSpec; text: string },
      wish: typeof change extends fc.Arbitrary<infer T> ? T : never,
    ): void => {
      const { restricted, ...wished } = wish;
      const attached = spec.nodes.filter((node) => node.upstream === null).map((node) => node.name);
      const wanted = possible({ ...spec, replication: { ...wished, among: restricted ? attached : null } });
      const edited = setReplication(text, wanted.replication);
      expect(specOf(edited)).toEqual(wanted);
      // A restriction that is withdrawn takes the comment behind it along.
      const isWithdrawn = spec.replication.among !== null && wanted.replication.among === null;
      const kept = commentsOf(edited);
      expect(commentsOf(text).filter((comment) => !kept.includes(comment)).length).toBeLessThanOrEqual(
        isWithdrawn ? 1 : 0,
      );
      expect(setReplication(edited, wanted.replication)).toBe(edited);
    };
    fc.assert(fc.property(specAndText, change, check), { numRuns: 60 });
  });

  test("keeps its comments when a node comes, and is the same again when it goes", () => {
    fc.assert(
      fc.property(specAndText, ({ spec, text }) => {
        fc.pre(spec.nodes.length < 16);
        const upstream = spec.nodes[1]?.name ?? null;
        const edited = addNode(text, { name: "zz-new", priority: 7, upstream });
        expect(commentsOf(edited)).toEqual(commentsOf(text));
        expect(specOf(edited).nodes).toEqual([
          ...spec.nodes,
          { name: "zz-new", priority: 7, upstream, delayMs: 0 },
        ]);
        expect(removeNode(edited, "zz-new")).toBe(text);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what is wrong with an edited text", () => {
  const told = (text: string, ...origins: Origin[]) => {
    const { code, message, hint } = failureOf(text, origins);
    return `${code}: ${message}${hint === null ? "" : ` / ${hint}`}`;
  };
  const acks = { at: ["replication", "acks"], typed: "--acks 3" };
  const among = (typed: string): Origin => ({ at: ["replication", "among"], typed });

  test("is told of the option that it comes from", () => {
    expect(told(setReplication(example, { acks: 3 }), acks)).toBe(
      "usage: --acks 3: only 2 standbys can confirm / Use 1 or 2, or add a standby.",
    );
    expect(told(setReplication(example, { among: ["pg2", "pg9"] }), among("--among pg2,pg9"))).toBe(
      'usage: --among pg2,pg9: "pg9" is no node of this cluster / Did you mean pg1?',
    );
    const node = addNode(example, { name: "pg4", upstream: "pg9" });
    expect(told(node, { at: ["nodes", 3, "upstream"], typed: "--upstream pg9" })).toMatch(
      /^usage: --upstream pg9: "pg9" is no node of this cluster/,
    );
    expect(told(addNode(example, { name: "PG4" }), { at: ["nodes", 3], typed: "add-standby PG4" })).toMatch(
      /^usage: add-standby PG4: the node name "PG4"/,
    );
  });

  test("is told of the option also where only the file's own value does not fit it", () => {
    expect(told(setReplication(example, { among: ["pg1"] }), among("--among pg1"))).toBe(
      "usage: --among pg1: replication.acks is 1, but no standby can confirm / Name a standby that may confirm, or use mode: async.",
    );
  });

  test("is told by line and column where the line is the file's own", () => {
    const async = example.replace("mode: quorum", "mode: async ").replace("acks: 1", "acks: 3");
    const mode = { at: ["replication", "mode"], typed: "mode quorum" };
    expect(told(setReplication(async, { mode: "quorum" }), mode)).toMatch(
      /^cluster-file-invalid: pgrep-kit\.yaml:10:9: replication\.acks is 3, but only 2 standbys can confirm/,
    );
  });
});

describe("writing an edited file", () => {
  async function onDisk(): Promise<{ folder: string; path: string }> {
    const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-test-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, "pgrep-kit.yaml");
    await writeFile(path, example);
    return { folder, path };
  }

  test("replaces it, keeps its mode, and answers what it says now", async () => {
    const { folder, path } = await onDisk();
    await chmod(path, 0o664);
    const file = await readClusterFile(path);
    const written = await writeClusterFile(file, setReplication(file.text, { mode: "sync" }));
    expect(written.spec.replication.mode).toBe("sync");
    expect(await readClusterFile(path)).toEqual(written);
    expect((await stat(path)).mode & 0o777).toBe(0o664);
    expect(await readdir(folder)).toEqual(["pgrep-kit.yaml"]);
  });

  test("is refused where somebody edited it meanwhile, and their text stays", async () => {
    const { path } = await onDisk();
    const file = await readClusterFile(path);
    await writeFile(path, `${example}# mine\n`);
    const writing = writeClusterFile(file, setReplication(file.text, { mode: "sync" }));
    await expect(writing).rejects.toMatchObject({ code: "cluster-file-changed" });
    expect(await readFile(path, "utf8")).toBe(`${example}# mine\n`);
    await rm(path);
    await expect(writeClusterFile(file, file.text)).rejects.toMatchObject({ code: "cluster-file-changed" });
  });

  test("is refused where the new text is wrong, before anything is written", async () => {
    const { path } = await onDisk();
    const file = await readClusterFile(path);
    await expect(writeClusterFile(file, setReplication(file.text, { acks: 9 }))).rejects.toMatchObject({
      code: "cluster-file-invalid",
    });
    expect(await readFile(path, "utf8")).toBe(example);
  });

  test("goes through a symbolic link to the file itself", async () => {
    const { folder, path } = await onDisk();
    const link = join(folder, "link.yaml");
    await symlink(path, link);
    const file = await readClusterFile(link);
    await writeClusterFile(file, setReplication(file.text, { mode: "sync" }));
    expect((await readClusterFile(path)).spec.replication.mode).toBe("sync");
    expect((await readdir(folder)).toSorted()).toEqual(["link.yaml", "pgrep-kit.yaml"]);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });
});
