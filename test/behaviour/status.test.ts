// One cluster, broken in one way after another and mended again: what `status` says of it, and that its advice works.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
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

/** Types a command of the host that the screen shows, word for word. */
async function followHostAdvice(
  text: string,
  shown = /^ +(?:Next: )?((?:docker|kill) .*?)(?: {2,}\(.*)?$/m,
): Promise<void> {
  const typed = shown.exec(text)?.[1];
  if (typed === undefined) throw new Error(`no command of the host in\n${text}`);
  await promisify(execFile)("sh", ["-c", typed]);
}

async function withSettings(settings: string): Promise<void> {
  const text = await demo.readFile("pgrep-kit.yaml");
  await demo.writeFile("pgrep-kit.yaml", text.replace(/\nsettings:[^]*$/, `\nsettings: {${settings}}\n`));
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
    await followHostAdvice(await screen());
    await healthy();
  });

  test("frozen: no rule is begun that needs it, it is said at once, and its advice works from the refusal, too", async () => {
    await host.pause("pg3");
    const refused = await demo.cli("mode", "quorum", "--acks", "2");
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/\[would-block\][^]*pg3 is frozen +\[node-unseen\]/);
    await followHostAdvice(refused.stderr);
    expect((await healthy())["commit"]).toMatchObject({ acks: 1, proof: "proved" });
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
      expect((await demo.cli("doctor")).stdout).toMatch(/✗ Authority +pg1 is frozen.*\n +(docker|kill) /);
      await followHostAdvice(stdout);
      await healthy();
    } finally {
      await host.resume("pg1");
    }
  });
});

describe("settings that wait for a restart", () => {
  test("are never taken by the primary before its standbys; the advice takes them in order", async () => {
    await withSettings("max_connections: 120");
    await demo.ok("up");
    const text = await screen();
    expect(text).toMatch(/pg1 needs a restart before max_connections takes effect/);
    expect(text).toMatch(/Next: pgrep-kit restart {10}\(/);
    const refused = await demo.cli("restart", "pg1", "--yes");
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/would stop the replay of pg2, pg3 +\[standbys-first\]/);
    await demo.ok("restart", "--yes");
    await healthy();
    expect(await demo.sql("pg3", "SHOW max_connections")).toEqual([{ max_connections: "120" }]);
  });

  test("are none where the file asks again for what the servers run with", async () => {
    await withSettings("max_connections: 120, shared_buffers: 64MB");
    await demo.ok("up");
    expect(codes(await demo.status())).toContain("restart-pending");
    await withSettings("max_connections: 120");
    await demo.ok("up");
    await healthy();
  });

  test("are some where what they run with was taken out of the file", async () => {
    await withSettings("max_connections: 120, shared_buffers: 64MB");
    await demo.ok("up");
    await demo.ok("restart", "--yes");
    await withSettings("max_connections: 120");
    await demo.ok("up");
    expect(codes(await demo.status())).toContain("restart-pending");
    await demo.ok("restart", "--yes");
    await healthy();
    expect(await demo.sql("pg1", "SHOW shared_buffers")).toEqual([{ shared_buffers: "128MB" }]);
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

/** Nobody deletes what only this node may hold without having been told so. */
async function removeWithWarning(): Promise<void> {
  const warning = "once you are sure that nobody needs what only it holds";
  expect(await screen()).toMatch(new RegExp(`Next: pgrep-kit remove-standby pg3\\s+\\(${warning}; then`));
  expect((await demo.cli("doctor")).stdout).toMatch(
    new RegExp(
      `${warning.replace("once", "Once")}:\\n +pgrep-kit remove-standby pg3\\n +Then pgrep-kit add-standby`,
    ),
  );
  for (const option of [[], ["--dry-run"]]) {
    const { stderr } = await demo.cli("remove-standby", "pg3", ...option);
    expect(stderr.replaceAll(/\s+/g, " ")).toContain(warning);
  }
  await demo.ok("remove-standby", "pg3", "--yes");
}

test("a standby that was promoted by hand is stopped by its advice, and warned of before it is deleted", async () => {
  await demo.sql("pg3", "SELECT pg_promote()");
  await demo.sql("pg3", "CHECKPOINT");
  const text = await screen();
  expect(text).toMatch(/✗ Split brain: pg3 accepts writes on timeline 2/);
  await followHostAdvice(text);
  const stopped = await eventually("pg3 to be stopped", async () => {
    const now = await screen();
    return now.includes("stopped, diverged") && now;
  });
  expect(stopped).toContain("it is on timeline 2, and where that began is not known");
  await removeWithWarning();
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

  await followHostAdvice(stdout);
  await eventually("pg3 to be stopped", async () => (await demo.status()).verdict === "degraded");
  const refused = await demo.cli("up");
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("[not-a-standby]");
  await removeWithWarning();
  await demo.ok("add-standby", "pg3");
  await healthy();
});
