/** `lag`: how far each standby is behind. Speaks to monitoring systems by its exit code and first line. */
import { standbyLags } from "../../core/lag.ts";
import { lagReport } from "../../monitor/lag-report.ts";
import { type LagTrail, extendTrail } from "../../monitor/lag-trail.ts";
import { LAG_EXIT_CODES, assessLag } from "../../monitor/lag.ts";
import { type Thresholds, parseThresholds } from "../../monitor/thresholds.ts";
import { PgrepKitError, messageOf } from "../../support/errors.ts";
import { type GlobalOptions, findCluster } from "../find-cluster.ts";
import type { OpenCluster } from "../open-cluster.ts";
import { seconds } from "../option-values.ts";
import { reportFailure } from "../failure.ts";
import { renderLag } from "../render/lag.ts";
import type { OutputFormat } from "../render/structured.ts";
import { print } from "../terminal.ts";
import { type Look, show } from "../watch.ts";

export interface LagOptions {
  readonly watch?: boolean;
  readonly warn?: string;
  readonly crit?: string;
  readonly interval: string;
  readonly output: OutputFormat;
}

/** Whatever goes wrong is "unknown" to a monitoring system, never some other program's code. */
export async function lag(options: LagOptions, globals: GlobalOptions): Promise<number> {
  try {
    return await judge(options, globals);
  } catch (error) {
    if (options.output === "table" && options.watch !== true) print(`LAG UNKNOWN: ${messageOf(error)}`);
    await reportFailure(error, options.output === "json");
    return LAG_EXIT_CODES.unknown;
  }
}

/** A command line that could not be read never gets as far as `lag`; stderr has been told. */
export function misused(error: unknown, options: Partial<LagOptions>): number {
  const [first = ""] = messageOf(error)
    .replace(/^error: /, "")
    .split("\n");
  if (options.output === "table" && options.watch !== true) print(`LAG UNKNOWN: ${first}`);
  return LAG_EXIT_CODES.unknown;
}

async function judge(options: LagOptions, globals: GlobalOptions): Promise<number> {
  const parsed = parseThresholds(options.warn, options.crit);
  if (!parsed.ok) throw new PgrepKitError("usage", parsed);
  const { thresholds } = parsed;
  const intervalMs = seconds(options.interval, "--interval");
  await using cluster = await findCluster(globals);
  const state = { trail: [] as LagTrail };
  return await show(() => look(cluster, thresholds, state), {
    watch: options.watch === true,
    intervalMs,
    output: options.output,
  });
}

async function look(cluster: OpenCluster, thresholds: Thresholds, state: { trail: LagTrail }): Promise<Look> {
  const { spec } = cluster;
  const [observation, authority] = await Promise.all([
    cluster.runtime.observe(cluster.nodes),
    cluster.authority.read(),
  ]);
  const assessment = assessLag(spec, authority, observation, thresholds, state.trail);
  state.trail = extendTrail(state.trail, observation.atMs, standbyLags(spec, authority, observation));
  return {
    lines: (screen) => renderLag(assessment, screen, !screen.interactive),
    report: () => lagReport(assessment),
    exitCode: LAG_EXIT_CODES[assessment.verdict],
  };
}
