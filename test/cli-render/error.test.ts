import { describe, expect, it } from "vitest";
import { errorReport, refusalReport, renderError, renderRefusals } from "../../src/cli/render/error.ts";
import { widthOf } from "../../src/cli/render/style.ts";
import type { Refusal } from "../../src/core/refusals.ts";
import { PgrepKitError } from "../../src/support/errors.ts";
import { coloured, plain } from "./screen.ts";

const refusal: Refusal = {
  code: "would-block",
  message: "every commit would wait",
  detail: "Not streaming from pg1: pg2, pg3.",
  hint: "Bring the standbys back first (pgrep-kit up), or ask for it all the same with --allow-blocking.",
};

describe("errors", () => {
  it("are told as PostgreSQL does: error, detail, hint", () => {
    const error = new PgrepKitError("no-runtime", {
      message: "no PostgreSQL and no Docker engine found on this machine",
      detail: "Docker: no engine answers.",
      hint: "Start Docker, or install PostgreSQL 15 or newer.",
    });
    expect(renderError(error, plain())).toBe(
      [
        "error:   no PostgreSQL and no Docker engine found on this machine",
        "detail:  Docker: no engine answers.",
        "hint:    Start Docker, or install PostgreSQL 15 or newer.",
      ].join("\n"),
    );
  });

  it("keep a command below a hint on one line, to be copied", () => {
    const typed = `docker stop ${"x".repeat(60)} ${"y".repeat(60)}`;
    const hint = `Stop it before anything else, and keep its data: only it may hold some writes, ${"word ".repeat(9)}.\n${typed}`;
    expect(
      renderRefusals([{ ...refusal, hint }], plain(80))
        .split("\n")
        .at(-1),
    ).toBe(`         ${typed}`);
  });

  it("leave out what they do not have", () => {
    expect(renderError(new PgrepKitError("usage", { message: "no such node" }), plain())).toBe(
      "error:   no such node",
    );
  });

  it("keep the lines of a detail, and wrap long ones below the first", () => {
    const detail = `FATAL: one\nFATAL: ${"word ".repeat(30)}end`;
    const lines = renderError(
      new PgrepKitError("server-failed", { message: "it ended", detail }),
      plain(60),
    ).split("\n");
    expect(lines[1]).toBe("detail:  FATAL: one");
    expect(lines[2]).toMatch(/^ {9}FATAL: word/);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });

  it("never show what caused them: it may hold anything", () => {
    const error = new PgrepKitError("sql-failed", {
      message: "it failed",
      cause: new Error("password=hunter2"),
    });
    expect(renderError(error, plain()) + JSON.stringify(errorReport(error))).not.toContain("hunter2");
  });

  it("have a JSON form with every key", () => {
    expect(errorReport(new PgrepKitError("usage", { message: "no such node" }))).toEqual({
      version: 1,
      error: { code: "usage", message: "no such node", detail: null, hint: null },
    });
  });
});

describe("refusals", () => {
  it("show their code at the right edge", () => {
    const [first, second, third] = renderRefusals([refusal], plain(80)).split("\n");
    expect(first).toBe(`refused: every commit would wait${" ".repeat(35)}[would-block]`);
    expect(widthOf(first ?? "")).toBe(80);
    expect(second).toBe("detail:  Not streaming from pg1: pg2, pg3.");
    expect(third).toMatch(/^hint: {4}Bring/);
  });

  it("put the code below a message that leaves no room", () => {
    const long = { ...refusal, message: "x".repeat(60) };
    const lines = renderRefusals([long], plain(72)).split("\n");
    expect(lines[1]).toBe(`${" ".repeat(59)}[would-block]`);
  });

  it("are all told, one after the other", () => {
    const both = renderRefusals([refusal, { ...refusal, code: "diverged" }], plain());
    expect(both).toContain("[would-block]");
    expect(both).toContain("\n\nrefused: ");
    expect(both).toContain("[diverged]");
    expect(refusalReport([refusal])).toEqual({ version: 1, refused: [refusal] });
  });

  it("say the same in colour", () => {
    expect(renderRefusals([refusal], coloured()).replace(/\u001b\[[0-9;]*m/g, "")).toBe(
      renderRefusals([refusal], plain()),
    );
  });
});
