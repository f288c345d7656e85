/**
 * The authority record on disk (law L1): `.pgrep-kit/authority.json`, replaced atomically and durably.
 * What may change in it is decided in `core/authority.ts`; here nothing is ever inferred, repaired or made up.
 */
import { join } from "node:path";
import { type Authority, type AuthorityChange, type Proof, changed } from "../core/authority.ts";
import type { CommitRule } from "../core/commit-rule.ts";
import { formatLsn, parseLsn } from "../core/lsn.ts";
import type { WalPosition } from "../core/timeline.ts";
import { PgrepKitError } from "../support/errors.ts";
import { isObject, readJson, writeDurably } from "../support/files.ts";
import { inTurn } from "./in-turn.ts";
import type { StateFolder } from "./state-folder.ts";

export interface AuthorityStore {
  /** Null: no primary was ever appointed. */
  read(): Promise<Authority | null>;
  /**
   * Makes the change durable and answers the new record. Throws `authority-changed`, with nothing written, where the
   * record is no longer the one that this store last read or wrote, or where the change does not apply to it.
   */
  change(change: AuthorityChange): Promise<Authority>;
}

const HINT =
  "Nothing was changed. Restore the file from a backup; pgrep-kit never guesses who may be primary.";

export function openAuthorityStore(folder: StateFolder): AuthorityStore {
  const path = join(folder.path, "authority.json");
  const turn = inTurn();
  /** What the caller's decision rests on; undefined until it has asked. */
  let known: string | undefined;

  const read = async (): Promise<Authority | null> => readJson(path, authorityOf, HINT);
  return {
    read: () =>
      turn(async () => {
        const authority = await read();
        known = serialised(authority);
        return authority;
      }),
    change: (change) =>
      turn(async () => {
        const before = await read();
        if (known !== undefined && known !== serialised(before)) throw somebodyWasQuicker(change);
        const after = changed(before, change);
        if (after === null) throw somebodyWasQuicker(change);
        await writeDurably(path, serialised(after), { mode: 0o600 });
        known = serialised(after);
        return after;
      }),
  };
}

function somebodyWasQuicker(change: AuthorityChange): PgrepKitError {
  return new PgrepKitError("authority-changed", {
    message: "the authority record has changed since it was read",
    detail: `The change was "${change.kind}"; it was not made.`,
    hint: "Run the command again: it starts from what is there now.",
  });
}

function serialised(authority: Authority | null): string {
  if (authority === null) return "";
  const { cluster, term, primary, systemIdentifier, rule, proofs } = authority;
  const written = {
    version: 1,
    cluster,
    term,
    primary,
    systemIdentifier,
    rule,
    proofs: proofs.map(({ since, ...proof }) => ({
      ...proof,
      since: since === null ? null : writtenPosition(since),
    })),
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

function writtenPosition({ timeline, lsn }: WalPosition): object {
  return { timeline, lsn: formatLsn(lsn) };
}

function authorityOf(value: unknown): Authority | null {
  if (!isObject(value) || value["version"] !== 1) return null;
  const { cluster, term, primary, systemIdentifier } = value;
  if (typeof cluster !== "string" || typeof primary !== "string" || !isWhole(term) || term < 1) return null;
  if (systemIdentifier !== null && (typeof systemIdentifier !== "string" || !/^\d+$/.test(systemIdentifier)))
    return null;
  const rule = value["rule"] === null ? null : ruleOf(value["rule"]);
  if (rule === null && value["rule"] !== null) return null;
  if (!Array.isArray(value["proofs"])) return null;
  const proofs = value["proofs"].map(proofOf).filter((proof) => proof !== null);
  if (proofs.length !== value["proofs"].length) return null;
  return { cluster, term, primary, systemIdentifier, rule, proofs };
}

function proofOf(value: unknown): Proof | null {
  if (!isObject(value)) return null;
  const { afterWeakCommit } = value;
  const rule = ruleOf(value["rule"]);
  const since = value["since"] === null ? null : positionOf(value["since"]);
  if (rule === null || typeof afterWeakCommit !== "boolean") return null;
  // A damaged position read as "pending" would be a proof withdrawn in silence.
  if (since === null && value["since"] !== null) return null;
  return { rule, since, afterWeakCommit };
}

function ruleOf(value: unknown): CommitRule | null {
  if (!isObject(value)) return null;
  const { method, acks, listed, commit } = value;
  if (method !== "FIRST" && method !== "ANY") return null;
  if (commit !== "remote_write" && commit !== "on" && commit !== "remote_apply") return null;
  if (!isWhole(acks) || acks < 1 || !isListOfTexts(listed)) return null;
  return { method, acks, listed, commit };
}

function positionOf(value: unknown): WalPosition | null {
  if (!isObject(value)) return null;
  const { timeline, lsn: text } = value;
  const lsn = typeof text === "string" ? parseLsn(text) : null;
  return isWhole(timeline) && timeline >= 1 && lsn !== null ? { timeline, lsn } : null;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
