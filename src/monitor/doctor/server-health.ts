/**
 * What a running server tells `doctor` beyond the observation, as `postgres/doctor-queries.ts` asks for it.
 * Sizes, ages and settings in one unit each, which the name says.
 */

export interface ServerHealth {
  /** Server's clock minus ours, and how wrong that may be: half of the round trip. */
  readonly clock: { readonly offsetMs: number; readonly uncertaintyMs: number };
  /** As `version()` says it: compiler and platform included. */
  readonly build: string;
  /** `pg_settings.setting` of the settings that checks look at; those that this version lacks are missing. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the server's C library and ICU call themselves; null where no collation of theirs is there. */
  readonly collations: { readonly libc: string | null; readonly icu: string | null };
  readonly databases: readonly {
    readonly name: string;
    /** Recorded when the database was made, and of the library now; null: the collation has no version. */
    readonly recordedCollation: string | null;
    readonly actualCollation: string | null;
    readonly checksumFailures: number;
  }[];
  /** Defaults of roles and databases for synchronous_commit. */
  readonly commitDefaults: readonly {
    readonly role: string | null;
    readonly database: string | null;
    readonly value: string;
  }[];
  /** The replication role; null: there is none. */
  readonly replicationRole: RoleHealth | null;
  /** Roles whose password is stored as an MD5 hash. */
  readonly md5Roles: readonly string[];
  /** Lines of pg_hba.conf that are wrong, or that admit with a weak method. */
  readonly hbaProblems: readonly {
    readonly line: number | null;
    readonly method: string | null;
    readonly error: string | null;
  }[];
  /** Errors in the configuration files, as pg_file_settings tells them. */
  readonly configurationErrors: readonly { readonly setting: string | null; readonly error: string }[];
  readonly archiver: {
    readonly failed: number;
    readonly lastFailedWal: string | null;
    /** The last attempt failed. */
    readonly failing: boolean;
  } | null;
  /** Null: no WAL receiver runs. */
  readonly receiver: {
    readonly status: string;
    readonly slot: string | null;
    readonly silentMs: number | null;
  } | null;
  readonly slots: readonly SlotHealth[];
  /** The longest of them, the longest first. */
  readonly idleTransactions: readonly {
    readonly pid: number;
    readonly role: string | null;
    readonly database: string | null;
    readonly idleMs: number;
  }[];
  readonly preparedTransactions: readonly {
    readonly id: string;
    readonly database: string;
    readonly ageMs: number;
  }[];
}

export interface RoleHealth {
  readonly login: boolean;
  readonly replication: boolean;
  readonly superuser: boolean;
  readonly createDatabase: boolean;
  readonly createRole: boolean;
  readonly bypassRowSecurity: boolean;
  readonly password: "scram" | "md5" | "none" | "other";
  readonly expired: boolean;
}

export interface SlotHealth {
  readonly name: string;
  readonly kind: "physical" | "logical";
  readonly active: boolean;
  readonly walStatus: string | null;
  readonly retainedBytes: number;
  /** Kept on this standby by the primary's copying (failover slots, from 17 on). */
  readonly synced: boolean;
  /** Transactions since the horizon that the slot holds back; null: it holds none back. */
  readonly xminAge: number | null;
  readonly catalogXminAge: number | null;
}
