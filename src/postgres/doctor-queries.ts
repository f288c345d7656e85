/**
 * What `doctor` asks of a running server, as one JSON document and in one round trip; `observe` has asked the rest.
 * No password and no verifier ever leaves the server: only what kind of verifier it is.
 */
import { REPLICATION_ROLE } from "../core/node-configuration.ts";

const SETTINGS = [
  "archive_mode",
  "data_checksums",
  "fsync",
  "full_page_writes",
  "max_replication_slots",
  "max_slot_wal_keep_size",
  "max_wal_senders",
  "wal_level",
  "wal_log_hints",
  "wal_retrieve_retry_interval",
];

/** Columns that some supported versions lack are read through `to_jsonb`. Ages that nobody waits for are not sent. */
export const SERVER_HEALTH = `
SELECT json_build_object(
  'nowMs', extract(epoch FROM clock_timestamp()) * 1000,
  'build', version(),
  'settings', (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN (${SETTINGS.map((name) => `'${name}'`).join(", ")})),
  'collations', json_build_object(
    'libc', (SELECT pg_collation_actual_version(oid) FROM pg_collation
      WHERE collprovider = 'c' AND collcollate !~* '^(C|POSIX)($|[.])' ORDER BY oid LIMIT 1),
    'icu', (SELECT pg_collation_actual_version(oid) FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1)),
  'databases', (SELECT json_agg(json_build_object('name', d.datname, 'recordedCollation', d.datcollversion,
      'actualCollation', pg_database_collation_actual_version(d.oid), 'checksumFailures', coalesce(s.checksum_failures, 0)) ORDER BY d.datname)
    FROM pg_database d LEFT JOIN pg_stat_database s ON s.datid = d.oid WHERE d.datallowconn),
  'commitDefaults', (SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'database', d.datname,
      'value', split_part(c.entry, '=', 2)) ORDER BY r.rolname, d.datname), '[]')
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS c(entry)
      LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
    WHERE c.entry LIKE 'synchronous_commit=%'),
  'replicationRole', (SELECT json_build_object('login', rolcanlogin, 'replication', rolreplication, 'superuser', rolsuper,
      'createDatabase', rolcreatedb, 'createRole', rolcreaterole, 'bypassRowSecurity', rolbypassrls,
      'password', CASE WHEN rolpassword IS NULL THEN 'none' WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram'
        WHEN rolpassword LIKE 'md5%' THEN 'md5' ELSE 'other' END,
      'expired', coalesce(rolvaliduntil < now(), false))
    FROM pg_authid WHERE rolname = '${REPLICATION_ROLE}'),
  'md5Roles', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_authid WHERE rolpassword LIKE 'md5%'),
  'hbaProblems', (SELECT coalesce(json_agg(json_build_object('line', line_number, 'method', auth_method, 'error', error)
      ORDER BY line_number), '[]')
    FROM pg_hba_file_rules WHERE error IS NOT NULL OR auth_method IN ('trust', 'password', 'md5')),
  'configurationErrors', (SELECT coalesce(json_agg(json_build_object('setting', name, 'error', error) ORDER BY seqno), '[]')
    FROM pg_file_settings WHERE error IS NOT NULL AND error <> 'setting could not be applied'),
  'archiver', (SELECT json_build_object('failed', failed_count, 'lastFailedWal', last_failed_wal,
      'failing', coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false))
    FROM pg_stat_archiver),
  'receiver', (SELECT json_build_object('status', status, 'slot', slot_name,
      'silentMs', extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000)
    FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
  'slots', (SELECT coalesce(json_agg(json_build_object('name', slot_name, 'kind', slot_type, 'active', active,
      'walStatus', wal_status, 'retainedBytes', greatest(0, coalesce(pg_wal_lsn_diff(p.position, restart_lsn), 0)),
      'synced', coalesce((to_jsonb(s) ->> 'synced')::boolean, false),
      'xminAge', age(xmin), 'catalogXminAge', age(catalog_xmin)) ORDER BY slot_name), '[]')
    FROM pg_replication_slots s WHERE NOT temporary),
  'idleTransactions', (SELECT coalesce(json_agg(json_build_object('pid', pid, 'role', usename, 'database', datname,
      'idleMs', idle_ms) ORDER BY idle_ms DESC), '[]')
    FROM (SELECT pid, usename, datname, extract(epoch FROM clock_timestamp() - state_change) * 1000 AS idle_ms
      FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' ORDER BY state_change LIMIT 5) AS t),
  'preparedTransactions', (SELECT coalesce(json_agg(json_build_object('id', gid, 'database', database, 'ageMs', age_ms)
      ORDER BY age_ms DESC), '[]')
    FROM (SELECT gid, database, extract(epoch FROM clock_timestamp() - prepared) * 1000 AS age_ms
      FROM pg_prepared_xacts ORDER BY prepared LIMIT 5) AS t)
)::text AS health
FROM (SELECT CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
  ELSE pg_current_wal_lsn() END AS position) AS p`;
