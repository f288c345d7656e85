// The doctor as a whole: a healthy cluster passes, what was not seen never passes, and every finding has a remedy.
import { describe, expect, test } from "vitest";
import { diagnose } from "../../src/core/diagnose.ts";
import { CHECKS, examine } from "../../src/monitor/doctor/examine.ts";
import { doctorReport } from "../../src/monitor/doctor/doctor-report.ts";
import { readableWord } from "../../src/monitor/doctor/check.ts";
import { renderDoctor } from "../../src/cli/render/doctor.ts";
import { styleOf } from "../../src/cli/render/style.ts";
import { answer, facts, slot, three, told } from "./doctor-facts.ts";

const screen = { columns: 100, interactive: false, style: styleOf(false) };

test("passes every check of a healthy cluster", () => {
  const examination = examine(facts());
  expect(examination.checks.filter((check) => check.status !== "pass")).toEqual([]);
  expect(examination.passed).toBeGreaterThan(50);
  expect(renderDoctor(examination, screen).at(-1)).toBe(`✓ demo: ${examination.passed} passed.`);
});

test("gives each check its own name, and each passing one a word", () => {
  expect(new Set(CHECKS.map((check) => check.id)).size).toBe(CHECKS.length);
  for (const check of examine(facts()).checks) expect(check.text, check.id).not.toBe("");
});

describe("a node that does not answer", () => {
  const examination = examine(facts({ world: three().unreachable("pg3") }));

  test("makes no question to every server pass", () => {
    const status = new Map(examination.checks.map((check) => [check.id, check]));
    expect(status.get("durability")).toMatchObject({
      status: "not-checked",
      text: "not checked: pg3 does not answer",
    });
    expect(status.get("one-writer")?.status).toBe("not-checked");
    expect(status.get("commit-mode")?.status).toBe("pass");
    expect(status.get("replication-role")?.status).toBe("pass");
  });

  test("does not hide what was found on the others", () => {
    const result = answer("durability", {
      world: three().unreachable("pg3"),
      server: { pg2: { settings: { fsync: "off" } } },
    });
    expect(result).toMatchObject({ status: "fail", notChecked: "pg3 does not answer" });
  });

  test("is named once on the screen, with all that was missed", () => {
    const lines = renderDoctor(examination, screen);
    expect(lines.filter((line) => line.includes("not checked: pg3 does not answer"))).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/^! demo: 1 warning, \d+ not checked, \d+ passed\. Warnings alone/);
  });
});

test("puts what comes after a command behind it, and what must be so before it in front", () => {
  const lines = (world: ReturnType<typeof three>): string[] =>
    renderDoctor(examine(facts({ world })), screen).map((line) => line.trim());
  const blocked = lines(three().quorum(1).down("pg2").down("pg3"));
  const command = blocked.indexOf("pgrep-kit up");
  expect(blocked[command + 1]).toBe("Or pgrep-kit mode async, to go on without confirmation.");
  const apart = lines(
    three().forks("0/3000").standby("pg4", "0/4000", { timeline: 1, forks: [], serverVersion: 170005 }),
  );
  const removal = apart.indexOf("pgrep-kit remove-standby pg4");
  expect(apart[removal - 1]).toBe("Once you are sure that nobody needs what only it holds:");
  expect(apart[removal + 1]).toBe("Then pgrep-kit add-standby pg4: a fresh copy.");
});

test("says nothing of the authority before there is a cluster", () => {
  const none = three().absent("pg1").absent("pg2").absent("pg3");
  const { spec, observation } = none.build();
  const diagnosis = diagnose(spec, null, observation);
  const made = { authority: null, observation, diagnosis };
  expect(answer("authority", { world: none, made })).toBeNull();
  for (const check of examine(facts({ world: none, made })).checks)
    expect(check.text + check.problems.length, check.id).not.toBe("0");
});

