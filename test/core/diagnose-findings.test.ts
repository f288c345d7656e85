import { describe, expect, it } from "vitest";
import { diagnose } from "../../src/core/diagnose.ts";
import { FINDING_CODES, type Finding, type FindingCode } from "../../src/core/diagnose/finding.ts";
import { nextSteps } from "../../src/core/diagnose/next-steps.ts";
import { TOKEN_SETTING } from "../../src/core/node-configuration.ts";
import { cluster, proof, type WorldBuilder } from "./builders/world.ts";

type Options = Parameters<WorldBuilder["standby"]>[2];

const pair = (primary: Options = {}, standby: Options = {}): WorldBuilder =>
  cluster().primary("pg1", "0/5000", primary).standby("pg2", "0/5000", standby);
const configured = (configuration: NonNullable<Options>["configuration"]): Options =>
  configuration === undefined ? {} : { configuration };

function findings(world: WorldBuilder): readonly Finding[] {
  const { spec, authority, observation } = world.build();
  return diagnose(spec, authority, observation).findings;
}

const codes = (world: WorldBuilder): FindingCode[] => findings(world).map((one) => one.code);

const oneOf = (): { readonly rule: Parameters<typeof proof>[0] } => {
  const { authority } = pair().quorum(1).build();
  if (authority.rule === null) throw new Error("a rule is demanded");
  return { rule: authority.rule };
};

