/**
 * All SQL of the product. Values are parameters or come from our own schema-checked names, quoted here;
 * nothing that a user typed is ever put into a statement as it is.
 */
import { TOKEN_SETTING } from "../core/node-configuration.ts";

/** Marks the cluster's roles and database as complete; the last thing that preparation writes. */
export const PREPARED_MARK = "made by pgrep-kit; roles and databases are complete";

/** The lines of the configuration files, as PostgreSQL reads them now. One that it cannot read has no name. */
const LINES = `lines AS MATERIALIZED (
  SELECT name, setting, seqno, sourcefile = current_setting('config_file') AS own FROM pg_file_settings)`;
/** Our own file; a line that cannot be read makes it another file than the one that was written. */
const OWN_LINES =
  "(SELECT json_object_agg(coalesce(name, '?'), setting ORDER BY seqno) FROM lines WHERE own)";
/** What ALTER SYSTEM puts over it. */
const OTHER_LINES =
  "(SELECT json_object_agg(name, setting ORDER BY seqno) FROM lines WHERE NOT own AND name IS NOT NULL)";

/**
 * A setting that no file names any more, and that runs with its default: no restart would change it. PostgreSQL leaves the
 * mark of an earlier wish in place, because it takes it away only where it is told a value.
 */
const RETURNED_TO_DEFAULT =
  "setting IS NOT DISTINCT FROM boot_val AND lower(name) NOT IN (SELECT lower(lines.name) FROM lines WHERE lines.name IS NOT NULL)";

/**
 * Everything `observe` wants to know of a running server, as one JSON document and in one round trip.
 * CASE keeps functions that are an error in, or outside of, recovery from being called there.
 */
export const OBSERVE = `
WITH settings AS MATERIALIZED (SELECT name, setting, boot_val, source, pending_restart FROM pg_settings),
${LINES}
SELECT json_build_object(
  'inRecovery', pg_is_in_recovery(),
  'startedAtMs', extract(epoch FROM pg_postmaster_start_time()) * 1000,
  'serverVersion', current_setting('server_version_num')::int,
  'systemIdentifier', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', t.timeline,
  'history', CASE WHEN t.timeline > 1
    THEN pg_read_file('pg_wal/' || lpad(upper(to_hex(t.timeline)), 8, '0') || '.history', 0, 1048576, true) END,
  'flushed', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn()::text END,
  'receivedLsn', CASE WHEN pg_is_in_recovery()
    THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text END,
  'replayedLsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END,
  'replayPaused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END,
  'delayMs', (SELECT setting::bigint FROM settings WHERE name = 'recovery_min_apply_delay'),
  'primaryConninfo', current_setting('primary_conninfo'),
  'receiver', (SELECT json_build_object('status', status, 'host', sender_host, 'port', sender_port)
    FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
  'prepared', coalesce((SELECT shobj_description(oid, 'pg_authid') = '${PREPARED_MARK}'
    FROM pg_roles WHERE rolname = 'replicator'), false),
  'loaded', current_setting('${TOKEN_SETTING}', true),
  'file', ${OWN_LINES},
  'overrides', ${OTHER_LINES},
  'synchronousStandbyNames', current_setting('synchronous_standby_names'),
  'synchronousCommit', (SELECT CASE WHEN source IN ('user', 'database', 'database user', 'session') THEN NULL ELSE setting END
    FROM settings WHERE name = 'synchronous_commit'),
  'pendingRestart', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM settings WHERE pending_restart
    AND NOT (${RETURNED_TO_DEFAULT})),
  'limits', (SELECT json_object_agg(name, setting::bigint) FROM settings WHERE name IN
    ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')),
  'senders', (SELECT coalesce(json_agg(json_build_object(
      'applicationName', application_name, 'state', state,
      'sent', sent_lsn::text, 'written', write_lsn::text, 'flushed', flush_lsn::text, 'replayed', replay_lsn::text,
      'writeLagMs', extract(epoch FROM write_lag) * 1000, 'flushLagMs', extract(epoch FROM flush_lag) * 1000,
      'replayLagMs', extract(epoch FROM replay_lag) * 1000, 'syncState', sync_state,
      'repliedAgoMs', greatest(0, extract(epoch FROM clock_timestamp() - reply_time) * 1000)) ORDER BY application_name), '[]')
    FROM pg_stat_replication),
  'slots', (SELECT coalesce(json_agg(json_build_object(
      'name', slot_name, 'kind', slot_type, 'active', active, 'walStatus', wal_status,
      'retainedBytes', greatest(0, coalesce(pg_wal_lsn_diff(p.position, restart_lsn), 0)),
      'safeBytes', safe_wal_size) ORDER BY slot_name), '[]')
    FROM pg_replication_slots WHERE NOT temporary)
)::text AS observation
FROM (SELECT CASE WHEN pg_is_in_recovery()
    THEN greatest((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
      (SELECT timeline_id FROM pg_control_checkpoint()))
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline) AS t,
  (SELECT CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
    ELSE pg_current_wal_lsn() END AS position) AS p`;

