/** Whom a standby follows in fact, told from what its server says. What it ought to follow is in `spec.ts`. */
import type { Observation, StandbyObservation } from "../observation.ts";
import type { NodeName } from "../spec.ts";

export type Followed =
  | { readonly kind: "node"; readonly node: NodeName }
  /** `host:port` that belongs to no node we know. */
  | { readonly kind: "stranger"; readonly address: string }
  /** Its primary_conninfo is empty. */
  | { readonly kind: "nobody" };

export function followedBy(standby: StandbyObservation, wiring: Observation["wiring"]): Followed {
  const target = standby.receiver ?? targetOf(standby.primaryConninfo);
  if (target === null) return { kind: "nobody" };
  const found = Object.entries(wiring).find(
    ([, wire]) => wire.peerHost === target.host && wire.peerPort === target.port,
  );
  if (found !== undefined) return { kind: "node", node: found[0] };
  return { kind: "stranger", address: `${target.host}:${target.port}` };
}

/** Host and port of a connection string; hosts and ports never need quotes in ours, and others' are strangers anyway. */
function targetOf(conninfo: string): { readonly host: string; readonly port: number } | null {
  const host = /(?:^|\s)host\s*=\s*'?([^\s']+)/.exec(conninfo)?.[1];
  if (host === undefined) return null;
  const port = /(?:^|\s)port\s*=\s*'?(\d+)/.exec(conninfo)?.[1];
  return { host, port: Number(port ?? 5432) };
}
