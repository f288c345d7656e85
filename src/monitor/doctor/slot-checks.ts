/** Checks of slots and WAL (law L10): every standby's own slot, nobody else's, and a limit on what they keep. */
import { formatBytes } from "../../core/diagnose/units.ts";
import { slotName } from "../../core/spec.ts";
import { type Check, type Problem, onServers, problem } from "./check.ts";
import type { ClusterFacts, Server } from "./facts.ts";
import { dropSlot, fromFindings } from "./from-findings.ts";

const MB = 1024 * 1024;
/** Of max_slot_wal_keep_size: more is worth a word before the slot is lost. */
const WARN_SHARE = 0.5;
/** Kept without any limit: more than this is worth a word. */
const WARN_UNLIMITED_BYTES = 1024 * MB;
/** Transactions that a slot may keep vacuum from: autovacuum's own alarm (autovacuum_freeze_max_age) is at 200 million. */
const HORIZON_WARN = 50_000_000;
const HORIZON_FAIL = 200_000_000;
/** Senders or slots to spare: a new standby takes two of each while it is copied. */
const SPARE = 2;

export const SLOT_CHECKS: readonly Check[] = [
  {
    id: "own-slots",
    group: "Slots and WAL",
    title: "Own slots",
    run: onServers(ownSlot, "each standby streams through its own slot"),
  },
  {
    id: "slot-missing",
    group: "Slots and WAL",
    title: "Slots present",
    run: fromFindings({
      codes: ["slot-missing"],
      goodText: () => "a slot for every standby",
      needs: "all",
    }),
  },
  {
    id: "orphan-slots",
    group: "Slots and WAL",
    title: "Orphan slots",
    run: onServers(orphans, "no slot keeps WAL for nobody"),
  },
  {
    id: "lost-slots",
    group: "Slots and WAL",
    title: "Lost slots",
    run: fromFindings({
      codes: ["slot-lost", "slot-unreserved"],
      goodText: () => "no slot has lost WAL, or is about to",
      needs: "all",
    }),
  },
  {
    id: "slot-wal",
    group: "Slots and WAL",
    title: "WAL kept",
    run: onServers(walKept, walKeptText),
  },
  {
    id: "slot-limit",
    group: "Slots and WAL",
    title: "Slot limit",
    run: onServers(slotLimit, slotLimitText),
  },
  {
    id: "slot-horizon",
    group: "Slots and WAL",
    title: "Vacuum horizon",
    run: onServers(horizon, "no slot holds vacuum back for long"),
  },
  {
    id: "slot-capacity",
    group: "Slots and WAL",
    title: "Senders and slots",
    run: onServers(capacity, "max_wal_senders and max_replication_slots leave room for more standbys"),
  },
  {
    id: "archiving",
    group: "Slots and WAL",
    title: "Archiving",
    run: onServers(archiving, (servers) =>
      servers.every(({ health }) => health.settings["archive_mode"] === "off")
        ? "archive_mode is off"
        : "the archiver succeeds",
    ),
  },
];

function ownSlot({ name, health, seen }: Server): Problem[] {
  if (seen.kind !== "standby" || health.receiver === null) return [];
  const wanted = slotName(name);
  if (health.receiver.slot === wanted) return [];
  const text =
    health.receiver.slot === null
      ? `${name} streams without a slot: WAL that it needs may be removed`
      : `${name} streams through the slot ${health.receiver.slot}, not through its own (${wanted})`;
  return [problem("warning", name, text, { command: "pgrep-kit up" })];
}

/** A standby whose slot is not in use is the finding of "Streaming"; slots of nobody are found here, logical ones as well. */
function orphans({ name, health }: Server, { spec, made }: ClusterFacts): Problem[] {
  const primary = made?.authority?.primary;
  const owners = spec.nodes
    .filter((node) => node.name !== name && (node.upstream ?? primary) === name)
    .map((node) => slotName(node.name));
  return health.slots
    .filter((slot) => !slot.active && !slot.synced && !owners.includes(slot.name))
    .map((slot) => {
      const kept = `and keeps ${formatBytes(slot.retainedBytes)} of WAL`;
      const text =
        slot.kind === "logical"
          ? `nobody reads from the logical slot ${slot.name} on ${name}, ${kept.replace("and", "which")}`
          : `slot ${slot.name} on ${name} belongs to no standby ${kept}`;
      return problem("warning", name, text, dropSlot(name, slot.name));
    });
}