export const RELOAD = "SELECT pg_reload_conf()";
export const LOADED_TOKEN = `SELECT current_setting('${TOKEN_SETTING}', true) AS token`;
export const RULE_IN_EFFECT =
  "SELECT current_setting('synchronous_standby_names') AS names, setting AS level, source FROM pg_settings WHERE name = 'synchronous_commit'";

/** Our own file as it is now, and what ALTER SYSTEM puts over it. */
export const FILE_AND_OVERRIDES = `WITH ${LINES} SELECT ${OWN_LINES} AS file, ${OTHER_LINES} AS overrides`;

export const WAL_SENDERS = `
SELECT application_name AS name, state, sent_lsn::text AS sent, flush_lsn::text AS flushed FROM pg_stat_replication`;

/** What a standby has received and, unless somebody holds its replay back, is about to replay; no row for a primary. */
export const TO_BE_REPLAYED = `
SELECT pg_last_wal_receive_lsn()::text AS received
WHERE CASE WHEN pg_is_in_recovery() THEN NOT pg_is_wal_replay_paused()
  AND current_setting('recovery_min_apply_delay') = '0' AND pg_last_wal_receive_lsn() IS NOT NULL ELSE false END`;
export const HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS replayed";

export const FLUSHED_POSITION = `
SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline,
  pg_current_wal_flush_lsn()::text AS flushed, pg_current_wal_insert_lsn()::text AS inserted`;

/** Waits for nobody, so that the barrier itself cannot be blocked by the rule that it tests. */
export const WAIT_FOR_NOBODY = "SET synchronous_commit = local";
export const WRITE_BARRIER = "SELECT pg_logical_emit_message(true, 'pgrep-kit', 'barrier')";
export const BARRIER_POSITION = "SELECT pg_current_wal_flush_lsn()::text AS flushed";

export const CHECKPOINT = "CHECKPOINT";

/** Statements that began before this session did, and those of sessions that do not tell (`track_activities` off). */
export const OLDER_STATEMENTS = `
SELECT pid::text AS pid, usename AS role, extract(epoch FROM clock_timestamp() - query_start)::int::text AS seconds
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (state IN ('active', 'fastpath function call') OR query_start IS NULL)
  AND coalesce(query_start, backend_start) < (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
ORDER BY query_start`;

export const MAKE_SLOT = `
SELECT pg_create_physical_replication_slot($1, true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`;

export const END_SLOT_USERS =
  "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active";
export const DROP_SLOT =
  "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1";
export const SLOT_ACTIVE = "SELECT active FROM pg_replication_slots WHERE slot_name = $1";

/**
 * For statements that hold the text of a configuration: with `log_statement`, or for a failure that is no trouble, a copy
 * of it would lie in the server's log.
 */
export const KEEP_OUT_OF_THE_LOG =
  "SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_error_statement = panic; SET log_min_messages = panic";
export const LOG_AS_BEFORE =
  "RESET log_statement; RESET log_min_duration_statement; RESET log_min_error_statement; RESET log_min_messages";

/** Runs a program of the shell as the server's user, on any node, with a line of text as its standard input. */
export function runProgram(script: string, line: string): string {
  return `COPY (SELECT ${quoteLiteral(line)}) TO PROGRAM ${quoteLiteral(script)}`;
}

export function resetOverride(setting: string): string {
  return `ALTER SYSTEM RESET ${quoteIdentifier(setting)}`;
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}
