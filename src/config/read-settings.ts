/**
 * The `settings` of a cluster file: postgresql.conf settings of the user, as text. What pgrep-kit sets itself is refused,
 * with the key that sets it; so is what would take replication or its limits away. Whether PostgreSQL knows a setting and
 * likes its value, only PostgreSQL can tell.
 */
import { OWN_SETTINGS } from "../core/node-configuration.ts";
import { type Problems, quoted, report } from "./problems.ts";
import { type Entry, described, readMap, scalarOf } from "./yaml-reading.ts";

const LONGEST_VALUE = 1000;

/** Which key of the file, or which command, does what one of our own settings does. */
const INSTEAD: Readonly<Record<string, string>> = {
  cluster_name: "The name of the node sets it.",
  primary_conninfo: "The upstream of the node sets it.",
  primary_slot_name: "The upstream of the node sets it.",
  recovery_min_apply_delay: "The delay of the node sets it.",
  synchronous_commit: "replication.commit sets it.",
  synchronous_standby_names: "replication.mode, acks and among set it.",
  port: "pgrep-kit chooses a free one; pgrep-kit uri shows it.",
  listen_addresses: "Nodes listen where pgrep-kit and their peers reach them, and nowhere else.",
};

/** The settings by lower-case name; empty where there are none. */
export function readSettings(
  problems: Problems,
  entry: Entry | undefined,
  nodeCount: number,
): Record<string, string> {
  // `settings:` with everything under it commented out.
  if (entry === undefined || entry.value === null) return {};
  const entries = readMap(problems, entry.value, "settings", entry.offset);
  const settings: Record<string, string> = {};
  for (const setting of entries?.values() ?? []) {
    const name = readName(problems, setting);
    const value = readValue(problems, setting);
    if (name === null || value === null) continue;
    const weakness = weaknessOf(name, value, nodeCount);
    if (Object.hasOwn(settings, name))
      report(problems, setting.keyOffset, `the setting ${name} is there twice`);
    else if (weakness !== null) report(problems, setting.offset, weakness.message, weakness.hint);
    settings[name] = value;
  }
  return settings;
}

/** PostgreSQL does not distinguish upper and lower case in names; one of two parts belongs to an extension. */
function readName(problems: Problems, { key, keyOffset }: Entry): string | null {
  const name = key.toLowerCase();
  if (!/^[a-z_][a-z0-9_$]{0,62}(\.[a-z_][a-z0-9_$]{0,62})?$/.test(name)) {
    report(problems, keyOffset, `${quoted(key)} is no name of a PostgreSQL setting`);
    return null;
  }
  if (OWN_SETTINGS.has(name) || name.startsWith("recovery_target") || name.startsWith("pgrep_kit.")) {
    const hint = INSTEAD[name] ?? "Remove it: pgrep-kit depends on its own value.";
    report(problems, keyOffset, `the setting ${name} belongs to pgrep-kit`, hint);
    return null;
  }
  return name;
}

function readValue(problems: Problems, { name, offset, value }: Entry): string | null {
  const scalar = scalarOf(problems, value, name);
  const text = scalar === null ? null : settingText(scalar.value, scalar.source);
  if (text === null) {
    const message = `${name} must be a number, a text, on or off, not ${described(value)}`;
    report(
      problems,
      offset,
      message,
      value === null ? `For an empty value write ${name.split(".")[1]}: ""` : null,
    );
    return null;
  }
  // Each setting is one line of a file on the node.
  if (/\p{Cc}/u.test(text)) {
    report(problems, offset, `${name} holds a line break or another control character`);
    return null;
  }
  if (text.length > LONGEST_VALUE) {
    report(problems, offset, `${name} is longer than ${LONGEST_VALUE} characters`);
    return null;
  }
  return text;
}

function settingText(value: unknown, source: string | undefined): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  // As it was written: a number in JavaScript has 53 bits and no trailing zeros. But not with leading ones, which make it
  // octal for PostgreSQL and not for YAML.
  return source !== undefined && /^[-+]?(0|[1-9]\d*)(\.\d+)?$/.test(source) ? source : String(value);
}

interface Weakness {
  readonly message: string;
  readonly hint: string;
}

/** Values with which there would be no replication, no SCRAM (DESIGN §7) or no limit on what slots keep (law L10). */
function weaknessOf(name: string, value: string, nodeCount: number): Weakness | null {
  const number = /^[-+]?\d+$/.test(value) ? Number(value) : null;
  switch (name) {
    case "wal_level":
      if (value === "replica" || value === "logical") return null;
      return {
        message: `settings.wal_level is ${quoted(value)}, with which nothing replicates`,
        hint: "Use replica or logical.",
      };
    case "max_wal_senders":
    case "max_replication_slots":
      if (number === null || number >= nodeCount) return null;
      return {
        message: `settings.${name} is ${number}, too few for ${nodeCount} nodes`,
        hint: `Use ${nodeCount} or more; a copy in progress needs one as well.`,
      };
    case "max_slot_wal_keep_size":
      if (!value.trim().startsWith("-")) return null;
      return {
        message: "settings.max_slot_wal_keep_size sets no limit, so that a lost standby could fill the disk",
        hint: "Give the size that the disk can spare: 10GB.",
      };
    case "password_encryption":
      if (value === "scram-sha-256") return null;
      return {
        message: `settings.password_encryption is ${quoted(value)}`,
        hint: "Remove it: everybody authenticates with SCRAM.",
      };
    default:
      return null;
  }
}
