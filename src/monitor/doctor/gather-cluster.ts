/**
 * Looks at a cluster that was made: one observation, then one question to every server that runs, side by side.
 * It changes nothing; whatever does not answer in time is missing from the facts.
 */
import type { Authority } from "../../core/authority.ts";
import { diagnose } from "../../core/diagnose.ts";
import { type Observation, isRunning } from "../../core/observation.ts";
import type { ClusterSpec, NodeName } from "../../core/spec.ts";
import type { NodeHost } from "../../runtime/node-host.ts";
import type { NodeRuntime } from "../../runtime/node-runtime.ts";
import { isTaken } from "../../support/taken-port.ts";
import type { MadeFacts } from "./facts.ts";
import type { ServerHealth } from "./server-health.ts";

/** A server's answer, but for its clock, which is measured here. */
export type HealthAnswer = Omit<ServerHealth, "clock"> & { readonly nowMs: number };

export interface ClusterSources {
  readonly spec: ClusterSpec;
  /** Those of the file and those that the state remembers. */
  readonly nodes: readonly NodeName[];
  readonly authority: Authority | null;
  readonly host: NodeHost;
  readonly runtime: NodeRuntime;
  /** Opens the connection if there is none; rejects when the server does not answer. */
  readonly reach: (node: NodeName) => Promise<() => Promise<HealthAnswer>>;
  /** By the state; null: it never had one. */
  readonly portOf: (node: NodeName) => number | null;
}

export async function gatherCluster(sources: ClusterSources): Promise<MadeFacts> {
  const { spec, authority, nodes } = sources;
  const observation = await sources.runtime.observe(nodes);
  const [health, freeBytes, takenPorts] = await Promise.all([
    healthOf(sources, observation),
    freeBytesOf(sources),
    takenPortsOf(sources, observation),
  ]);
  return {
    authority,
    observation,
    diagnosis: diagnose(spec, authority, observation),
    health,
    freeBytes,
    takenPorts,
  };
}

async function healthOf(
  { reach }: ClusterSources,
  { nodes }: Observation,
): Promise<Record<NodeName, ServerHealth>> {
  const running = Object.keys(nodes).filter((name) => isRunning(nodes[name]));
  const answers = await Promise.all(
    running.map(async (name) => {
      try {
        return [[name, await ask(await reach(name))] as const];
      } catch {
        return [];
      }
    }),
  );
  return Object.fromEntries(answers.flat());
}

/** The server read its clock somewhere within the round trip: in the middle, give or take half of it. */
async function ask(question: () => Promise<HealthAnswer>): Promise<ServerHealth> {
  const askedMs = Date.now();
  const { nowMs, ...rest } = await question();
  const answeredMs = Date.now();
  const offsetMs = nowMs - (askedMs + answeredMs) / 2;
  return { ...rest, clock: { offsetMs, uncertaintyMs: (answeredMs - askedMs) / 2 } };
}

async function freeBytesOf({ host, spec }: ClusterSources): Promise<Record<NodeName, number | null>> {
  const seen = await Promise.all(
    spec.nodes.map(async ({ name }) => [name, await host.freeBytes(name).catch(() => null)] as const),
  );
  return Object.fromEntries(seen);
}

async function takenPortsOf({ spec, portOf }: ClusterSources, { nodes }: Observation) {
  const down = spec.nodes.flatMap(({ name }) => {
    const kind = nodes[name]?.kind;
    const port = portOf(name);
    return (kind === "stopped" || kind === "absent") && port !== null ? [{ node: name, port }] : [];
  });
  const taken = await Promise.all(down.map(({ port }) => isTaken(port)));
  return down.filter((_, index) => taken[index] === true);
}
