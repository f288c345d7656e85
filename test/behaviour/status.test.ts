// One cluster, broken in one way after another and mended again: what `status` says of it, and that its advice works.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type StatusJson, type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

let demo: TestCluster;
let host: NodeHost;
beforeAll(async () => {
  demo = await startCluster({ nodes: 3 });
  host = await demo.host();
});
afterAll(async () => {
  await host?.close();
  await demo?.[Symbol.asyncDispose]();
});

interface Node {
  readonly name: string;
  readonly state: string;
  readonly role: string;
  readonly lag: {
    readonly slot: { readonly retainedBytes: number; readonly walStatus: string | null } | null;
  } | null;
}

const nodeOf = (status: StatusJson, name: string): Node =>
  status.nodes.find((node) => node.name === name) as unknown as Node;
const codes = (status: StatusJson): string[] => status.findings.map((one) => one.code);
const screen = async (): Promise<string> => (await demo.cli("status")).stdout;

/** Types what the screen tells to do next. */
async function followAdvice(text: string): Promise<void> {
  const typed = /Next: pgrep-kit (.*?)(?: {2,}\(.*)?$/m.exec(text)?.[1];
  if (typed === undefined) throw new Error(`no advice in\n${text}`);
  const words = [...typed.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  await demo.ok(...words);
}

async function healthy(): Promise<StatusJson> {
  return eventually("a healthy cluster", async () => {
    const status = await demo.status();
    return status.verdict === "healthy" && status;
  });
}

async function writeWal(bytes: number): Promise<void> {
  await demo.sql("pg1", "SELECT pg_logical_emit_message(false, 'test', repeat('x', $1::int))", [bytes]);
}

test("a healthy cluster is one table, one verdict, and what a failover would lose", async () => {
  const status = await healthy();
  expect(status).toMatchObject({
    version: 1,
    primary: "pg1",
    term: 1,
    runtime: host.kind,
    commit: { mode: "async", proof: "none" },
  });
  expect(status.nodes.map(({ name, role, state }) => `${name} ${role} ${state}`)).toEqual([
    "pg1 primary running",
    "pg2 standby streaming",
    "pg3 standby streaming",
  ]);
  expect(status.findings).toEqual([]);
  expect(status["outlook"]).toMatchObject({ kind: "lossy" });
  const { code, stdout } = await demo.ok("status");
  expect(code).toBe(0);
  expect(stdout).toMatch(/├─ pg2 +standby +streaming +1 +0\/[0-9A-F]+ +0 B/);
  expect(stdout).toMatch(
    /✓ Healthy\. If pg1 died now, a failover to pg[23] would .*commits wait for no standby/,
  );
});

test("in quorum the arithmetic of a failover is shown, with as many standbys as confirm", async () => {
  await demo.ok("mode", "quorum");
  expect((await demo.status())["outlook"]).toMatchObject({ kind: "proved", boundBytes: 0 });
  expect(await screen()).toContain("would lose no confirmed commit: 2 reached + 1 confirms > 2 listed.");
});

test("a paused replay is named, and its advice lets it go on", async () => {
  await demo.sql("pg2", "SELECT pg_wal_replay_pause()");
  await writeWal(3_000_000);
  const status = await demo.status();
  expect(status.verdict).toBe("degraded");
  expect(nodeOf(status, "pg2").state).toBe("replay-paused");
  const { code, stdout } = await demo.cli("status");
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /! Degraded: pg2 receives, but its replay is paused \(not by pgrep-kit\); it is \d\.\d MB behind/,
  );
  await followAdvice(stdout);
  await healthy();
});

describe("a standby that is away", () => {
  test("stopped: it is named, its slot keeps WAL for it, and up brings it back", async () => {
    await host.stop("pg3", 20_000);
    await writeWal(5_000_000);
    const status = await demo.status();
    expect(nodeOf(status, "pg3")).toMatchObject({ role: "standby", state: "stopped" });
    expect(codes(status)).toContain("standby-stopped");
    expect(nodeOf(status, "pg3").lag?.slot?.retainedBytes).toBeGreaterThan(5_000_000);
    const text = await screen();
    expect(text).toMatch(/pg3 +standby +stopped .* \d+(\.\d)? MB +–$/m);
    // One of two listed is reached, and one confirms: that is no proof any more.
    expect(text).toMatch(/a failover would be refused: 1 reached \+ 1 confirms is not more than 2 listed/);
    await followAdvice(text);
    await eventually("its slot to be released", async () => {
      const slot = nodeOf(await healthy(), "pg3").lag?.slot;
      return slot !== null && slot !== undefined && slot.retainedBytes < 1_000_000;
    });
  });

  test("killed: it is told from one that was shut down", async () => {
    await host.kill("pg3");
    const status = await eventually("the kill to be seen", async () => {
      const status = await demo.status();
      return nodeOf(status, "pg3").state === "crashed" && status;
    });
    expect(status.verdict).toBe("degraded");
    expect(await screen()).toMatch(/pg3 has been stopped.*, without a clean shutdown/);
    await demo.ok("up");
    await healthy();
  });

  test("frozen: it is not taken for stopped", async () => {
    await host.pause("pg3");
    const status = await demo.status();
    expect(nodeOf(status, "pg3").state).toBe("frozen");
    expect(codes(status)).toContain("standby-frozen");
    expect(codes(status)).not.toContain("standby-stopped");
    await host.resume("pg3");
    await healthy();
  });

  test("both: every commit waits, and that is the gravest news", async () => {
    await Promise.all(["pg2", "pg3"].map((node) => host.stop(node, 20_000)));
    const status = await demo.status();
    expect(status.findings[0]?.code).toBe("commits-blocked");
    await demo.ok("up");
    await healthy();
  });
});

describe("the primary", () => {
  test("killed: it is lost, a failover would lose nothing, and up starts it again", async () => {
    await host.kill("pg1");
    const status = await eventually("the primary to be lost", async () => {
      const status = await demo.status();
      return status.verdict === "primary-lost" && status;
    });
    expect(status.primary).toBe("pg1");
    expect(nodeOf(status, "pg1").state).toBe("crashed");
    const { code, stdout } = await demo.cli("status");
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ Primary lost: pg1 ended/);
    expect(stdout).toMatch(/A failover to pg[23] would lose no confirmed commit/);
    await followAdvice(stdout);
    await healthy();
  });

  test("frozen: nobody calls it dead, because it may wake up at any moment", async () => {
    await host.pause("pg1");
    try {
      const { code, stdout } = await demo.cli("status");
      expect(code).toBe(1);
      expect(stdout).toMatch(/✗ Unknown: pg1 is frozen/);
      expect(stdout).not.toMatch(/dead|lost:|stopped/);
      const status = await demo.status();
      expect(status.verdict).toBe("unknown");
      expect(nodeOf(status, "pg1")).toMatchObject({ role: "primary", state: "frozen" });
      const refused = await demo.cli("up");
      expect(refused.code).toBe(3);
      expect(refused.stderr).toContain("[primary-unseen]");
    } finally {
      await host.resume("pg1");
    }
    await healthy();
  });
});

