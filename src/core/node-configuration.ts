/**
 * The settings a node is to run with: a pure function of file, authority record and wiring.
 * Identical on every node but for the node's own name, place and upstream (law L7).
 */
import type { Authority } from "./authority.ts";
import { synchronousStandbyNames } from "./commit-rule.ts";
import { digest } from "./digest.ts";
import { type Limits, neededLimits, raised } from "./limits.ts";
import type { NodeWiring, Observation } from "./observation.ts";
import { type ClusterSpec, type NodeName, nodeSpec, slotName, upstreamOf } from "./spec.ts";

export interface NodeConfiguration {
  readonly settings: Readonly<Record<string, string>>;
  /** Tells this configuration from every other; the server reports it once it has loaded it. */
  readonly token: string;
}

export const REPLICATION_ROLE = "replicator";
export const SUPERUSER = "postgres";
/** The setting that carries the token. A two-part name is a custom setting, which PostgreSQL keeps without knowing it. */
export const TOKEN_SETTING = "pgrep_kit.configuration";

/** Settings that pgrep-kit writes itself; the file may not set them. */
export const OWN_SETTINGS: ReadonlySet<string> = new Set([
  "cluster_name",
  "config_file",
  "data_directory",
  "external_pid_file",
  "hba_file",
  "hot_standby",
  "ident_file",
  "include",
  "include_dir",
  "include_if_exists",
  "listen_addresses",
  "port",
  "primary_conninfo",
  "primary_slot_name",
  "promote_trigger_file",
  "recovery_min_apply_delay",
  "recovery_target",
  "recovery_target_lsn",
  "recovery_target_name",
  "recovery_target_time",
  "recovery_target_timeline",
  "recovery_target_xid",
  "synchronous_commit",
  "synchronous_standby_names",
  "unix_socket_directories",
  "wal_log_hints",
]);

/** Defaults that the user's settings may replace. Retry and status intervals are short: see FACTS on slow re-attachment. */
const DEFAULTS: Readonly<Record<string, string>> = {
  wal_level: "replica",
  max_wal_senders: "16",
  max_replication_slots: "16",
  max_slot_wal_keep_size: "1GB",
  wal_keep_size: "64MB",
  wal_retrieve_retry_interval: "100ms",
  wal_receiver_status_interval: "1s",
  password_encryption: "scram-sha-256",
  log_line_prefix: "%m [%p] %q%u@%d ",
  log_timezone: "UTC",
};

/** The configuration that is right for the node now, given what it and its primary run with. */
export function desiredConfiguration(
  spec: ClusterSpec,
  authority: Authority,
  node: NodeName,
  observation: Observation,
): NodeConfiguration {
  const needed = neededLimits(observation, authority.primary, node);
  return nodeConfiguration(spec, authority, node, observation.wiring, needed);
}

/** `needed`: the smallest values that the node may have of the settings in which a standby must not be smaller. */
export function nodeConfiguration(
  spec: ClusterSpec,
  authority: Authority,
  node: NodeName,
  wiring: Observation["wiring"],
  needed: Limits = {},
): NodeConfiguration {
  const upstream = upstreamOf(spec, node, authority.primary);
  const own = wiring[node];
  if (own === undefined) throw new RangeError(`no wiring for ${node}`);
  const settings: Record<string, string> = {
    ...raised({ ...DEFAULTS, ...spec.settings }, needed),
    cluster_name: node,
    listen_addresses: own.listenAddresses,
    port: String(own.listenPort),
    unix_socket_directories: "",
    hot_standby: "on",
    wal_log_hints: "on",
    synchronous_standby_names: synchronousStandbyNames(authority.rule),
    synchronous_commit: authority.rule?.commit ?? spec.replication.commit,
    primary_conninfo: upstream === null ? "" : primaryConninfo(node, wiring[upstream], own),
    primary_slot_name: upstream === null ? "" : slotName(node),
    recovery_min_apply_delay: `${nodeSpec(spec, node)?.delayMs ?? 0}ms`,
  };
  return { settings, token: digest(settings) };
}

/** How `node` reaches its upstream. The password is in the password file, never here. */
function primaryConninfo(node: NodeName, upstream: NodeWiring | undefined, own: NodeWiring): string {
  if (upstream === undefined) throw new RangeError(`no wiring for the upstream of ${node}`);
  return [
    `host=${upstream.peerHost}`,
    `port=${upstream.peerPort}`,
    `user=${REPLICATION_ROLE}`,
    `application_name=${node}`,
    `passfile=${quoteConninfo(own.passfile)}`,
    "connect_timeout=5",
    // The standby answers every second: an upstream that vanished without a word is given up on after so many milliseconds.
    "tcp_user_timeout=5000",
  ].join(" ");
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function quoteConninfo(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
