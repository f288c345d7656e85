/**
 * Changes the settings of a running server without a restart and without touching a connection.
 * Values that PostgreSQL would not take are found out beside the real file, before anything is replaced.
 */
import { type NodeConfiguration, OWN_SETTINGS, TOKEN_SETTING } from "../../core/node-configuration.ts";
import type { NodeName } from "../../core/spec.ts";
import { FILE_AND_OVERRIDES, LOADED_TOKEN, RELOAD, resetOverride } from "../../postgres/queries.ts";
import type { Session } from "../../postgres/session.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { until } from "../../support/until.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";
import { replaceFile } from "./replace-file.ts";
import { configurationFile } from "./write-configuration.ts";

const LOAD_DEADLINE_MS = 10_000;
const POLL_MS = 10;
const TRIAL_TIMEOUT_MS = 30_000;
const TRIAL = "trial.conf";

export async function configure(
  context: RuntimeContext,
  node: NodeName,
  configuration: NodeConfiguration,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const session = await context.sessions.to(node);
  const [before] = await session.query(FILE_AND_OVERRIDES);
  const file = (before?.["file"] ?? {}) as Record<string, string>;
  const overrides = (before?.["overrides"] ?? {}) as Record<string, string>;
  if (changesUserSettings(file, configuration)) await tryOut(context, node, configuration, signal);
  await replaceFile(context, session, node, await configurationFile(context, node, configuration));
  for (const name of Object.keys(overrides)) {
    if (OWN_SETTINGS.has(name)) await session.query(resetOverride(name));
  }
  await session.query(RELOAD);
  const loaded = await until(() => hasLoaded(context, node, configuration.token), {
    everyMs: POLL_MS,
    deadlineMs: LOAD_DEADLINE_MS,
    signal,
  });
  return loaded === null ? { kind: "unknown", waitedFor: `${node} to load its settings` } : { kind: "done" };
}

/** Asked in a new session each time: it is forked from the postmaster, so it shows what every later one will have. */
async function hasLoaded(context: RuntimeContext, node: NodeName, token: string): Promise<true | null> {
  await using session: Session = await context.sessions.fresh(node);
  const [row] = await session.query(LOADED_TOKEN);
  return row?.["token"] === token ? true : null;
}

function changesUserSettings(
  file: Readonly<Record<string, string>>,
  configuration: NodeConfiguration,
): boolean {
  const names = new Set([...Object.keys(file), ...Object.keys(configuration.settings)]);
  return [...names].some(
    (name) =>
      !OWN_SETTINGS.has(name) && name !== TOKEN_SETTING && file[name] !== configuration.settings[name],
  );
}

/** `postgres -C` reads a whole configuration and exits: a value that it does not take ends it with the reason. */
async function tryOut(
  context: RuntimeContext,
  node: NodeName,
  configuration: NodeConfiguration,
  signal: AbortSignal,
): Promise<void> {
  const { host } = context;
  const paths = host.paths(node);
  await host.writeFiles(node, [await configurationFile(context, node, configuration, TRIAL)]);
  const argv = [
    "postgres",
    "-D",
    paths.data,
    "-c",
    `config_file=${paths.conf}/${TRIAL}`,
    "-C",
    "cluster_name",
  ];
  const result = await host.run(node, { argv, env: { LC_ALL: "C" }, timeoutMs: TRIAL_TIMEOUT_MS }, signal);
  if (result.exitCode === 0) return;
  throw new PgrepKitError("setting-refused", {
    message: `PostgreSQL does not take the settings of the file on ${node}`,
    detail: result.stderr
      .trim()
      .split("\n")
      .map((line) => line.replace(/^.*?(LOG|FATAL|DETAIL|HINT): +/, ""))
      .join("\n"),
    hint: "Mend `settings:` in the file. The server still runs with the settings it had.",
  });
}
