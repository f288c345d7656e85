/**
 * The documented shape of `doctor -o json|yaml`; `guides/doctor.md` lists every key. Keys and ids of checks are never
 * renamed or dropped within a version; new checks may appear.
 */
import type { CheckStatus, Examination } from "./examine.ts";

export interface DoctorReport {
  readonly version: 1;
  readonly cluster: string | null;
  readonly checkedAt: string;
  /** The worst of the checks; `not-checked` where something could not be looked at and nothing worse was found. */
  readonly status: CheckStatus;
  readonly counts: {
    readonly passed: number;
    readonly warnings: number;
    readonly failed: number;
    readonly notChecked: number;
  };
  readonly checks: readonly {
    readonly id: string;
    readonly group: string;
    readonly title: string;
    readonly status: CheckStatus;
    readonly text: string;
    readonly notChecked: string | null;
    readonly problems: readonly {
      readonly level: "fail" | "warning";
      readonly node: string | null;
      readonly text: string;
      /** What to do, in words; may be empty. */
      readonly advice: string;
      /** What to type; null: nothing. */
      readonly command: string | null;
      /** What comes after it, or may be typed in its place; may be empty. */
      readonly remark: string;
    }[];
  }[];
}

export function doctorReport(examination: Examination, atMs: number): DoctorReport {
  const { cluster, passed, warnings, failed, notChecked } = examination;
  return {
    version: 1,
    cluster,
    checkedAt: new Date(atMs).toISOString(),
    status: failed > 0 ? "fail" : warnings > 0 ? "warning" : notChecked > 0 ? "not-checked" : "pass",
    counts: { passed, warnings, failed, notChecked },
    checks: examination.checks.map(({ id, group, title, status, text, notChecked: missed, problems }) => ({
      id,
      group,
      title,
      status,
      text,
      notChecked: missed,
      problems: problems.map(({ level, node, text: what, advice, command, remark }) => ({
        level,
        node,
        text: what,
        advice,
        command,
        remark,
      })),
    })),
  };
}
