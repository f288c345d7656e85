/** Findings about replication slots and senders (law L10): WAL kept for nobody, and standbys that nothing is kept for. */
import { type ReplicationSlot, isRunning } from "../observation.ts";
import { type NodeName, slotName } from "../spec.ts";
import { type Finding, finding } from "./finding.ts";
import { nodeState } from "./node-state.ts";
import { type Scene, expectedUpstream, isInFile, seen } from "./scene.ts";
import { slotLost } from "./standby-findings.ts";
import { formatBytes } from "./units.ts";

/** About the slots and senders that `name` serves others with. */
export function slotFindings(scene: Scene, name: NodeName): Finding[] {
  const node = seen(scene, name);
  if (!isRunning(node)) return [];
  const owners = new Map(servedBy(scene, name).map((standby) => [slotName(standby), standby]));
  const findings = node.slots.flatMap((slot) =>
    slotFinding(scene, name, slot, owners.get(slot.name) ?? null),
  );
  for (const standby of owners.values()) {
    if (!isInFile(scene, standby) || seen(scene, standby)?.kind !== "standby") continue;
    if (
      expectedUpstream(scene, standby) !== name ||
      node.slots.some((slot) => slot.name === slotName(standby))
    )
      continue;
    const message = `${name} has no slot for ${standby}: WAL that it needs may be removed`;
    findings.push(finding("warning", "slot-missing", standby, message, { upstream: name }));
  }
  const strangers = node.senders.filter(
    (row) => row.state !== "backup" && !scene.names.includes(row.applicationName),
  );
  for (const { applicationName } of strangers) {
    const message = `${name} also sends to ${applicationName || "a receiver without a name"}, which is no node of the cluster`;
    findings.push(finding("note", "unknown-receiver", name, message, { applicationName }));
  }
  return findings;
}

/** Who receives from this node, by the file or in fact. */
function servedBy(scene: Scene, name: NodeName): NodeName[] {
  return scene.names.filter(
    (other) => expectedUpstream(scene, other) === name || scene.lags.get(other)?.upstream === name,
  );
}

function slotFinding(
  scene: Scene,
  holder: NodeName,
  slot: ReplicationSlot,
  owner: NodeName | null,
): Finding[] {
  const retained = formatBytes(slot.retainedBytes);
  const facts = { slot: slot.name, holder, retainedBytes: slot.retainedBytes };
  if (owner === null) {
    if (slot.active) return [];
    const message = `slot ${slot.name} on ${holder} belongs to no standby and keeps ${retained} of WAL`;
    const severity = slot.kind === "logical" ? "note" : "warning";
    return [finding(severity, "slot-orphaned", holder, message, facts)];
  }
  // The standby's own row says it where it is the reason that it does not stream.
  if (slot.walStatus === "lost") return nodeState(scene, owner) === "slot-lost" ? [] : [slotLost(owner)];
  if (slot.walStatus !== "unreserved") return [];
  const message = `slot of ${owner} on ${holder} keeps ${retained} and is about to be given up (max_slot_wal_keep_size)`;
  return [finding("warning", "slot-unreserved", owner, message, facts)];
}