/** For each code a world in which it fires, and one that is as near as can be in which it does not. */
const CASES: Readonly<Partial<Record<FindingCode, readonly [fires: WorldBuilder, nearMiss: WorldBuilder]>>> =
  {
    "split-brain": [cluster().primary("pg1", "0/5000").primary("pg2", "0/5000"), pair()],
    "foreign-data": [pair({}, { systemIdentifier: "42" }), pair()],
    "primary-behind": [
      cluster().primary("pg1", "0/5000").standby("pg2", "0/5001"),
      cluster().primary("pg1", "0/5001").standby("pg2", "0/5000"),
    ],
    "primary-lost": [pair().down("pg1"), pair().unreachable("pg1")],
    "primary-in-recovery": [
      cluster().standby("pg1", "0/5000", { follows: null }).authority({ primary: "pg1" }),
      pair(),
    ],
    "primary-unseen": [pair().paused("pg1"), pair().down("pg1")],
    "primary-starting": [pair().starting("pg1"), pair()],
    "primary-not-in-file": [pair({ notInFile: true }), pair()],
    "proof-void": [
      pair(configured({ synchronousStandbyNames: "", synchronousCommit: "on" })).quorum(1),
      pair(configured({ synchronousStandbyNames: "", synchronousCommit: "on" }))
        .quorum(1)
        .pending(),
    ],
    "commit-settings-changed": [pair(configured({ synchronousStandbyNames: "ANY 1 (pg2)" })), pair()],
    "commits-blocked": [pair({}, { receiver: false }).quorum(1), pair({}, { receiver: false })],
    diverged: [
      cluster().forks("0/3000").primary("pg1", "0/5000").standby("pg2", "0/3001", { timeline: 1, forks: [] }),
      cluster().forks("0/3000").primary("pg1", "0/5000").standby("pg2", "0/3000", { timeline: 1, forks: [] }),
    ],
    "slot-lost": [pair({}, { slot: { walStatus: "lost" } }), pair({}, { slot: { walStatus: "extended" } })],
    "slot-unreserved": [
      pair({}, { slot: { walStatus: "unreserved" } }),
      pair({}, { slot: { walStatus: "extended" } }),
    ],
    "slot-missing": [pair({}, { slot: null }), pair().down("pg2")],
    "slot-orphaned": [
      pair({ extraSlots: [{ name: "pg7", retainedBytes: 4096 }] }),
      pair({ extraSlots: [{ name: "pg_receivewal", active: true }] }),
    ],
    "standby-stopped": [pair().down("pg2"), pair().unreachable("pg2")],
    "standby-starting": [pair().starting("pg2"), pair()],
    "standby-frozen": [pair().paused("pg2"), pair().down("pg2")],
    "standby-unreachable": [pair().unreachable("pg2"), pair().down("pg2")],
    "standby-missing": [pair().absent("pg2"), pair().absent("pg2", { debris: true })],
    "standby-half-copied": [pair().absent("pg2", { debris: true }), pair().absent("pg2")],
    "standby-disconnected": [pair({}, { receiver: false }), pair()],
    "standby-catching-up": [pair({}, { sender: { state: "catchup" } }), pair()],
    "standby-silent": [
      pair({}, { sender: { repliedAgoMs: 41_000 } }),
      pair({}, { sender: { repliedAgoMs: 4000 } }),
    ],
    "replay-paused": [pair({}, { replayPaused: true }), pair({}, { replayed: "0/4000" })],
    "wrong-upstream": [
      pair().standby("pg3", "0/5000", { follows: "pg2" }),
      pair().standby("pg3", "0/5000", { upstream: "pg2" }),
    ],
    behind: [
      cluster().primary("pg1", "0/2000000").standby("pg2", "0/1000000"),
      cluster().primary("pg1", "0/2000000").standby("pg2", "0/1000001"),
    ],
    delayed: [pair({}, { delayMs: 60_000 }), pair()],
    "not-in-file": [pair().standby("pg9", "0/5000", { notInFile: true }), pair().standby("pg9", "0/5000")],
    "not-prepared": [pair({ prepared: false }), pair({}, { prepared: false })],
    "settings-not-written": [
      pair({}, configured({ file: { [TOKEN_SETTING]: "old" } })),
      pair().spec({ settings: { shared_buffers: "1GB" } }),
    ],
    "settings-not-loaded": [pair({}, configured({ loaded: "old" })), pair()],
    "settings-overridden": [
      pair(configured({ overrides: { synchronous_standby_names: "*" } })),
      pair(configured({ overrides: {} })),
    ],
    "restart-pending": [pair(configured({ pendingRestart: ["shared_buffers"] })), pair()],
    "mode-not-applied": [pair().fileAsks({ mode: "quorum" }), pair().quorum(1)],
    "proof-pending": [pair().quorum(1).pending(), pair().quorum(1).proved()],
    "proof-changing": [
      pair()
        .quorum(1)
        .proofs(proof({ ...oneOf().rule, listed: ["pg1", "pg2", "pg3"] }, "0/1000"), proof(oneOf().rule)),
      pair().quorum(1),
    ],
    "unknown-receiver": [
      pair({ extraSenders: [{ applicationName: "walreceiver" }] }),
      pair({ extraSenders: [{ applicationName: "pg_basebackup", state: "backup" }] }),
    ],
  };

