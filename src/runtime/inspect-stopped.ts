/**
 * Looks at a node on which no server runs: what its folder holds, as the node's own tools tell it. What could not be
 * seen to its end is unreachable, never absent (law L5).
 */
import type { AbsentObservation, StoppedObservation, UnreachableObservation } from "../core/observation.ts";
import type { NodeName } from "../core/spec.ts";
import { parseSynchronous } from "../postgres/configuration-file.ts";
import { parseControlData } from "../postgres/control-data.ts";
import type { RuntimeContext } from "./context.ts";
import type { HostNode, ToolResult } from "./node-host.ts";
import { template } from "./templates.ts";

const TIMEOUT_MS = 30_000;
/** The script's last line. */
const END = "end";

type Inspected = StoppedObservation | AbsentObservation | UnreachableObservation;

export async function inspectStopped(
  context: RuntimeContext,
  node: NodeName,
  seen: HostNode,
  signal?: AbortSignal,
): Promise<Inspected> {
  const { host } = context;
  const script = await template("node/inspect.sh");
  const argv = ["sh", "-c", script, "inspect", host.paths(node).root];
  return read(await host.run(node, { argv, timeoutMs: TIMEOUT_MS, readOnly: true }, signal), seen);
}

function read({ exitCode, stdout, stderr }: ToolResult, seen: HostNode): Inspected {
  const [debris, role, ...rest] = stdout.trimEnd().split("\n");
  if (exitCode !== 0 || rest.pop() !== END) return unseen(exitCode, stderr);
  switch (role) {
    case "none":
      return { kind: "absent", debris: debris === "debris" };
    case "standby":
    case "primary": {
      const border = rest.indexOf("settings");
      return {
        kind: "stopped",
        exitCode: seen.state === "stopped" ? seen.exitCode : null,
        stoppedAtMs: seen.state === "stopped" ? seen.stoppedAtMs : null,
        control: parseControlData(rest.slice(0, border).join("\n")),
        standbySignal: role === "standby",
        synchronous: parseSynchronous(rest.slice(border + 1)),
      };
    }
    case "damaged":
      // It may be the mount point of a disk that is missing: nothing may take its place.
      return unreachable("its data directory is there, but holds no database (no PG_VERSION)");
    default:
      return unseen(exitCode, stderr);
  }
}

function unseen(exitCode: number, stderr: string): UnreachableObservation {
  const said = stderr.trim().split("\n").at(-1);
  const why = said === undefined || said === "" ? `the look at it ended with exit code ${exitCode}` : said;
  return unreachable(`its data could not be seen: ${why}`);
}

function unreachable(reason: string): UnreachableObservation {
  return { kind: "unreachable", reason, isStopped: true };
}
