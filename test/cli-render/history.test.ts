import { describe, expect, it } from "vitest";
import { lastCommands, renderHistory } from "../../src/cli/render/history.ts";
import type { JournalEntry, JournalEvent, UnreadableLine } from "../../src/control/journal.ts";
import { plain } from "./screen.ts";

const AT = "2025-01-02T03:04:05.678Z";

function entries(command: string, ...events: readonly JournalEvent[]): JournalEntry[] {
  return events.map((event, index) => ({ seq: index + 1, at: AT, command, ...event }));
}

const mode = entries(
  "a1",
  { kind: "command", verb: "mode", arguments: ["quorum"] },
  { kind: "observed", summary: "term 1 belongs to pg1; pg1 primary at 1:0/5000" },
  { kind: "decided", decision: "act", summary: "configure pg1, configure pg2", lines: [] },
  { kind: "step-begin", step: "configure", node: "pg1", because: "so that commits wait" },
  { kind: "step-end", step: "configure", node: "pg1", outcome: "done", durationMs: 80, detail: null },
  { kind: "end", exitCode: 0, message: null },
);

describe("history", () => {
  it("tells of each command what was seen, decided and done", () => {
    expect(renderHistory(mode, plain())).toEqual([
      "2025-01-02 03:04:05 UTC  pgrep-kit mode quorum",
      "  saw      term 1 belongs to pg1; pg1 primary at 1:0/5000",
      "  decided  configure pg1, configure pg2",
      `  did      ✓ ${"configure pg1".padEnd(40)}  0.08 s`,
      "  ended    exit code 0",
    ]);
  });

  it("lists the reasons of a refusal", () => {
    const refused = entries(
      "b2",
      { kind: "command", verb: "up", arguments: [] },
      { kind: "decided", decision: "refuse", summary: "refuse", lines: ["[diverged] pg2 went another way"] },
      { kind: "end", exitCode: 3, message: null },
    );
    expect(renderHistory(refused, plain()).slice(1)).toEqual([
      "  decided  refuse",
      "           [diverged] pg2 went another way",
      "  ended    exit code 3",
    ]);
  });

  it("tells unknown and failed outcomes apart, with what is known", () => {
    const ended = entries(
      "c3",
      { kind: "command", verb: "up", arguments: [] },
      {
        kind: "step-end",
        step: "start",
        node: "pg1",
        outcome: "failed",
        durationMs: 80,
        detail: "it ended\nlog line",
      },
      {
        kind: "step-end",
        step: "stop",
        node: "pg2",
        outcome: "unknown",
        durationMs: 80,
        detail: "pg2 to stop",
      },
      { kind: "end", exitCode: 4, message: "the server of pg1 ended" },
    );
    const text = renderHistory(ended, plain()).join("\n");
    expect(text).toContain("✗ failed: start pg1: it ended");
    expect(text).not.toContain("log line");
    expect(text).toContain("! outcome unknown: stop pg2: pg2 to stop");
    expect(text).toContain("exit code 4: the server of pg1 ended");
  });

  it("says of a command without an end that it was killed or is still at work", () => {
    expect(renderHistory(mode.slice(0, -1), plain()).at(-1)).toContain("it was killed, or is still at work");
    expect(renderHistory(mode, plain()).join()).not.toContain("killed");
  });

  it("says where evidence is missing", () => {
    const damaged: UnreadableLine = { kind: "unreadable", file: "journal.ndjson", line: 3 };
    expect(renderHistory([...mode, damaged], plain()).at(-1)).toBe(
      "  ✗ line 3 of journal.ndjson cannot be read: evidence is missing here",
    );
  });

  it("keeps the newest commands whole", () => {
    const other = entries("d4", { kind: "command", verb: "down", arguments: [] });
    expect(lastCommands([...mode, ...other], 1)).toEqual(other);
    expect(lastCommands([...mode, ...other], 9)).toEqual([...mode, ...other]);
    expect(lastCommands(mode, 0)).toEqual([]);
  });

  it("is not empty before anything was done", () => {
    expect(renderHistory([], plain())).toEqual(["Nothing was done yet."]);
  });
});