describe("findings", () => {
  it.each(Object.entries(CASES))("%s fires, and its near miss does not", (code, [fires, nearMiss]) => {
    expect(codes(fires)).toContain(code);
    expect(codes(nearMiss)).not.toContain(code);
  });

  it("has a case for every code", () => {
    const elsewhere: readonly FindingCode[] = ["no-authority", "settings-changed"];
    expect(FINDING_CODES.filter((code) => CASES[code] === undefined)).toEqual(elsewhere);
  });

  it("settings-changed fires for a file that was edited on the node, although its token is right", () => {
    const { spec, authority, observation } = pair().build();
    const pg2 = observation.nodes["pg2"];
    if (pg2?.kind !== "standby") throw new Error("it is a standby");
    const file = { ...pg2.configuration.file, max_wal_senders: "1" };
    const edited = { ...pg2, configuration: { ...pg2.configuration, file } };
    const found = diagnose(spec, authority, { ...observation, nodes: { ...observation.nodes, pg2: edited } });
    expect(found.findings.map((one) => one.code)).toEqual(["settings-changed"]);
  });

  it("writes messages without a full stop, a colour or a line break", () => {
    for (const [fires] of Object.values(CASES)) {
      for (const { message } of findings(fires)) expect(message).toMatch(/^[^\n\u001b]+[^.\n]$/);
    }
  });

  it("puts the gravest first", () => {
    const world = pair({}, { receiver: false }).quorum(1);
    expect(findings(world).map((one) => one.severity)).toEqual(["error", "warning"]);
    expect(codes(world)).toEqual(["commits-blocked", "standby-disconnected"]);
  });

  it("tells of a standby without a receiver as a consequence only, where its upstream is down", () => {
    const found = findings(pair().down("pg1"));
    expect(found.map(({ code, severity }) => [code, severity])).toEqual([
      ["primary-lost", "error"],
      ["standby-disconnected", "note"],
    ]);
  });

  it("says that a slow apply blocks commits under remote_apply, and not under on", () => {
    const paused = pair({}, { replayPaused: true });
    expect(codes(paused.quorum(1, { commit: "remote_apply" }))).toContain("commits-blocked");
    expect(codes(paused.quorum(1))).not.toContain("commits-blocked");
  });

  it("says with a stronger commit level, too, that the proved rule is not the one in force", () => {
    const world = pair(configured({ synchronousCommit: "off" })).quorum(1);
    expect(findings(world)[0]).toMatchObject({
      code: "proof-void",
      severity: "error",
      facts: { synchronousCommit: "off" },
    });
  });

  it("does not call the proof void while a change from the proved rule is under way", () => {
    const { rule } = oneOf();
    const next = { ...rule, acks: 2 };
    const world = pair().quorum(1).authority({ rule: next }).proofs(proof(rule, "0/1000"), proof(next));
    const { spec, authority, observation } = world.build();
    const pg1 = observation.nodes["pg1"];
    if (pg1?.kind !== "primary") throw new Error("it is the primary");
    // The nodes still run by the old rule.
    const configuration = { ...pg1.configuration, synchronousStandbyNames: "ANY 1 (pg1, pg2)" };
    const nodes = { ...observation.nodes, pg1: { ...pg1, configuration } };
    expect(
      diagnose(spec, authority, { ...observation, nodes }).findings.map((one) => one.code),
    ).not.toContain("proof-void");
  });

  it("claims nothing of where a stopped node's timeline began", () => {
    const promoted = pair().down("pg2", { clean: true, timeline: 2, standbySignal: false });
    expect(findings(promoted).map((one) => one.message)).toEqual([
      "pg2 holds WAL that is no part of pg1's history: it is on timeline 2, and where that began is not known",
      "pg2 has been stopped for 12 s; it has no standby.signal and would start as a second primary",
    ]);
  });

  it("names who reads the primary's exit", () => {
    const world = pair().down("pg1", { exitCode: 137, stoppedAtMs: null });
    expect(findings(world)[0]?.message).toBe("pg1 ended (killed)");
    expect(findings(pair().down("pg1", { exitCode: 1 }))[0]?.message).toBe(
      "pg1 ended (exit code 1) 12 s ago",
    );
    expect(findings(pair().down("pg1", { clean: true }))[0]?.message).toBe("pg1 was shut down 12 s ago");
  });
});

