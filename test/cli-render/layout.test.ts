import { describe, expect, it } from "vitest";
import { redrawing } from "../../src/cli/render/redraw.ts";
import { formatLine, formatStructured } from "../../src/cli/render/structured.ts";
import { screenOf, styleOf, wantsColour, widthOf, wrap } from "../../src/cli/render/style.ts";
import { renderTable } from "../../src/cli/render/table.ts";
import { treeLines } from "../../src/cli/render/tree.ts";
import { formatElapsed, formatVersion, listed } from "../../src/cli/render/units.ts";
import { plain } from "./screen.ts";

describe("colour", () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [false, { FORCE_COLOR: "1" }, true],
    [true, { FORCE_COLOR: "0" }, false],
    [true, { NO_COLOR: "1", FORCE_COLOR: "1" }, true],
    [true, { TERM: "dumb" }, false],
  ])("on a terminal (%s) with %j is %s", (isTerminal, env, expected) => {
    expect(wantsColour(isTerminal, env)).toBe(expected);
  });

  it("takes no room", () => {
    expect(widthOf(styleOf(true).red("✗ gone"))).toBe(6);
  });
});

describe("the screen", () => {
  it("is as wide as the terminal, else as COLUMNS says, else wide", () => {
    expect(screenOf({ isTTY: true, columns: 80 }, {}).columns).toBe(80);
    expect(screenOf({}, { COLUMNS: "72" }).columns).toBe(72);
    expect(screenOf({}, { COLUMNS: "many" }).columns).toBe(120);
  });

  it("is not interactive in CI, in a pipe, or on a dumb terminal", () => {
    expect(screenOf({ isTTY: true }, {}).interactive).toBe(true);
    expect(screenOf({ isTTY: true }, { CI: "true" }).interactive).toBe(false);
    expect(screenOf({ isTTY: true }, { TERM: "dumb" }).interactive).toBe(false);
    expect(screenOf({}, {}).interactive).toBe(false);
  });
});

describe("wrapping", () => {
  it("keeps the indent of the first line and indents the others", () => {
    expect(wrap("  one two three", 9, "    ")).toEqual(["  one two", "    three"]);
  });

  it("keeps a number and its unit together", () => {
    expect(wrap("it is 12 MB behind for 41 s.", 9, "")).toEqual(["it is", "12 MB", "behind", "for 41 s."]);
    expect(wrap("1 standby", 5, "")).toEqual(["1", "standby"]);
  });

  it("never breaks a word, so that commands can be copied", () => {
    expect(wrap("a pgrep-kit-command-that-is-long b", 10)).toEqual([
      "a",
      "  pgrep-kit-command-that-is-long",
      "  b",
    ]);
  });
});

describe("a table", () => {
  const columns = [
    { title: "A" },
    { title: "NUMBER", align: "right" },
    { title: "B" },
    { title: "", joined: true },
  ] as const;
  const rows = [["one", "1", "x", "y"]];

  it("aligns and separates", () => {
    expect(renderTable(columns, rows, plain())).toEqual(["  A     NUMBER   B", "  one        1   x  y"]);
  });

  it("narrows its gaps before it drops a column, and drops joined columns together", () => {
    expect(renderTable(columns, rows, plain(19))[1]).toBe("  one       1  x  y");
    expect(renderTable(columns, rows, plain(18))[1]).toBe("  one        1");
  });

  it("always keeps the first column", () => {
    expect(renderTable(columns, rows, plain(1))).toEqual(["  A", "  one"]);
  });
});

describe("a tree", () => {
  it("puts nodes of an unknown parent at the top", () => {
    expect(
      treeLines([
        { name: "a", parent: "gone" },
        { name: "b", parent: "a" },
      ]),
    ).toEqual([
      { name: "a", branch: "" },
      { name: "b", branch: "└─ " },
    ]);
  });

  it("shows every node once, even in a loop", () => {
    const loop = [
      { name: "a", parent: "b" },
      { name: "b", parent: "a" },
      { name: "c", parent: "c" },
      { name: "d", parent: null },
    ];
    expect(
      treeLines(loop)
        .map((line) => line.name)
        .toSorted(),
    ).toEqual(["a", "b", "c", "d"]);
  });
});

describe("units of the screen", () => {
  it.each([
    [0, "0.00 s"],
    [50, "0.05 s"],
    [94, "0.09 s"],
    [110, "0.1 s"],
    [900, "0.9 s"],
    [9960, "10 s"],
    [59_600, "1 min 0 s"],
    [200_000, "3 min 20 s"],
  ])("writes %i ms of work as %s", (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });

  it("writes versions and lists", () => {
    expect(formatVersion(170_011)).toBe("17.11");
    expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed)).toEqual(["", "a", "a and b", "a, b and c"]);
  });
});

describe("structured output", () => {
  it("is JSON or YAML of the same value, and one line for a stream", async () => {
    const value = { version: 1, lsn: "0/5000", nodes: [{ name: "pg1", lag: null }] };
    expect(JSON.parse(await formatStructured("json", value))).toEqual(value);
    expect(await formatStructured("yaml", value)).toBe(
      "version: 1\nlsn: 0/5000\nnodes:\n  - name: pg1\n    lag: null",
    );
    expect(formatLine(value)).not.toContain("\n");
  });
});

describe("redrawing", () => {
  it("draws over what it has drawn, and clears what is left of it", () => {
    const written: string[] = [];
    const draw = redrawing({ write: (text) => written.push(text), rows: () => 24 });
    draw(["a", "b"]);
    draw(["c"]);
    expect(written).toEqual(["a\u001b[K\nb\u001b[K\n\u001b[J", "\u001b[2Fc\u001b[K\n\u001b[J"]);
  });

  it("never writes more lines than the terminal has", () => {
    const written: string[] = [];
    redrawing({ write: (text) => written.push(text), rows: () => 3 })(["a", "b", "c", "d"]);
    expect(written.join("")).not.toContain("c");
  });
});