function walKept({ name, health }: Server): Problem[] {
  const limit = limitBytes(health.settings);
  return health.slots
    .filter((slot) => slot.walStatus !== "lost")
    .filter((slot) => slot.retainedBytes > (limit === null ? WARN_UNLIMITED_BYTES : limit * WARN_SHARE))
    .map((slot) => {
      const of =
        limit === null ? "without a limit" : `of at most ${formatBytes(limit)} (max_slot_wal_keep_size)`;
      const text = `slot ${slot.name} on ${name} keeps ${formatBytes(slot.retainedBytes)} of WAL ${of}`;
      return problem(
        "warning",
        name,
        text,
        slot.active
          ? { command: "pgrep-kit lag --watch" }
          : { advice: "Bring its reader back, or drop the slot:", command: "pgrep-kit up" },
      );
    });
}

function walKeptText(servers: readonly Server[]): string {
  const slots = servers.flatMap(({ health }) => health.slots);
  const most = Math.max(0, ...slots.map((slot) => slot.retainedBytes));
  return slots.length === 0 ? "there is no slot" : `${formatBytes(most)} at most`;
}

function limitBytes(settings: Readonly<Record<string, string>>): number | null {
  const megabytes = Number(settings["max_slot_wal_keep_size"] ?? -1);
  return megabytes < 0 ? null : megabytes * MB;
}

/** On standbys as well: each of them may be the next primary. */
function slotLimit({ name, health }: Server): Problem[] {
  if (limitBytes(health.settings) !== null) return [];
  const text = `max_slot_wal_keep_size is -1 on ${name}: a standby that stays away fills the disk`;
  return [
    problem(
      "fail",
      name,
      text,
      "Take max_slot_wal_keep_size = -1 out of settings: in the file, and any ALTER SYSTEM; then pgrep-kit up.",
    ),
  ];
}

function slotLimitText(servers: readonly Server[]): string {
  const limits = servers.map(({ health }) => limitBytes(health.settings) ?? 0);
  return `max_slot_wal_keep_size is ${[...new Set(limits)].map(formatBytes).join(", ")}`;
}

/** https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND */
function horizon({ name, health }: Server): Problem[] {
  return health.slots.flatMap((slot) => {
    const age = Math.max(slot.xminAge ?? 0, slot.catalogXminAge ?? 0);
    if (age < HORIZON_WARN) return [];
    const level = age < HORIZON_FAIL ? "warning" : "fail";
    const text = `slot ${slot.name} on ${name} has kept vacuum from removing rows for ${Math.round(age / 1e6)} million transactions`;
    return [problem(level, name, text, dropSlot(name, slot.name))];
  });
}

function capacity({ name, health, seen }: Server): Problem[] {
  const slots = Number(health.settings["max_replication_slots"] ?? 0);
  const senders = Number(health.settings["max_wal_senders"] ?? 0);
  const found: Problem[] = [];
  const remedy = (setting: string): string =>
    `Raise ${setting} under settings: in the file; then pgrep-kit up, and pgrep-kit restart.`;
  if (health.slots.length + SPARE > slots) {
    const text = `${name} has ${health.slots.length} of at most ${slots} slots (max_replication_slots)`;
    found.push(problem("warning", name, text, remedy("max_replication_slots")));
  }
  if (seen.senders.length + SPARE > senders) {
    const text = `${name} has ${seen.senders.length} of at most ${senders} WAL senders (max_wal_senders)`;
    found.push(problem("warning", name, text, remedy("max_wal_senders")));
  }
  return found;
}

function archiving({ name, health }: Server): Problem[] {
  const { archiver, settings } = health;
  if ((settings["archive_mode"] ?? "off") === "off" || archiver === null || !archiver.failing) return [];
  const text = `archiving fails on ${name}: ${archiver.failed} times so far, the last with ${archiver.lastFailedWal ?? "an unknown file"}; WAL is kept until it succeeds`;
  return [
    problem("fail", name, text, {
      advice: "The reason is in its log:",
      command: `pgrep-kit logs ${name}`,
    }),
  ];
}
