/** `mode` without an argument: what commits wait for now, by the record, and how far that is proved. */
import { type Authority, coverage } from "../../core/authority.ts";
import { formatLsn } from "../../core/lsn.ts";
import { commitReport } from "../../monitor/status-report.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import { commitText } from "../render/status.ts";
import { type OutputFormat, formatStructured } from "../render/structured.ts";
import { EXIT, print } from "../terminal.ts";

const UNKNOWN = { mode: null, acks: null, level: null, confirmers: [], proof: "none", provedSince: null };

/** `commit` of `status -o json`, by itself; `guides/json.md` lists every key. */
export function modeReport(authority: Authority | null) {
  return { version: 1, ...(authority === null ? UNKNOWN : commitReport(authority)) } as const;
}

export async function showMode(form: OutputFormat, globals: GlobalOptions): Promise<number> {
  await using cluster = await findCluster(globals);
  const authority = await cluster.authority.read();
  print(form === "table" ? shown(authority) : await formatStructured(form, modeReport(authority)));
  return EXIT.done;
}

function shown(authority: Authority | null): string {
  if (authority === null) return "no authority record";
  const covered = coverage(authority);
  switch (covered.kind) {
    case "none":
      return commitText(authority);
    case "pending":
      return `${commitText(authority)} · proof pending: run the same mode again`;
    case "proved":
      return `${commitText(authority)} · proved since ${formatLsn(covered.since.lsn)}`;
  }
}
