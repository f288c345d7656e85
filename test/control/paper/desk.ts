// What a command has on its desk, made of paper: record and journal in memory, and a drive that can be killed.
import { type DriveResult, drive } from "../../../src/control/drive.ts";
import type { AuthorityStore } from "../../../src/control/authority-store.ts";
import type { Journal, JournalEntry, JournalEvent } from "../../../src/control/journal.ts";
import { type Authority, type AuthorityChange, changed } from "../../../src/core/authority.ts";
import type { Intent } from "../../../src/core/decision.ts";
import type { ClusterSpec } from "../../../src/core/spec.ts";
import { Killed, type PaperCluster } from "./servers.ts";

export interface PaperRecord extends AuthorityStore {
  current: Authority | null;
}

export function paperRecord(onChange: (change: AuthorityChange) => void = () => undefined): PaperRecord {
  const record: PaperRecord = {
    current: null,
    read: async () => record.current,
    change: async (change) => {
      const after = changed(record.current, change);
      if (after === null) throw new Error(`the record does not take ${change.kind}`);
      record.current = after;
      onChange(change);
      return after;
    },
  };
  return record;
}

function paperJournal(): Journal & { readonly entries: JournalEvent[] } {
  const entries: JournalEvent[] = [];
  return {
    entries,
    append: async (event) => {
      entries.push(event);
      return { ...event, seq: entries.length, at: "", command: "" } as JournalEntry;
    },
    read: async function* () {},
  };
}

/** One command; null when it was killed midway. */
export async function command(
  cluster: PaperCluster,
  record: AuthorityStore,
  spec: ClusterSpec,
  intent: Intent,
): Promise<DriveResult | null> {
  try {
    return await drive({
      intent,
      spec,
      nodes: spec.nodes.map((node) => node.name),
      runtime: cluster,
      authority: record,
      journal: paperJournal(),
      listener: {},
      signal: new AbortController().signal,
    });
  } catch (error) {
    if (error instanceof Killed) return null;
    throw error;
  }
}
