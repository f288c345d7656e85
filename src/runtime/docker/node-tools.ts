/**
 * Programs on a node's volume: in the server's own container while it runs, else in the node's toolbox, or in a reader
 * where they only read.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { Tool, ToolResult } from "../node-host.ts";
import { seeServer } from "./containers.ts";
import type { Engine } from "./engine-client.ts";
import { diskFull, tellsOfFullDisk } from "./engine-error.ts";
import { UNKNOWN_EXIT, execIn, type ExecRequest, type ExecResult } from "./exec.ts";
import { MOUNT_POINT, type ClusterIdentity } from "./names.ts";
import type { RunOnVolume } from "./node-files.ts";
import { MISSING_PROGRAM, PROGRAM_ENV, programCommand } from "./run-script.ts";
import type { ToolContainers, Toolboxes } from "./toolboxes.ts";

/** How a program ends when its container is killed around it. */
const KILLED = 137;

/** A short script takes milliseconds; so long it takes only when the disk or the engine hangs. */
const SCRIPT_TIMEOUT_MS = 60_000;

/** For short scripts that do no harm when they are run twice. `apart`: where they run while no server does. */
export function runOnVolume(
  engine: Engine,
  apart: Toolboxes,
  identity: ClusterIdentity,
  node: NodeName,
): RunOnVolume {
  return async (argv, stdin) => {
    const deadline = AbortSignal.timeout(SCRIPT_TIMEOUT_MS);
    const request = { argv, signal: deadline, ...(stdin === undefined ? {} : { stdin }) };
    try {
      if (!apart.isOpen(node)) {
        const result = await execInServer(engine, identity, node, request);
        const isWhole = result !== null && result.exitCode !== UNKNOWN_EXIT && result.exitCode !== KILLED;
        if (isWhole) return result;
      }
      return await apart.exec(node, request);
    } catch (thrown) {
      if (!deadline.aborted) throw thrown;
      throw new PgrepKitError("deadline", {
        message: `files of node ${node} could not be read or written within ${SCRIPT_TIMEOUT_MS / 1000} s`,
        hint: "See whether the engine's disk or the container hangs, then run the command again.",
      });
    }
  };
}

/** Runs an offline tool. On abort and past its deadline it is killed, and gone when this returns. */
export async function runTool(
  containers: ToolContainers,
  { image, major }: { readonly image: string; readonly major: number },
  node: NodeName,
  tool: Tool,
  signal: AbortSignal | undefined,
): Promise<ToolResult> {
  const name = tool.argv[0] ?? "";
  const deadline = AbortSignal.timeout(tool.timeoutMs);
  const env = Object.entries(tool.env ?? {}).map(([key, value]) => `${key}=${value}`);
  try {
    const where = tool.readOnly === true ? containers.reading(node) : containers.toolboxes;
    const result = await where.exec(node, {
      argv: await programCommand(major, tool.argv),
      env: [...PROGRAM_ENV, ...env],
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    refuseBrokenRun(result, name, node, image);
    return result;
  } catch (thrown) {
    if (signal?.aborted === true || !deadline.aborted) throw thrown;
    throw new PgrepKitError("deadline", {
      message: `${name} for node ${node} has not ended within ${tool.timeoutMs / 1000} s`,
      detail: "It was killed.",
      hint: "Run the command again; what it left half-done is not used.",
    });
  }
}

function refuseBrokenRun(result: ToolResult, name: string, node: NodeName, image: string): void {
  const { exitCode, stderr } = result;
  if (exitCode === 0) return;
  if (tellsOfFullDisk(stderr)) throw diskFull(`run ${name} for node ${node}`, new Error(stderr.trim()));
  if (exitCode === MISSING_PROGRAM && stderr.includes("pgrep-kit: the image has no program")) {
    throw new PgrepKitError("image-unusable", {
      message: `the image ${image} has no ${name}`,
      hint: "Choose an image with the PostgreSQL server's programs; the official postgres images have them.",
    });
  }
  if (exitCode === UNKNOWN_EXIT) {
    throw new PgrepKitError("docker-failed", {
      message: `${name} for node ${node} was cut off: its container is gone`,
      hint: "Run the command again.",
    });
  }
}

/** Null while nothing runs on the volume. */
export async function freeBytes(
  engine: Engine,
  toolboxes: Toolboxes,
  identity: ClusterIdentity,
  node: NodeName,
): Promise<number | null> {
  const argv = ["df", "-P", "-k", MOUNT_POINT];
  const result = toolboxes.isOpen(node)
    ? await toolboxes.exec(node, { argv })
    : await execInServer(engine, identity, node, { argv });
  if (result === null || result.exitCode !== 0) return null;
  // Filesystem, blocks, used, available: the fourth column, after the headings' line.
  const available = Number(result.stdout.trim().split("\n").at(-1)?.split(/\s+/)[3]);
  return Number.isInteger(available) ? available * 1024 : null;
}

/** Null: no server runs. */
async function execInServer(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
  request: Omit<ExecRequest, "container">,
): Promise<ExecResult | null> {
  const seen = await seeServer(engine, identity, node);
  if (seen?.State.Status !== "running") return null;
  return await execIn(engine, { ...request, container: seen.Id });
}
