/** Puts concrete hosts together; nothing else in the product knows both. Each is loaded only where it is used. */
import type { ClusterSpec } from "../core/spec.ts";
import type { NodeHost } from "../runtime/node-host.ts";

export async function openHost(spec: ClusterSpec, clusterId: string, stateFolder: string): Promise<NodeHost> {
  const common = { cluster: spec.name, clusterId, major: spec.postgres };
  if (spec.runtime === "docker") {
    const { openDockerHost } = await import("../runtime/docker/docker-host.ts");
    return openDockerHost({ ...common, image: spec.image ?? defaultImage(spec.postgres) });
  }
  const { openProcessHost } = await import("../runtime/process/process-host.ts");
  return openProcessHost({ ...common, stateFolder });
}

export function defaultImage(major: number): string {
  return `postgres:${major}`;
}