describe("the next thing to type", () => {
  const firstCommand = (world: WorldBuilder): string | null => {
    const { spec, authority, observation } = world.build();
    return diagnose(spec, authority, observation).next[0]?.command ?? null;
  };

  it("resumes a paused replay", () => {
    expect(firstCommand(pair({}, { replayPaused: true }))).toBe(
      "pgrep-kit psql --node pg2 -c 'select pg_wal_replay_resume()'",
    );
  });

  it("is a failover only where it is proved to lose nothing; else the old primary is brought back", () => {
    expect(firstCommand(pair().quorum(1).down("pg1"))).toBe("pgrep-kit failover");
    expect(firstCommand(pair().down("pg1"))).toBe("pgrep-kit up");
  });

  it("never lets an empty server take the place of a lost primary", () => {
    expect(firstCommand(pair().absent("pg1"))).toBe("pgrep-kit failover --dry-run");
  });

  it("has an answer to every finding that is more than a note", () => {
    for (const [code, [fires]] of Object.entries(CASES)) {
      const { spec, authority, observation } = fires.build();
      const { outlook, findings: found } = diagnose(spec, authority, observation);
      const situation = { spec, observation, findings: found, outlook };
      const one = found.find((finding) => finding.code === code);
      if (one === undefined || one.severity === "note") continue;
      expect(nextSteps(situation, [one]), code).not.toEqual([]);
    }
  });

  const local = (world: WorldBuilder): WorldBuilder => world.spec({ runtime: "process" });

  it("lets a frozen node go on, be it a container or processes, the primary or a standby", () => {
    for (const node of ["pg1", "pg2"]) {
      const frozen = pair().paused(node, [4711, 4712]);
      expect(firstCommand(frozen)).toBe(`docker unpause pgrep-kit-demo-${node}`);
      expect(firstCommand(local(frozen))).toBe("kill -CONT 4711 4712");
    }
    expect(firstCommand(local(pair().paused("pg2")))).toBeNull();
    expect(firstCommand(pair().unreachable("pg1"))).toBe("pgrep-kit logs pg1");
  });

  it("lets a frozen standby go on before a rule is proved, which up would refuse, and up proves it else", () => {
    const three = pair().standby("pg3", "0/5000").quorum(1).pending();
    expect(firstCommand(three.paused("pg3"))).toBe("docker unpause pgrep-kit-demo-pg3");
    expect(firstCommand(three)).toBe("pgrep-kit up");
  });

  it("sees that commits wait for frozen standbys, whose connections seem to live", () => {
    const three = pair().standby("pg3", "0/5000").quorum(1);
    expect(codes(three.paused("pg3"))).not.toContain("commits-blocked");
    const blocked = three.paused("pg2").paused("pg3");
    expect(codes(blocked)[0]).toBe("commits-blocked");
    expect(firstCommand(blocked)).toBe("docker unpause pgrep-kit-demo-pg2");
  });

  it("stops a second writer by a command of the host", () => {
    const two = cluster().primary("pg1", "0/5000").primary("pg2", "0/5000");
    const typed = (world: WorldBuilder): string | null | undefined => {
      const { spec, authority, observation } = world.build();
      return diagnose(spec, authority, observation).next[1]?.command;
    };
    expect(typed(two)).toBe("docker stop pgrep-kit-demo-pg2");
    expect(typed(local(two))).toBe("kill -INT $(head -n 1 /node/data/postmaster.pid)");
  });

  it("restarts one node where one waits, and all in their order where the primary is among several", () => {
    const waits = configured({ pendingRestart: ["max_connections"] });
    const restart = (primary: Options, ...standbys: Options[]): string | null =>
      firstCommand(
        standbys.reduce<WorldBuilder>(
          (world, options, place) => world.standby(`pg${place + 2}`, "0/5000", options),
          cluster().primary("pg1", "0/5000", primary),
        ),
      );
    expect(restart(waits, {}, {})).toBe("pgrep-kit restart pg1");
    expect(restart({}, waits, {})).toBe("pgrep-kit restart pg2");
    expect(restart(waits, waits, {})).toBe("pgrep-kit restart");
    // Writes need not be interrupted for the standbys' sake.
    expect(restart({}, waits, waits)).toBe("pgrep-kit restart pg2");
  });

  it("says of what is deleted that only it may hold something, and of a lost slot's standby not", () => {
    const step = (world: WorldBuilder) => {
      const { spec, authority, observation } = world.build();
      return diagnose(spec, authority, observation).next.find((one) => one.verb === "remove-standby");
    };
    const needed = /^once you are sure that nobody needs what only it holds$/;
    const [diverged] = CASES.diverged ?? [pair()];
    expect(step(diverged)?.once).toMatch(needed);
    expect(step(pair().down("pg2", { standbySignal: false }))?.once).toMatch(needed);
    expect(step(pair({}, { slot: { walStatus: "lost" } }))).toMatchObject({
      command: "pgrep-kit remove-standby pg2",
    });
    expect(step(pair({}, { slot: { walStatus: "lost" } }))?.once).toBeUndefined();
  });
});