test("a cluster that was shut down is just that, and up is the advice", async () => {
  await demo.ok("down");
  const status = await demo.status();
  expect(status.verdict).toBe("stopped");
  expect(status.findings).toEqual([]);
  await followAdvice(await screen());
  await healthy();
});

test("a node that was struck out of the file is still shown, and is not touched", async () => {
  const text = await demo.readFile("pgrep-kit.yaml");
  await demo.writeFile("pgrep-kit.yaml", text.replace(/\n.*name: pg3.*/, ""));
  const status = await demo.status();
  expect(codes(status)).toContain("not-in-file");
  expect(nodeOf(status, "pg3")).toMatchObject({ inFile: false, state: "streaming" });
  expect(await screen()).toMatch(/pg3 +standby +streaming, not in file/);
  await demo.writeFile("pgrep-kit.yaml", text);
  await healthy();
});

test("a slot that was lost is named with its standby, refused by up, and mended by its advice", async () => {
  const text = await demo.readFile("pgrep-kit.yaml");
  const small = "\nsettings:\n  max_slot_wal_keep_size: 16MB\n  wal_keep_size: 0\n";
  await demo.writeFile("pgrep-kit.yaml", text.replace(/\nsettings:[^]*$/, small));
  await demo.ok("up");
  await host.stop("pg3", 20_000);
  for (let segment = 0; segment < 4; segment++) {
    await writeWal(1000);
    await demo.sql("pg1", "SELECT pg_switch_wal()");
  }
  await demo.sql("pg1", "CHECKPOINT");
  const status = await demo.status();
  expect(nodeOf(status, "pg3").lag?.slot?.walStatus).toBe("lost");
  expect(codes(status)[0]).toBe("slot-lost");
  const lost = await screen();
  expect(lost).toMatch(/pg3 needs WAL that is gone/);
  expect(lost).toMatch(/pg3 +standby +stopped .* lost /);
  const refused = await demo.cli("up");
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("[wal-removed]");
  // A new rule that needs it could not be proved: that is said at once, and not waited for.
  await demo.writeFile(
    "pgrep-kit.yaml",
    (await demo.readFile("pgrep-kit.yaml")).replace("mode: quorum", "mode: sync"),
  );
  const unproved = await demo.cli("up");
  expect(unproved.code).toBe(3);
  expect(unproved.stderr).toContain("[wal-removed]");
  expect((await demo.status())["commit"]).toMatchObject({
    mode: "sync",
    proof: "proved",
    provedSince: { timeline: 1 },
  });
  await demo.writeFile("pgrep-kit.yaml", text);
  await demo.ok("remove-standby", "pg3", "--yes");
  await demo.ok("add-standby", "pg3");
  await healthy();
});

test("a second writer is split brain: named, followed by nobody, refused by up, and never started again", async () => {
  const { nodes } = await healthy();
  await host.stop("pg3", 20_000);
  const removed = await host.run("pg3", {
    argv: ["rm", `${host.paths("pg3").data}/standby.signal`],
    timeoutMs: 20_000,
  });
  expect(removed.exitCode).toBe(0);
  await host.start("pg3", Number(nodes.find((node) => node.name === "pg3")?.["port"]));
  const status = await eventually("the second writer to be seen", async () => {
    const status = await demo.status();
    return status.verdict === "split-brain" && status;
  });
  expect(nodeOf(status, "pg3").state).toBe("split-brain");
  expect(status.primary).toBe("pg1");
  const { code, stdout } = await demo.cli("status");
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /✗ Split brain: pg3 accepts writes on timeline 1 without authority \(term 1 belongs to pg1, timeline 1\)/,
  );
  expect(stdout).toContain("Nothing follows pg3.");
  for (const command of [["up"], ["mode", "async"], ["restart", "pg2"]]) {
    const refused = await demo.cli(...command);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("[split-brain]");
  }

  await host.stop("pg3", 20_000);
  const refused = await demo.cli("up");
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("[not-a-standby]");
  expect((await demo.status()).verdict).toBe("degraded");
  await demo.ok("remove-standby", "pg3", "--yes");
  await demo.ok("add-standby", "pg3");
  await healthy();
});
