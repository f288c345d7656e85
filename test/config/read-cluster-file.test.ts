import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readClusterFile } from "../../src/config/read-cluster-file.ts";
import { OWN_SETTINGS } from "../../src/core/node-configuration.ts";
import { failureOf, file, specOf } from "./texts.ts";

describe("a sound file", () => {
  test("says everything that can be said", () => {
    const spec = specOf(
      file({
        head: 'name: demo\npostgres: "16"\nruntime: docker\nimage: registry.example:5000/team/postgres:16-alpine',
        nodes:
          "\n  - { name: pg1 }\n  - { name: pg2, priority: 10 }\n  - name: pg3\n    upstream: pg2\n    delay: 5min",
        rest: "replication: { mode: quorum, acks: 1, commit: remote_apply, among: [pg1, pg2], on_quorum_lost: block }\nsettings: { shared_buffers: 128MB, jit: off }",
      }),
    );
    expect(spec).toEqual({
      name: "demo",
      postgres: 16,
      runtime: "docker",
      image: "registry.example:5000/team/postgres:16-alpine",
      nodes: [
        { name: "pg1", priority: 0, upstream: null, delayMs: 0 },
        { name: "pg2", priority: 10, upstream: null, delayMs: 0 },
        { name: "pg3", priority: 0, upstream: "pg2", delayMs: 300_000 },
      ],
      replication: { mode: "quorum", acks: 1, commit: "remote_apply", among: ["pg1", "pg2"] },
      settings: { shared_buffers: "128MB", jit: "off" },
    });
  });

  test("may leave out all that has a sensible default", () => {
    const { image, replication, settings } = specOf(file());
    expect({ image, replication, settings }).toEqual({
      image: null,
      replication: { mode: "async", acks: 1, commit: "on", among: null },
      settings: {},
    });
  });

  test("may have sections in which everything is commented out", () => {
    const { replication, settings } = specOf(
      file({ rest: "replication:\n  # mode: sync\nsettings:\n  # jit: off\n" }),
    );
    expect([replication.mode, settings]).toEqual(["async", {}]);
  });

  test("may have Windows line ends and a byte order mark", () => {
    expect(specOf(`\uFEFF${file().replaceAll("\n", "\r\n")}`).nodes).toHaveLength(3);
  });

  test("may be of a version that is newer than this program", () => {
    expect(specOf(file({ head: "name: demo\npostgres: 19\nruntime: docker" })).postgres).toBe(19);
  });
});

describe("an error", () => {
  test("names file, line and column, and what to do", () => {
    const { code, message, detail, hint } = failureOf(
      "name: demo\npostgres: 17\nruntime: docker\nnodes:\n  - { name: pg1 }\n  - { name: pg2 }\n  - { name: pg3 }\nreplication:\n  mode: quorum\n  acks: 3\n",
    );
    expect({ code, message, detail, hint }).toEqual({
      code: "cluster-file-invalid",
      message: "pgrep-kit.yaml:10:9: replication.acks is 3, but only 2 standbys can confirm",
      detail: null,
      hint: "Use 1 or 2, or add a standby.",
    });
  });

  test("tells all that is wrong at once, in the order of the file", () => {
    const { message, detail } = failureOf(
      file({ rest: "settings: { port: 5433 }\nfoo: 1", head: "name: Demo\npostgres: 17\nruntime: podman" }),
    );
    expect(message).toMatch(/^pgrep-kit\.yaml:1:7: the cluster name "Demo"/);
    expect(detail?.split("\n")).toEqual([
      'pgrep-kit.yaml:3:10: runtime must be docker or process, not "podman"',
      "pgrep-kit.yaml:5:13: the setting port belongs to pgrep-kit (pgrep-kit chooses a free one; pgrep-kit uri shows it)",
      'pgrep-kit.yaml:6:1: unknown key "foo" (Known here: name, postgres, runtime, image, nodes, replication, settings)',
    ]);
  });

  test("stays readable where everything is wrong", () => {
    const keys = Array.from({ length: 500 }, (_, i) => `x${i}: 1`).join("\n");
    const { detail } = failureOf(file({ rest: keys }));
    expect(detail?.split("\n")).toHaveLength(21);
    expect(detail).toMatch(/and 479 more$/);
  });

  test("does not hand control characters of the file to the terminal", () => {
    const { message } = failureOf(file({ head: 'name: "\\e[31m\\u202e"\npostgres: 17\nruntime: docker' }));
    expect(message).not.toMatch(/[\p{C}]/u);
  });
});

