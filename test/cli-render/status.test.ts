import { describe, expect, it } from "vitest";
import { renderStatus } from "../../src/cli/render/status.ts";
import { widthOf } from "../../src/cli/render/style.ts";
import { diagnose } from "../../src/core/diagnose.ts";
import { cluster, proof, type WorldBuilder } from "../core/builders/world.ts";
import { coloured, plain } from "./screen.ts";

function screenOf(world: WorldBuilder, screen = plain(), verbs: ReadonlySet<string> | null = null): string[] {
  const { spec, authority, observation } = world.build();
  const diagnosis = diagnose(spec, authority, observation);
  return renderStatus({ spec, authority, observation, diagnosis, verbs }, screen);
}
const text = (world: WorldBuilder, columns = 100): string => screenOf(world, plain(columns)).join("\n");

const three = (): WorldBuilder =>
  cluster()
    .primary("pg1", "0/5A01C28")
    .standby("pg2", "0/5A01C28", { sender: { replayLagMs: 0.4 } })
    .standby("pg3", "0/5A00F10", { sender: { replayLagMs: 2.1 } });

describe("the status screen", () => {
  it("tells a healthy cluster at a glance", () => {
    expect(text(three().quorum(1), 110)).toBe(
      [
        "demo · PostgreSQL 17.4 · Docker · quorum: 1 of pg2, pg3 confirms each commit · term 1",
        "",
        "  NODE     ROLE      STATE       TL   WAL POSITION   BEHIND           SYNC     SLOT KEEPS   ENDPOINT",
        "  pg1      primary   running      1   0/5A01C28      –                –        –            127.0.0.1:54321",
        "  ├─ pg2   standby   streaming    1   0/5A01C28      0 B     0 ms     quorum   0 B          127.0.0.1:54322",
        "  └─ pg3   standby   streaming    1   0/5A00F10      3.3 kB  2.1 ms   quorum   3.3 kB       127.0.0.1:54323",
        "",
        "✓ Healthy.",
        "  If pg1 died now, a failover to pg2 would lose no confirmed commit: 2 reached + 1 confirms > 2 listed.",
      ].join("\n"),
    );
  });

  it("tells a lost primary, what a failover would lose, and the next command", () => {
    expect(screenOf(three().quorum(1).down("pg1")).slice(-3)).toEqual([
      "✗ Primary lost: pg1 ended (killed) 12 s ago.",
      "  A failover to pg2 would lose no confirmed commit: 2 reached + 1 confirms > 2 listed.",
      "  Next: pgrep-kit failover          (or --dry-run to see each step)",
    ]);
  });

  it("shows cascades as a tree, at every depth", () => {
    const world = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5000", { upstream: "pg2" })
      .standby("pg4", "0/5000", { upstream: "pg3" })
      .standby("pg5", "0/5000");
    const names = screenOf(world)
      .slice(3, 8)
      .map((line) => line.replace(/ +(primary|standby) .*/, ""));
    expect(names).toEqual(["  pg1", "  ├─ pg2", "  │  └─ pg3", "  │     └─ pg4", "  └─ pg5"]);
  });

  it("loses columns from the right on a narrow terminal, and never wraps the table", () => {
    for (const columns of [40, 60, 80, 100, 120]) {
      const table = screenOf(three().quorum(1), plain(columns)).filter(
        (line) => line.startsWith("  ") && !line.startsWith("    "),
      );
      for (const line of table.slice(0, 4)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
    expect(text(three(), 120)).toContain("ENDPOINT");
    expect(text(three(), 80)).not.toContain("ENDPOINT");
    expect(text(three(), 80)).toContain("BEHIND");
  });

  it("wraps the words below the table", () => {
    for (const line of screenOf(three().quorum(1), plain(60))) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });

  it("does not take a paused replay for a short lag", () => {
    const paused = cluster()
      .primary("pg1", "0/5000000")
      .standby("pg2", "0/5000000", {
        replayed: "0/4000000",
        replayPaused: true,
        sender: { replayLagMs: 8.8 },
      });
    expect(text(paused)).toMatch(/pg2 +standby +replay paused +1 +0\/5000000 +16 MB +–/);
    expect(text(paused)).not.toContain("8.8 ms");
    expect(text(paused)).toContain(
      "! Degraded: pg2 receives, but its replay is paused (not by pgrep-kit); it is 16 MB behind.",
    );
    expect(text(paused)).toContain("Next: pgrep-kit psql --node pg2 -c 'select pg_wal_replay_resume()'");
  });

  it("says of a silent standby that it is behind for at least as long", () => {
    const silent = cluster()
      .primary("pg1", "0/5000")
      .standby("pg2", "0/4000", { sender: { repliedAgoMs: 41_000, replayLagMs: 1 } });
    expect(text(silent)).toContain("≥ 41 s");
    expect(text(silent)).toContain("pg2 has not confirmed anything for 41 s");
  });

  it("says in a split brain who may hold what, and who follows whom", () => {
    const world = cluster()
      .forks("0/4800")
      .primary("pg2", "0/6000")
      .standby("pg3", "0/6000")
      .primary("pg1", "0/5000", { timeline: 1, forks: [] });
    const lines = text(world);
    expect(lines).toContain(
      "✗ Split brain: pg1 accepts writes on timeline 1 without authority (term 2 belongs to pg2, timeline\n    2).",
    );
    expect(lines).toContain("  pg1 may hold writes that pg2 does not. Nothing follows pg1.");
    expect(lines).toContain("  Next: pgrep-kit fence pg1          (then pgrep-kit divergence pg1)");
  });

  it("suggests only what this version can do", () => {
    const world = three().quorum(1).down("pg1");
    expect(screenOf(world, plain(), new Set(["up"])).at(-1)).toBe(
      "  Next: pgrep-kit up          (starts it again)",
    );
    expect(screenOf(world, plain(), new Set()).at(-1)).not.toContain("Next");
  });

  it("says in async mode that only luck would save the commits, and else how much is at stake", () => {
    expect(text(three())).toContain("a failover to pg2 would by luck lose nothing, but commits wait for no");
    const behind = cluster().primary("pg1", "0/5A01C28").standby("pg2", "0/5A00F10");
    expect(text(behind, 120)).toContain("would lose up to 3.3 kB: commits wait for no standby.");
    expect(text(behind.down("pg1"), 140)).toContain(
      "would lose what pg1 had not sent, and nobody knows how much",
    );
  });

  it("never speaks of an unreachable primary as dead", () => {
    const lines = text(three().quorum(1).unreachable("pg1", "connection refused"), 120);
    expect(lines).toContain(
      "✗ Unknown: pg1 does not answer (connection refused), which proves nothing about it.",
    );
    expect(lines).toContain("If pg1 is gone, a failover to pg2");
  });

  it("says why a failover would be refused, and what accepting the loss would cost", () => {
    expect(text(three().quorum(1).down("pg3"), 200)).toContain(
      "If pg1 died now, a failover would be refused: 1 reached + 1 confirms is not more than 2 listed. pg2 has received all that was seen flushed.",
    );
    const behind = cluster()
      .primary("pg1", "0/5400")
      .standby("pg2", "0/5000")
      .standby("pg3", "0/5000")
      .quorum(1)
      .down("pg3");
    expect(text(behind, 200)).toContain("With pg2 it could lose up to 1 kB.");
  });

  it("tells one sum once, though an old and a new rule fail by it", () => {
    const { authority } = three().quorum(1).build();
    if (authority.rule === null) throw new Error("a rule is demanded");
    const { rule } = authority;
    const changing = three()
      .quorum(1)
      .proofs(proof({ ...rule, commit: "remote_apply" }, "0/1000"), proof(rule, "0/1000"));
    expect(text(changing.down("pg3"), 200).split("is not more than")).toHaveLength(2);
    expect(text(changing, 200).split("> 2 listed")).toHaveLength(2);
  });

  it("keeps a command on one line, and puts a long remark below it", () => {
    const apart = cluster().forks("0/3000").primary("pg1", "0/5000");
    const world = apart.standby("pg3", "0/4000", { timeline: 1, forks: [] });
    const verbs = new Set(["remove-standby"]);
    expect(screenOf(world, plain(100), verbs).slice(-3)).toEqual([
      "  Next: pgrep-kit remove-standby pg3",
      "        (once you are sure that nobody needs what only it holds; then pgrep-kit add-standby pg3: a",
      "        fresh copy)",
    ]);
    expect(screenOf(world, plain(200), verbs).at(-1)).toMatch(/^ {2}Next: pgrep-kit .* {10}\(once .*copy\)$/);
  });

  it("has few words for a cluster that was shut down, or never made", () => {
    const down = three()
      .down("pg1", { clean: true })
      .down("pg2", { clean: true })
      .down("pg3", { clean: true });
    expect(screenOf(down).slice(-2)).toEqual(["! Stopped.", "  Next: pgrep-kit up"]);
    const none = three().absent("pg1").absent("pg2").absent("pg3").authority({ systemIdentifier: null });
    expect(screenOf(none).slice(-2)).toEqual(["! Nothing is made yet.", "  Next: pgrep-kit up"]);
  });

  it("keeps the other findings to a few lines", () => {
    const many = ["pg2", "pg3", "pg4", "pg5", "pg6", "pg7", "pg8"].reduce(
      (world, name) => world.unreachable(name),
      cluster().primary("pg1", "0/5000"),
    );
    const lines = screenOf(many);
    expect(lines.filter((line) => line.startsWith("  Also: "))).toHaveLength(4);
    expect(lines).toContain("  And 2 more: pgrep-kit status -o json");
  });

  it.each([
    ["stopped", three().down("pg3", { clean: true })],
    ["crashed", three().down("pg3")],
    ["frozen", three().paused("pg3")],
    ["unreachable", three().unreachable("pg3")],
    ["missing", three().absent("pg3")],
    ["half copied", three().absent("pg3", { debris: true })],
    ["disconnected", cluster().primary("pg1", "0/5000").standby("pg3", "0/5000", { receiver: false })],
    [
      "diverged",
      cluster().forks("0/3000").primary("pg1", "0/5000").standby("pg3", "0/4000", { timeline: 1, forks: [] }),
    ],
    [
      "stopped, diverged",
      cluster()
        .forks("0/3000")
        .primary("pg1", "0/5000")
        .down("pg3", { clean: true, timeline: 1, checkpoint: "0/4000" }),
    ],
    ["split brain", cluster().primary("pg1", "0/5000").primary("pg3", "0/5000")],
    ["foreign data", cluster().primary("pg1", "0/5000").standby("pg3", "0/5000", { systemIdentifier: "42" })],
    [
      "streaming, not in file",
      cluster().primary("pg1", "0/5000").standby("pg3", "0/5000", { notInFile: true }),
    ],
    ["delayed", cluster().primary("pg1", "0/5000").standby("pg3", "0/5000", { delayMs: 1000 })],
  ] as const)("has a look of its own for a node that is %s", (word, world) => {
    const row = screenOf(world, plain(120)).find((line) => /^ +(?:[├└│]─? ?)*pg3 /.test(line));
    expect(row).toMatch(new RegExp(` ${word} {2,}`));
  });

  it("shows the state of a slot where it matters", () => {
    const slot = (walStatus: string): WorldBuilder =>
      cluster().primary("pg1", "0/5000").standby("pg2", "0/4000", { slot: { walStatus } });
    expect(text(slot("unreserved"))).toContain("4 kB, unreserved");
    expect(text(slot("lost"))).toMatch(/ lost +127/);
    expect(text(slot("extended"))).toMatch(/ 4 kB +127/);
  });

  it("says the same without colour as with it", () => {
    for (const world of [
      three().quorum(1),
      three().down("pg1"),
      three().standby("pg9", "0/5000", { notInFile: true }),
    ]) {
      const bare = screenOf(world, coloured()).map((line) => line.replace(/\u001b\[[0-9;]*m/g, ""));
      expect(bare).toEqual(screenOf(world, plain()));
    }
  });

  it("strikes out a node that is not in the file", () => {
    const lines = screenOf(three().standby("pg9", "0/5000", { notInFile: true }), coloured()).join("\n");
    expect(lines).toContain("\u001b[9mpg9\u001b[29m");
  });

  it.each([
    [three(), "async: commits wait for no standby"],
    [three().quorum(1), "quorum: 1 of pg2, pg3 confirms each commit"],
    [three().quorum(2), "quorum: pg2, pg3 confirm each commit"],
    [three().sync(1), "sync: the first of pg2, pg3 confirms each commit"],
    [three().standby("pg4", "0/5000").sync(2), "sync: the first 2 of pg2, pg3, pg4 confirm each commit"],
    [
      three().quorum(1, { commit: "remote_apply" }),
      "quorum: 1 of pg2, pg3 confirms each commit (remote_apply)",
    ],
  ])("says in the header what commits wait for", (world, words) => {
    expect(screenOf(world)[0]).toContain(` · ${words} · `);
  });
});
