/**
 * Reads a primary's WAL position once more, after every standby was read: what a standby holds then can never be more,
 * unless the primary's data is older than it was. One look at all nodes at once could not tell that from a busy primary.
 */
import { lsn } from "../core/lsn.ts";
import type { NodeObservation } from "../core/observation.ts";
import type { NodeName } from "../core/spec.ts";
import { FLUSHED_POSITION } from "../postgres/queries.ts";
import type { RuntimeContext } from "./context.ts";

const TIMEOUT_MS = 2_000;

export async function withLatestPosition(
  context: RuntimeContext,
  name: NodeName,
  node: NodeObservation,
): Promise<NodeObservation> {
  if (node.kind !== "primary") return node;
  try {
    const session = await context.sessions.to(name);
    const [row] = await session.query(FLUSHED_POSITION, [], TIMEOUT_MS);
    return { ...node, flushed: { timeline: Number(row?.["timeline"]), lsn: lsn(String(row?.["flushed"])) } };
  } catch {
    // It has gone since: what was seen of it a moment ago is still what was seen.
    return node;
  }
}