describe("YAML that is none, or is meant to do harm", () => {
  test.each([
    ["an empty file", "", "the file is empty"],
    ["only comments", "# nothing\n", "the file is empty"],
    ["a list", "- a\n", "must be a map"],
    ["a text", "hello", "must be a map"],
    ["bad indentation", "name: demo\n  postgres: 17\n", "not valid YAML"],
    ["an open quote", 'name: "demo\n', "not valid YAML"],
    ["a tab", "nodes:\n\t- a", "not valid YAML"],
    ["a tag of its own", "name: !!js/function x\n", "not valid YAML"],
    ["two documents", `${file()}---\n${file()}`, "more than one YAML document"],
    ["a list a hundred thousand deep", "[".repeat(100_000), "nested too deeply"],
    ["maps twenty thousand deep", "{a: ".repeat(20_000), "nested too deeply"],
    ["a megabyte", `# ${"x".repeat(1_000_000)}\n${file()}`, "too large"],
  ])("is refused: %s", (_, text, expected) => {
    const { code, message, detail } = failureOf(text);
    expect(code).toBe("cluster-file-invalid");
    expect(`${message}\n${detail}`).toContain(expected);
  });

  test("is refused where aliases multiply it", () => {
    const laughs = Array.from(
      { length: 9 },
      (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`,
    ).join("\n");
    const started = performance.now();
    failureOf(`a0: &a0 lol\n${laughs}\n${file()}`);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test.each([
    ["an anchor", "{ name: &x pg2 }"],
    ["an alias", "{ name: *x }"],
  ])("is refused where it uses %s", (_, node) => {
    const { message } = failureOf(
      file({
        head: "name: demo\npostgres: 17\nruntime: docker\nimage: &x a",
        nodes: `[{ name: pg1 }, ${node}]`,
      }),
    );
    expect(message).toContain("anchor or alias");
  });

  test("is refused where it is not UTF-8", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-test-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, "c.yaml"), Buffer.from([0x6e, 0xff, 0xfe]));
    await expect(readClusterFile(join(folder, "c.yaml"))).rejects.toThrow("not UTF-8");
    await expect(readClusterFile(join(folder, "missing.yaml"))).rejects.toMatchObject({
      code: "cluster-file-missing",
    });
    await expect(readClusterFile(folder)).rejects.toMatchObject({ code: "cluster-file-invalid" });
  });
});

describe("keys", () => {
  test.each([
    ["nmae: demo", "name"],
    ["repliction: {}", "replication"],
    ["Settings: {}", "settings"],
    ["node: []", "nodes"],
  ])("that are misspelt are unknown, and the right one is offered: %s", (line, meant) => {
    const { message, detail, hint } = failureOf(file({ rest: line }));
    expect(`${message} ${detail} ${hint}`).toContain(`Did you mean ${meant}`);
  });

  test("that come twice are refused", () => {
    expect(failureOf(file({ rest: "name: other" })).message).toContain(':5:1: the key "name" is there twice');
    expect(failureOf(file({ rest: "replication: { mode: sync, mode: async }" })).message).toContain(
      'the key "mode" is there twice',
    );
  });

  test.each(["name", "postgres", "runtime", "nodes"])("that are needed are missed: %s", (key) => {
    const without = file()
      .split("\n")
      .filter((line) => !line.startsWith(key));
    expect(failureOf(without.join("\n")).message).toContain(`${key} is missing`);
  });

  test("are not merged in", () => {
    expect(failureOf(file({ rest: "replication:\n  <<: { mode: sync }" })).message).toContain(
      'unknown key "<<"',
    );
  });
});

describe("names", () => {
  const hostile = [
    "",
    "Pg1",
    "1pg",
    "-pg",
    "pg-",
    "pg_1",
    "pg 1",
    "pg'1",
    'pg"1',
    "pg;drop",
    "$(reboot)",
    "`reboot`",
    "pg\\1",
    "../pg",
    "pg/1",
    "pg.1",
    "pg\n1",
    "pg\u00001",
    "pgé",
    "рg1",
    "localhost",
    "a".repeat(41),
  ];
  test.each(hostile)("of a node may not be %j", (name) => {
    const { message } = failureOf(file({ nodes: `[{ name: pg1 }, { name: ${JSON.stringify(name)} }]` }));
    expect(message).toContain("the node name");
  });

  test.each(hostile)("of a cluster may not be %j", (name) => {
    const { message } = failureOf(
      file({ head: `name: ${JSON.stringify(name)}\npostgres: 17\nruntime: docker` }),
    );
    expect(message).toContain("the cluster name");
  });

  test.each(["a", "pg1", "eu-west-2", "a".repeat(40), "on", "any"])("of a node may be %j", (name) => {
    expect(specOf(file({ nodes: `[{ name: ${name} }]` })).nodes[0]?.name).toBe(name);
  });

  test.each(["17", "true", "null", "[a]", "{ a: b }", "~", ""])("are text: %j is none", (value) => {
    expect(failureOf(file({ nodes: `[{ name: ${value} }]` })).message).toMatch(/must be text|has no name/);
  });
});

describe("versions", () => {
  test.each(["14", "13", "9.6", '"12"'])(
    "that have reached their end of life are unsupported: %s",
    (version) => {
      const { code, message, hint } = failureOf(
        file({ head: `name: demo\npostgres: ${version}\nruntime: docker` }),
      );
      expect(code).toBe("unsupported-version");
      expect(message).toMatch(/pgrep-kit\.yaml:2:11: PostgreSQL [\d.]+ is not supported/);
      expect(hint).toContain("end of life");
    },
  );

  test.each(["17.4", "latest", "170004", "-17", "[17]", "17-alpine"])(
    "are major versions: %s is none",
    (version) => {
      const { code, message } = failureOf(
        file({ head: `name: demo\npostgres: ${version}\nruntime: docker` }),
      );
      expect(code).toBe("cluster-file-invalid");
      expect(message).toContain("postgres must be a major version");
    },
  );
});

describe("an image", () => {
  test.each([
    "postgres:17",
    "postgres",
    "ghcr.io/a/b/c:1.2_3-x",
    `postgres@sha256:${"0".repeat(64)}`,
    "localhost:5000/pg",
  ])("may be %s", (image) => {
    expect(specOf(file({ rest: `image: ${image}` })).image).toBe(image);
  });

  test.each(["-v", "a b", "$(x)", "a;b", "a'b", "https://x/y", ""])("may not be %j", (image) => {
    expect(failureOf(file({ rest: `image: ${JSON.stringify(image)}` })).message).toContain(
      "is no name of an image",
    );
  });

  test("means nothing to local processes", () => {
    const { message } = failureOf(
      file({ head: "name: demo\npostgres: 17\nruntime: process", rest: "image: postgres:17" }),
    );
    expect(message).toContain("image means nothing with runtime: process");
  });
});

describe("nodes", () => {
  const wrong = (nodes: string): string => {
    const { message, detail } = failureOf(file({ nodes }));
    return `${message}\n${detail ?? ""}`;
  };

  test("are one to sixteen", () => {
    const many = (count: number): string =>
      `[${Array.from({ length: count }, (_, i) => `{ name: n${i} }`).join(", ")}]`;
    expect(specOf(file({ nodes: many(1) })).nodes).toHaveLength(1);
    expect(specOf(file({ nodes: many(16) })).nodes).toHaveLength(16);
    expect(wrong(many(17))).toContain("more than 16 nodes");
    expect(wrong("[]")).toContain("nodes is empty");
    expect(wrong("")).toContain("nodes must be a list, not nothing");
  });

  test("have names of their own", () => {
    expect(wrong("[{ name: pg1 }, { name: pg2 }, { name: pg1 }]")).toContain("4:47: two nodes are named pg1");
  });

  test.each([
    ["a bare name", "[pg1]", "each node must be a map"],
    ["an unknown key", "[{ name: pg1, prioriti: 3 }]", 'unknown key "prioriti"'],
    ["a key of later days", "[{ name: pg1, host: db1 }]", 'unknown key "host"'],
    ["no name", "[{ priority: 1 }]", "a node has no name"],
    ["a negative priority", "[{ name: pg1, priority: -1 }]", "from 0 to 1000"],
    ["too great a priority", "[{ name: pg1, priority: 1001 }]", "from 0 to 1000"],
    ["half a priority", "[{ name: pg1, priority: 1.5 }]", "from 0 to 1000"],
    ["a priority in words", "[{ name: pg1, priority: high }]", 'not "high"'],
    ["a delay without sense", "[{ name: pg1, delay: soon }]", "delay must be a duration"],
    ["a delay beyond PostgreSQL", "[{ name: pg1, delay: 25d }]", "delay must be a duration"],
    ["a negative delay", "[{ name: pg1, delay: -5 }]", "delay must be a duration"],
  ])("are refused with %s", (_, nodes, expected) => {
    expect(wrong(nodes)).toContain(expected);
  });

  test.each([
    ["250", 250],
    ["30s", 30_000],
    ["1.5h", 5_400_000],
    ["1 d", 86_400_000],
    ["0", 0],
  ])("may replay later, by %s", (delay, delayMs) => {
    expect(specOf(file({ nodes: `[{ name: pg1 }, { name: pg2, delay: ${delay} }]` })).nodes[1]?.delayMs).toBe(
      delayMs,
    );
  });

  test("receive from nodes that exist", () => {
    expect(wrong("[{ name: pg1 }, { name: pg2, upstream: pg9 }]")).toMatch(
      /upstream "pg9" of pg2 is no node/,
    );
    expect(
      failureOf(file({ nodes: "[{ name: pg1 }, { name: pg2 }, { name: pg3, upstream: gp2 }]" })).hint,
    ).toBe("Did you mean pg2?");
  });

  test("do not receive from one another in a circle", () => {
    expect(wrong("[{ name: pg1 }, { name: pg2, upstream: pg2 }]")).toContain("upstream loop: pg2 → pg2");
    const three =
      "[{ name: pg1 }, { name: a, upstream: c }, { name: b, upstream: a }, { name: c, upstream: b }, { name: d, upstream: c }]";
    expect(wrong(three).match(/upstream loop/g)).toHaveLength(1);
    expect(wrong(three)).toContain("upstream loop: a → c → b → a");
    const cascade = "[{ name: pg1 }, { name: a }, { name: b, upstream: a }, { name: c, upstream: b }]";
    expect(specOf(file({ nodes: cascade })).nodes).toHaveLength(4);
  });

  test("begin with the initial primary, which has no upstream", () => {
    expect(wrong("[{ name: pg1, upstream: pg2 }, { name: pg2 }]")).toContain("pg1 is the first node");
  });
});

describe("replication", () => {
  const withReplication = (replication: string, nodes?: string): string =>
    file({ rest: `replication: ${replication}`, ...(nodes === undefined ? {} : { nodes }) });
  const cascaded = "[{ name: pg1 }, { name: pg2 }, { name: pg3, upstream: pg2 }]";

  test.each([
    ["{ mode: quorum, acks: 3 }", undefined, "only 2 standbys can confirm"],
    ["{ mode: sync, acks: 3 }", undefined, "only 2 standbys can confirm"],
    ["{ mode: quorum, acks: 2 }", cascaded, "only 1 standby can confirm"],
    ["{ mode: quorum }", "[{ name: pg1 }]", "no standby can confirm"],
    ["{ mode: quorum, acks: 2, among: [pg1, pg2] }", undefined, "only 1 standby can confirm"],
    ["{ mode: quorum, acks: 1, among: [pg1] }", undefined, "no standby can confirm"],
    ["{ mode: quorum, acks: 3, among: [pg2, pg3] }", undefined, "only 2 standbys can confirm"],
  ])("%s asks for more than there is", (replication, nodes, expected) => {
    expect(failureOf(withReplication(replication, nodes)).message).toContain(expected);
  });

  test.each([
    ["{ mode: quorum, acks: 2 }", undefined],
    ["{ mode: quorum, acks: 1 }", cascaded],
    ["{ mode: quorum, acks: 2, among: [pg2, pg3] }", undefined],
    ["{ mode: quorum, acks: 1, among: [pg1, pg2] }", undefined],
    ["{ mode: async, acks: 5 }", "[{ name: pg1 }]"],
  ])("%s asks for what there is", (replication, nodes) => {
    expect(() => specOf(withReplication(replication, nodes))).not.toThrow();
  });

  test("says which nodes cannot confirm", () => {
    expect(failureOf(withReplication("{ mode: quorum, acks: 2 }", cascaded)).hint).toContain(
      "(pg3) cannot confirm to the primary",
    );
  });

  test.each([
    ["{ mode: quorom }", 'must be async, sync or quorum, not "quorom"'],
    ["{ mode: 1 }", "must be async, sync or quorum, not 1"],
    ["{ acks: 0 }", "must be a whole number from 1"],
    ['{ acks: "1" }', "must be a whole number from 1"],
    ["{ commit: local }", "would wait for no standby"],
    ["{ commit: off }", "would wait for no standby"],
    ["{ commit: flush }", "must be remote_write, on or remote_apply"],
    ["{ on_quorum_lost: async }", "async is not supported yet"],
    ["{ on_quorum_lost: panic }", "must be block or async"],
    ["{ among: [] }", "among is empty"],
    ["{ among: pg2 }", "must be a list"],
    ["{ among: [pg9] }", 'names "pg9", which is no node'],
    ["{ among: [pg2, pg2] }", 'names "pg2" twice'],
    ["{ among: [{ name: pg2 }] }", "must list node names"],
    ["sync", "must be a map"],
  ])("may not be %s", (replication, expected) => {
    expect(failureOf(withReplication(replication)).message).toContain(expected);
  });

  test("is not confirmed by a cascaded standby", () => {
    const { message } = failureOf(withReplication("{ mode: quorum, among: [pg2, pg3] }", cascaded));
    expect(message).toContain("names pg3, which receives from pg2");
  });

  test("takes `true` for the `on` that YAML 1.1 writes so", () => {
    expect(specOf(withReplication("{ commit: true }")).replication.commit).toBe("on");
  });
});

describe("settings", () => {
  const settingsOf = (settings: string): Readonly<Record<string, string>> =>
    specOf(file({ rest: `settings: ${settings}` })).settings;
  const wrong = (settings: string): string => failureOf(file({ rest: `settings: ${settings}` })).message;

  test("are text, numbers as they were written, on and off", () => {
    expect(
      settingsOf(
        '{ a: 128MB, b: 1.50, c: 010, d: on, e: true, f: false, g: "", h: 0x10, i: -1, "x.y": 18446744073709551616 }',
      ),
    ).toEqual({
      a: "128MB",
      b: "1.50",
      c: "10",
      d: "on",
      e: "on",
      f: "off",
      g: "",
      h: "16",
      i: "-1",
      "x.y": "18446744073709551616",
    });
  });

  test("may be dangerous, if PostgreSQL allows it: that is for doctor to warn of", () => {
    expect(settingsOf("{ fsync: off, full_page_writes: off }")).toEqual({
      fsync: "off",
      full_page_writes: "off",
    });
  });

  test("know no upper case", () => {
    expect(settingsOf("{ DateStyle: ISO }")).toEqual({ datestyle: "ISO" });
    expect(wrong("{ jit: on, JIT: off }")).toContain("the setting jit is there twice");
    expect(wrong("{ Synchronous_Commit: off }")).toContain("belongs to pgrep-kit");
  });

  test.each([...OWN_SETTINGS, "recovery_target_action", "pgrep_kit.configuration"])(
    "of pgrep-kit's own are refused: %s",
    (name) => {
      const { message, hint } = failureOf(file({ rest: `settings: { ${name}: 1 }` }));
      expect(message).toContain(`the setting ${name} belongs to pgrep-kit`);
      expect(hint).not.toBeNull();
    },
  );

  test("point to the key that sets what they may not", () => {
    expect(failureOf(file({ rest: "settings: { synchronous_commit: off }" })).hint).toContain(
      "replication.commit",
    );
  });

  test.each([
    "{ a-b: 1 }",
    '{ "a b": 1 }',
    '{ "": 1 }',
    '{ "a;b": 1 }',
    "{ 1: 1 }",
    '{ "a.b.c": 1 }',
    '{ "a\\nport": 1 }',
    "{ ä: 1 }",
  ])("have names that PostgreSQL could know: %s", (settings) => {
    expect(wrong(settings)).toContain("is no name of a PostgreSQL setting");
  });

  test.each(['{ a: "x\\ny" }', '{ a: "x\\0" }', '{ a: "x\\u0085y" }', '{ a: "\\e[0m" }'])(
    "stay on their line: %s",
    (settings) => {
      expect(wrong(settings)).toContain("control character");
    },
  );

  test.each(["{ a: [1] }", "{ a: { b: 1 } }", "{ a: }", "{ a: null }", "{ a: .nan }", "{ a: .inf }"])(
    "have one value: %s",
    (settings) => {
      expect(wrong(settings)).toContain("must be a number, a text, on or off");
    },
  );

  test.each([
    ["{ wal_level: minimal }", "nothing replicates"],
    ["{ max_wal_senders: 0 }", "too few for 3 nodes"],
    ["{ max_replication_slots: 2 }", "too few for 3 nodes"],
    ["{ max_slot_wal_keep_size: -1 }", "sets no limit"],
    ["{ password_encryption: md5 }", "password_encryption"],
  ])("do not take away what the cluster rests on: %s", (settings, expected) => {
    expect(wrong(settings)).toContain(expected);
  });

  test("may change what the cluster rests on within reason", () => {
    expect(() =>
      settingsOf("{ wal_level: logical, max_wal_senders: 3, max_slot_wal_keep_size: 10GB }"),
    ).not.toThrow();
  });
});
