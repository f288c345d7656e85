/** An empty data directory for the first primary (law L8: whole or absent; what is there is kept). */
import type { NodeName } from "../../core/spec.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";
import { template } from "../templates.ts";
import { runCopy } from "./run-copy.ts";

const TIMEOUT_MS = 120_000;

export async function initialise(
  context: RuntimeContext,
  node: NodeName,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { host, credentials } = context;
  await host.create(node);
  await host.writeFiles(node, [
    { path: "conf/superuser", content: `${credentials.superuser}\n`, mode: 0o600 },
  ]);
  const script = await template("node/initialise.sh");
  const argv = ["sh", "-c", script, "initialise", host.paths(node).root, String(context.postgres)];
  await runCopy(
    context,
    node,
    { argv, env: { LC_ALL: "C" }, timeoutMs: TIMEOUT_MS },
    "no data directory could be made",
    signal,
  );
  return { kind: "done" };
}
