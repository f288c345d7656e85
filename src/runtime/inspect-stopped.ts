/** Looks at a node on which no server runs: what its folder holds, as the node's own tools tell it. */
import type { AbsentObservation, StoppedObservation } from "../core/observation.ts";
import type { NodeName } from "../core/spec.ts";
import { parseSynchronous } from "../postgres/configuration-file.ts";
import { parseControlData } from "../postgres/control-data.ts";
import type { RuntimeContext } from "./context.ts";
import type { HostNode } from "./node-host.ts";
import { template } from "./templates.ts";

const TIMEOUT_MS = 30_000;

export async function inspectStopped(
  context: RuntimeContext,
  node: NodeName,
  seen: HostNode,
  signal?: AbortSignal,
): Promise<StoppedObservation | AbsentObservation> {
  const { host } = context;
  const script = await template("node/inspect.sh");
  const argv = ["sh", "-c", script, "inspect", host.paths(node).root];
  const { stdout } = await host.run(node, { argv, timeoutMs: TIMEOUT_MS }, signal);
  const [debris, role, ...rest] = stdout.split("\n");
  const border = rest.indexOf("settings");
  if (role !== "standby" && role !== "primary") return { kind: "absent", debris: debris === "debris" };
  return {
    kind: "stopped",
    exitCode: seen.state === "stopped" ? seen.exitCode : null,
    stoppedAtMs: seen.state === "stopped" ? seen.stoppedAtMs : null,
    control: parseControlData(rest.slice(0, border).join("\n")),
    standbySignal: role === "standby",
    synchronous: parseSynchronous(rest.slice(border + 1)),
  };
}
