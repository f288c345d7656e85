/** `mode`: what a commit waits for. Shown, or changed on the live cluster and proved. */
import { setReplication } from "../../config/edit-cluster-file.ts";
import type { Origin } from "../../config/origins.ts";
import { type ClusterFile, parseClusterFile } from "../../config/read-cluster-file.ts";
import { coverage } from "../../core/authority.ts";
import { confirmers } from "../../core/commit-rule.ts";
import { formatLsn } from "../../core/lsn.ts";
import type { CommitLevel, CommitMode, NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { type Change, type Settled, changeCluster, foreseeChange } from "../change-cluster.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { asTyped, given, positiveNumber } from "../option-values.ts";
import { type OutputFormat, formatStructured } from "../render/structured.ts";
import { EXIT, print, say } from "../terminal.ts";
import { modeReport, showMode } from "./show-mode.ts";

export interface ModeOptions {
  readonly acks?: string;
  readonly commit?: CommitLevel;
  readonly among?: string;
  readonly allowBlocking?: boolean;
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

export async function mode(
  wanted: CommitMode | undefined,
  options: ModeOptions,
  globals: GlobalOptions,
): Promise<number> {
  const { acks, commit, among } = options;
  if (wanted === undefined && acks === undefined && commit === undefined && among === undefined)
    return showMode(options.output, globals);
  if (options.dryRun === true && options.output !== "table") {
    throw new PgrepKitError("usage", {
      message: `what a dry run shows has no ${options.output} form`,
      hint: "Leave out --dry-run or --output.",
    });
  }
  const { file, folder } = await findMade(globals);
  const change: Change = {
    verb: "mode",
    arguments: [
      ...(wanted === undefined ? [] : [wanted]),
      ...given({ acks, commit, among }),
      ...(options.allowBlocking === true ? ["--allow-blocking"] : []),
    ],
    file,
    folder,
    edit: (before) => edited(before, wanted, options),
    startsNothing: true,
    intent: () => ({ kind: "mode", allowBlocking: options.allowBlocking === true }),
    settled: async (_, result) => {
      if (options.output === "table") say(whatCommitsWaitFor(result));
      else print(await formatStructured(options.output, modeReport(result.authority)));
      return EXIT.done;
    },
    unfinished:
      "Commits wait by the new rule already. That it covers every earlier commit as well is not proved yet; the proof stays pending.",
  };
  return options.dryRun === true ? foreseeChange(change) : changeCluster(change);
}

function edited(
  file: ClusterFile,
  wanted: CommitMode | undefined,
  { acks, commit, among }: ModeOptions,
): ClusterFile {
  const text = setReplication(file.text, {
    mode: wanted,
    acks: acks === undefined ? undefined : positiveNumber(acks, "--acks"),
    commit,
    among: among === undefined ? undefined : listOf(among),
  });
  const typed = { mode: ["mode", wanted], acks: ["--acks", acks], among: ["--among", among] } as const;
  const origins = Object.entries(typed).flatMap(([key, [option, value]]): Origin[] =>
    value === undefined ? [] : [{ at: ["replication", key], typed: asTyped(option, value) }],
  );
  return parseClusterFile(file.path, text, origins);
}

function listOf(among: string): NodeName[] | null {
  return among === "all" ? null : among.split(",").map((name) => name.trim());
}

function whatCommitsWaitFor({ authority }: Settled): string {
  const covered = authority === null ? null : coverage(authority);
  if (authority === null || covered?.kind !== "proved" || authority.rule === null) {
    return "Commits wait for no standby. What a standby has not received when the primary dies is lost.";
  }
  const { acks, commit } = authority.rule;
  const names = confirmers(authority.rule, authority.primary);
  const others = acks >= names.length ? names.join(", ") : `at least ${acks} of ${names.join(", ")}`;
  const how =
    commit === "remote_write"
      ? "written, though perhaps not flushed, "
      : commit === "remote_apply"
        ? "visible "
        : "";
  return [
    `Every commit from ${formatLsn(covered.since.lsn)} on is on ${authority.primary} and ${how}on ${others} when it returns.`,
    "(A transaction that sets synchronous_commit to local or off for itself is outside of that.)",
  ].join("\n");
}
