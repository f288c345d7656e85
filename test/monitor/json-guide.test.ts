/** The documented keys are the real ones: none is missing in the guide, and the guide promises none that is not there. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { modeReport } from "../../src/cli/commands/show-mode.ts";
import { historyReport } from "../../src/cli/render/history.ts";
import type { JournalEntry, JournalEvent } from "../../src/control/journal.ts";
import { diagnose } from "../../src/core/diagnose.ts";
import { assessLag } from "../../src/monitor/lag.ts";
import { lagReport } from "../../src/monitor/lag-report.ts";
import { statusReport } from "../../src/monitor/status-report.ts";
import { DEFAULT_THRESHOLDS } from "../../src/monitor/thresholds.ts";
import { cluster, type WorldBuilder } from "../core/builders/world.ts";

const guide = await readFile(new URL("../../guides/json.md", import.meta.url), "utf8");

function documented(section: string): string[] {
  const text = guide.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? "").toSorted();
}

/** `nodes[].lag.slot.name`; below `opaque` nothing is promised. */
function keysOf(value: unknown, path: string, opaque: readonly string[]): string[] {
  if (Array.isArray(value)) return [`${path}[]`, ...value.flatMap((one) => keysOf(one, `${path}[]`, opaque))];
  if (typeof value !== "object" || value === null || opaque.includes(path)) return [path];
  const below = Object.entries(value).flatMap(([key, one]) =>
    keysOf(one, path === "" ? key : `${path}.${key}`, opaque),
  );
  return path === "" || path.endsWith("[]") ? below : [path, ...below];
}

const unique = (keys: readonly string[]): string[] => [...new Set(keys)].toSorted();

const three = (): WorldBuilder =>
  cluster()
    .primary("pg1", "0/5000")
    .standby("pg2", "0/5000")
    .standby("pg3", "0/4000", { replayPaused: true });
const worlds = [
  three().quorum(1),
  three().quorum(1).down("pg3"),
  three().down("pg1"),
  cluster().forks("0/3000").primary("pg1", "0/5000").standby("pg2", "0/4000", { timeline: 1, forks: [] }),
].map((world) => world.build());

describe("the guide to JSON", () => {
  it("lists the keys of status", () => {
    const keys = worlds.flatMap(({ spec, authority, observation }) =>
      keysOf(statusReport(spec, authority, observation, diagnose(spec, authority, observation)), "", [
        "findings[].facts",
        "nodes[].lag",
      ]),
    );
    expect(unique(keys)).toEqual(documented("status"));
  });

  it("lists the keys of lag", () => {
    const keys = worlds.flatMap(({ spec, authority, observation }) =>
      keysOf(lagReport(assessLag(spec, authority, observation, DEFAULT_THRESHOLDS, [])), "", []),
    );
    expect(unique(keys)).toEqual(documented("lag"));
  });

  it("gives a node's lag the same keys that lag gives a standby", () => {
    const [world] = worlds;
    if (world === undefined) throw new Error("there is a world");
    const { spec, authority, observation } = world;
    const status = statusReport(spec, authority, observation, diagnose(spec, authority, observation));
    const own = unique(keysOf(status.nodes[1]?.lag, "standbys[]", []));
    const promised = documented("lag").filter((key) => key.startsWith("standbys[]."));
    expect(own).toEqual(promised.filter((key) => !/\.(band|state|reasons\[\])$/.test(key)));
  });

  it("lists the keys of mode, which are those of commit in status", () => {
    const keys = worlds.flatMap(({ authority }) => keysOf(modeReport(authority), "", []));
    expect(unique(keys)).toEqual(documented("mode"));
    const inStatus = documented("status").flatMap((key) => /^commit\.(.*)/.exec(key)?.[1] ?? []);
    expect(documented("mode")).toEqual(unique([...inStatus, "version"]));
    for (const { authority } of worlds) {
      const without = Object.keys(modeReport(null)).toSorted();
      expect(without).toEqual(Object.keys(modeReport(authority)).toSorted());
    }
  });

  it("lists the keys of history", () => {
    const events: readonly JournalEvent[] = [
      { kind: "command", verb: "mode", arguments: ["quorum"] },
      { kind: "observed", summary: "" },
      { kind: "decided", decision: "refuse", summary: "", lines: [""] },
      { kind: "step-begin", step: "stop", node: "pg1", because: "" },
      { kind: "step-end", step: "stop", node: "pg1", outcome: "done", durationMs: 1, detail: null },
      { kind: "end", exitCode: 0, message: null },
    ];
    const entries: JournalEntry[] = events.map((event, index) => ({
      seq: index + 1,
      at: "",
      command: "a",
      ...event,
    }));
    const report = historyReport([...entries, { kind: "unreadable", file: "journal.ndjson", line: 3 }]);
    expect(unique(keysOf(report, "", []))).toEqual(documented("history"));
  });

  it("survives being written as JSON: nothing in it is a bigint", () => {
    for (const { spec, authority, observation } of worlds) {
      const report = statusReport(spec, authority, observation, diagnose(spec, authority, observation));
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    }
  });

  it("names every state that a node can be in", async () => {
    const { NODE_STATES } = await import("../../src/core/diagnose/node-state.ts");
    for (const state of NODE_STATES) expect(guide).toContain(`\`${state}\``);
  });
});
