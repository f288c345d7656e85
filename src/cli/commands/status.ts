/** `status`: one screen that says how the cluster is, and what a failover would lose now. */
import { diagnose } from "../../core/diagnose.ts";
import { statusReport } from "../../monitor/status-report.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import type { OpenCluster } from "../open-cluster.ts";
import { seconds } from "../option-values.ts";
import { renderStatus } from "../render/status.ts";
import type { OutputFormat } from "../render/structured.ts";
import { EXIT } from "../terminal.ts";
import { type Look, show } from "../watch.ts";

export interface StatusOptions {
  readonly watch?: boolean;
  readonly interval: string;
  readonly output: OutputFormat;
}

/** The verbs that this version has, so that no other is suggested. */
const VERBS: ReadonlySet<string> = new Set([
  "up",
  "mode",
  "psql",
  "logs",
  "restart",
  "doctor",
  "lag",
  "history",
  "remove-standby",
  "add-standby",
]);

export async function status(options: StatusOptions, globals: GlobalOptions): Promise<number> {
  const intervalMs = seconds(options.interval, "--interval");
  await using cluster = await findCluster(globals);
  return await show(() => look(cluster), {
    watch: options.watch === true,
    intervalMs,
    output: options.output,
  });
}

async function look(cluster: OpenCluster): Promise<Look> {
  const { spec } = cluster;
  const [observation, authority] = await Promise.all([
    cluster.runtime.observe(cluster.nodes),
    cluster.authority.read(),
  ]);
  const diagnosis = diagnose(spec, authority, observation);
  const view = { spec, authority, observation, diagnosis, verbs: VERBS };
  return {
    lines: (screen) => renderStatus(view, screen),
    report: () => statusReport(spec, authority, observation, diagnosis),
    exitCode: diagnosis.verdict === "healthy" ? EXIT.done : EXIT.badVerdict,
  };
}
