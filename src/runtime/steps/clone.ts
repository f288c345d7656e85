/** A base backup of a running server, which becomes a standby (law L8: whole or absent). */
import { REPLICATION_ROLE } from "../../core/node-configuration.ts";
import type { Step } from "../../core/plan.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";
import { template } from "../templates.ts";
import { runCopy } from "./run-copy.ts";
import { passfile, passfilePath } from "./write-configuration.ts";

/** A copy takes as long as there is data: this bound is for one that hangs. */
const TIMEOUT_MS = 24 * 3_600_000;

export async function clone(
  context: RuntimeContext,
  step: Step & { kind: "clone" },
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { host } = context;
  const paths = host.paths(step.node);
  const upstream = host.wiring(step.from, context.portOf(step.from)).peer;
  await host.create(step.node);
  await host.writeFiles(step.node, [passfile(context)]);
  // Not under the node's name: with a slot the WAL stream of a copy reports what it flushed, so that a primary which
  // knows it by a listed name would let it confirm commits, though an interrupted copy is thrown away.
  const conninfo = `host=${upstream.host} port=${upstream.port} user=${REPLICATION_ROLE}`;
  const argv = ["sh", "-c", await template("node/clone.sh"), "clone", paths.root, conninfo, step.slot];
  const tool = { argv, env: { LC_ALL: "C", PGPASSFILE: passfilePath(paths) }, timeoutMs: TIMEOUT_MS };
  await runCopy(context, step.node, tool, `${step.from} could not be copied`, signal);
  return { kind: "done" };
}
