/**
 * Reads what `pg_controldata` prints (with LC_ALL=C). The tool is asked, not the file: its layout changes between versions.
 * https://www.postgresql.org/docs/current/app-pgcontroldata.html
 */
import { parseLsn } from "../core/lsn.ts";
import type { ControlData } from "../core/observation.ts";

/** By the name of the setting, what the tool calls it. */
const LIMITS: Readonly<Record<string, string>> = {
  max_connections: "max_connections setting",
  max_worker_processes: "max_worker_processes setting",
  max_wal_senders: "max_wal_senders setting",
  max_prepared_transactions: "max_prepared_xacts setting",
  max_locks_per_transaction: "max_locks_per_xact setting",
};

function limitsOf(fields: ReadonlyMap<string, string>): Record<string, number> {
  const values = Object.entries(LIMITS).map(([name, label]) => [name, Number(fields.get(label))] as const);
  return Object.fromEntries(values.filter(([, value]) => Number.isInteger(value)));
}

/** Null where the text is not what the tool prints for a sound control file. */
export function parseControlData(text: string): ControlData | null {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const systemIdentifier = fields.get("Database system identifier");
  const timeline = Number(fields.get("Latest checkpoint's TimeLineID"));
  const checkpoint = parseLsn(fields.get("Latest checkpoint location") ?? "");
  const state = fields.get("Database cluster state");
  if (
    systemIdentifier === undefined ||
    state === undefined ||
    checkpoint === null ||
    !Number.isInteger(timeline)
  )
    return null;
  const checksums = fields.get("Data page checksum version") !== "0";
  return { systemIdentifier, timeline, checkpoint, state, checksums, limits: limitsOf(fields) };
}