test("a cluster that was shut down is a warning, and nothing of it passes unseen", () => {
  const down = three().down("pg1", { clean: true }).down("pg2", { clean: true }).down("pg3", { clean: true });
  const examination = examine(facts({ world: down }));
  expect(told("servers", { world: down })).toBe("warning: the cluster is shut down");
  expect(examination.failed).toBe(0);
  expect(answer("authority", { world: down })?.text).toBe("not checked: pg1 is stopped");
  expect(answer("durability", { world: down })?.text).toBe("not checked: pg1, pg2 and pg3 are stopped");
});

test("an engine that does not answer is told once, and not of each node", () => {
  const gone = {
    seen: false,
    trouble: { message: "no engine answers", detail: null, hint: "Start Docker." },
  } as const;
  const world = three().unreachable("pg1").unreachable("pg2").unreachable("pg3");
  const examination = examine(facts({ world, cluster: { host: gone } }));
  const problems = examination.checks.flatMap((check) => check.problems);
  expect(problems.map((problem) => problem.text)).toEqual(["no engine answers"]);
});

test("puts failures before warnings, each with a remedy, and keeps commands on one line", () => {
  const examination = examine(
    facts({ server: { pg1: { slots: [slot], settings: { max_slot_wal_keep_size: "-1" } } } }),
  );
  const lines = renderDoctor(examination, { ...screen, columns: 60 });
  expect(lines[0]).toMatch(/^ ✗ Slot limit +max_slot_wal_keep_size is -1/);
  expect(lines.join("\n")).toContain(
    `pgrep-kit psql --node pg1 -c "select pg_drop_replication_slot('leftover')"\n`,
  );
  expect(lines.at(-1)).toMatch(/^✗ demo: 1 failed, \d warnings?, \d+ passed\.$/);
  for (const problem of examination.checks.flatMap((check) => check.problems)) {
    expect(problem.advice + (problem.command ?? "")).not.toBe("");
  }
});

test("without a cluster file the machine alone is checked", () => {
  const examination = examine(facts({ cluster: null, state: null, file: { kind: "none", folder: "/here" } }));
  expect(examination.cluster).toBeNull();
  expect(examination.checks.map((check) => check.id)).toEqual([
    "docker-engine",
    "postgres-binaries",
    "init-choice",
    "psql-client",
    "disk-here",
    "cluster-file",
  ]);
  expect(examination.failed).toBe(0);
});

test("the report counts what the list says, and survives being written as JSON", () => {
  const report = doctorReport(examine(facts({ world: three().unreachable("pg3") })), 0);
  const { passed, warnings, failed, notChecked } = report.counts;
  expect(passed + warnings + failed + notChecked).toBe(report.checks.length);
  expect(report).toMatchObject({ version: 1, status: "warning", checkedAt: "1970-01-01T00:00:00.000Z" });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

test.each([
  ["select 1", "'select 1'"],
  ["pgrep-kit", "pgrep-kit"],
  ["select 'a'", `"select 'a'"`],
  [`alter role "A" set x = 'y'`, `'alter role "A" set x = '\\''y'\\'''`],
  ["it's $HOME", `'it'\\''s $HOME'`],
])("quotes %s for a shell", (text, quoted) => {
  expect(readableWord(text)).toBe(quoted);
});

describe("the guide", async () => {
  const { readFile } = await import("node:fs/promises");
  const guide = await readFile(new URL("../../guides/doctor.md", import.meta.url), "utf8");
  const first = [...guide.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? "");

  test("lists every check, and no other", () => {
    const ids = CHECKS.map((check) => check.id);
    expect(first.slice(first.indexOf("docker-engine"))).toEqual(ids);
  });

  test("lists every key of the JSON, and no other", () => {
    const report = doctorReport(examine(facts({ world: three().unreachable("pg3") })), 0);
    const keys = new Set<string>();
    const visit = (value: unknown, path: string): void => {
      if (Array.isArray(value)) for (const one of value) visit(one, `${path}[]`);
      else if (typeof value === "object" && value !== null) {
        for (const [key, one] of Object.entries(value)) visit(one, path === "" ? key : `${path}.${key}`);
      } else keys.add(path);
    };
    visit(report, "");
    expect([...keys].toSorted()).toEqual(first.slice(0, first.indexOf("docker-engine")).toSorted());
  });
});
