/** Runs every check over the facts, and says what came of it. Pure: what is judged was gathered before. */
import { ACTIVITY_CHECKS } from "./activity-checks.ts";
import type { Check, Group, Problem } from "./check.ts";
import type { DoctorFacts } from "./facts.ts";
import { FILE_CHECKS } from "./file-checks.ts";
import { MACHINE_CHECKS } from "./machine-checks.ts";
import { NODE_CHECKS } from "./node-checks.ts";
import { REPLICATION_CHECKS } from "./replication-checks.ts";
import { SECURITY_CHECKS } from "./security-checks.ts";
import { SETTINGS_CHECKS } from "./settings-checks.ts";
import { SLOT_CHECKS } from "./slot-checks.ts";
import { VERSION_CHECKS } from "./version-checks.ts";

export const CHECKS: readonly Check[] = [
  ...MACHINE_CHECKS,
  ...FILE_CHECKS,
  ...NODE_CHECKS,
  ...REPLICATION_CHECKS,
  ...SLOT_CHECKS,
  ...VERSION_CHECKS,
  ...SETTINGS_CHECKS,
  ...SECURITY_CHECKS,
  ...ACTIVITY_CHECKS,
];

export type CheckStatus = "pass" | "warning" | "fail" | "not-checked";

export interface CheckResult {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  readonly status: CheckStatus;
  /** What was found in order, or why it was not checked; empty where problems say it all. */
  readonly text: string;
  readonly problems: readonly Problem[];
  /** What could not be looked at; null: everything was. */
  readonly notChecked: string | null;
}

export interface Examination {
  /** Null: there is no cluster file that could be read. */
  readonly cluster: string | null;
  readonly checks: readonly CheckResult[];
  readonly passed: number;
  readonly warnings: number;
  readonly failed: number;
  readonly notChecked: number;
}

/** Checks that do not apply are left out. `checks` is for tests. */
export function examine(facts: DoctorFacts, checks: readonly Check[] = CHECKS): Examination {
  const results = checks.flatMap((check) => {
    const result = resultOf(check, facts);
    return result === null ? [] : [result];
  });
  const count = (status: CheckStatus): number => results.filter((one) => one.status === status).length;
  return {
    cluster: facts.cluster?.spec.name ?? null,
    checks: results,
    passed: count("pass"),
    warnings: count("warning"),
    failed: count("fail"),
    notChecked: count("not-checked"),
  };
}

function resultOf({ id, group, title, run }: Check, facts: DoctorFacts): CheckResult | null {
  const answer = run(facts);
  if (answer === null) return null;
  const { problems, unseen } = answer;
  const status = statusOf(problems, unseen);
  const text = status === "pass" ? answer.good : status === "not-checked" ? `not checked: ${unseen}` : "";
  return { id, group, title, status, text, problems, notChecked: unseen };
}

function statusOf(problems: readonly Problem[], unseen: string | null): CheckStatus {
  if (problems.some((one) => one.level === "fail")) return "fail";
  if (problems.length > 0) return "warning";
  return unseen === null ? "pass" : "not-checked";
}
