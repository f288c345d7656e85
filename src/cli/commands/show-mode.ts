/** `mode` without an argument: what commits wait for now, by the record, and how far that is proved. */
import { coverage } from "../../core/authority.ts";
import { formatLsn } from "../../core/lsn.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import { commitText } from "../render/status.ts";
import { type OutputFormat, formatStructured } from "../render/structured.ts";
import { EXIT, print } from "../terminal.ts";

export async function showMode(form: OutputFormat, globals: GlobalOptions): Promise<number> {
  await using cluster = await findCluster(globals);
  const authority = await cluster.authority.read();
  const covered = authority === null ? null : coverage(authority);
  const proof = covered?.kind ?? "none";
  const since = covered?.kind === "proved" ? covered.since : null;
  if (form !== "table") {
    print(
      await formatStructured(form, {
        version: 1,
        mode:
          authority?.rule === null || authority === null
            ? "async"
            : authority.rule.method === "FIRST"
              ? "sync"
              : "quorum",
        acks: authority?.rule?.acks ?? null,
        commit: authority?.rule?.commit ?? null,
        listed: authority?.rule?.listed ?? [],
        proof,
        sinceLsn: since === null ? null : formatLsn(since.lsn),
        sinceTimeline: since?.timeline ?? null,
      }),
    );
    return EXIT.done;
  }
  const how = {
    none: "",
    pending: " · proof pending: run the same mode again",
    proved: since === null ? "" : ` · proved since ${formatLsn(since.lsn)}`,
  };
  print(authority === null ? "no authority record" : `${commitText(authority)}${how[proof]}`);
  return EXIT.done;
}
