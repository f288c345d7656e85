// The benchmark's own arithmetic, table and reading of pgbench's report; nothing is measured here.
import { describe, expect, test } from "vitest";
import { type Figure, keepsLimit, median, ratio, renderFigures } from "../bench/figures.ts";
import { readReport } from "../bench/pgbench.ts";

const init: Figure = {
  label: "init",
  unit: "s",
  values: [2.6, 2.4, 9],
  floor: { label: "script", values: [2, 2.2, 1.8] },
  limit: { of: "ratio", max: 1.3 },
};

describe("a figure", () => {
  test("has the median in the middle, whatever the order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test("is within a ratio of medians up to the limit itself, and over it beyond", () => {
    expect(ratio(init)).toBeCloseTo(1.3);
    expect(keepsLimit({ ...init, values: [2.6] })).toBe(true);
    expect(keepsLimit({ ...init, values: [2.61] })).toBe(false);
  });

  test("with a limit for each is over as soon as one is", () => {
    const memory: Figure = { label: "m", unit: "MB", values: [60, 121], limit: { of: "greatest", max: 120 } };
    expect(keepsLimit(memory)).toBe(false);
    expect(keepsLimit({ ...memory, limit: { of: "median", max: 120 } })).toBe(true);
  });
});

test("the table shows median, spread, floor, ratio and limit side by side", () => {
  const help: Figure = { label: "--help", unit: "ms", values: [151], limit: { of: "median", max: 150 } };
  const none: Figure = { label: "nothing", unit: "ms", values: [] };
  expect(renderFigures([init, help, none])).toEqual([
    "         MEDIAN     SPREAD  RUNS          FLOOR     SPREAD  RATIO          LIMIT",
    "init     2.60 s  2.40–9.00     3  2.00 s script  1.80–2.20   1.30  ≤ 1.3 × floor  within",
    "--help   151 ms    151–151     1                                        ≤ 150 ms    OVER",
    "nothing       –          –     0",
  ]);
});

describe("pgbench's report", () => {
  const stdout = `transaction type: <builtin: TPC-B (sort of)>
number of clients: 8
number of transactions actually processed: 7345
number of failed transactions: 2 (0.027%)
latency average = 35.262 ms
tps = 226.870821 (without initial connection time)
`;

  test("tells transactions, failures and speed", () => {
    expect(readReport({ stdout, stderr: "pgbench: starting vacuum...end.\n" })).toEqual({
      transactions: 7345,
      perSecond: 226.870821,
      failed: 2,
      aborted: 0,
    });
  });

  test("counts each client that it gave up once", () => {
    const stderr = `pgbench: error: client 3 aborted in command 4 (SQL) of script 0; perhaps the backend died while processing
pgbench: error: client 3 script 0 aborted in command 4 query 0: FATAL
pgbench: error: client 5 script 0 aborted in command 7 query 0: ERROR:  canceling statement
pgbench: error: Run was aborted; the above results are incomplete.
`;
    expect(readReport({ stdout, stderr }).aborted).toBe(2);
  });

  test("is refused when it is none", () => {
    expect(() => readReport({ stdout: "", stderr: "could not connect" })).toThrow("could not connect");
  });
});
