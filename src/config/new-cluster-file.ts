/**
 * The first pgrep-kit.yaml of a cluster, made to be read and edited: it explains itself and says what else is possible.
 */
import type { ClusterSpec, NodeSpec, ReplicationSpec } from "../core/spec.ts";
import { formatDuration } from "./duration.ts";
import { flowList, scalarText } from "./yaml-text.ts";

/** The text of a fresh cluster file; `parseClusterFile` makes the same `spec` of it. */
export function renderClusterFile(spec: ClusterSpec): string {
  return [
    ...heading(spec),
    ...nodes(spec.nodes),
    ...replication(spec.replication),
    ...settings(spec.settings),
    "",
  ].join("\n");
}

function heading(spec: ClusterSpec): string[] {
  const runtime =
    spec.runtime === "docker"
      ? "# docker, or process: PostgreSQL's own programs on this machine"
      : "# process: PostgreSQL's own programs on this machine; or docker";
  const image =
    spec.image === null
      ? spec.runtime === "docker"
        ? [`# image: postgres:${spec.postgres}`]
        : []
      : [`image: ${scalarText(spec.image)}`];
  return [
    "# A PostgreSQL cluster run by pgrep-kit. Edit this file, then: pgrep-kit up",
    `name: ${scalarText(spec.name)}`,
    commented(`postgres: ${spec.postgres}`, "# the major version"),
    commented(`runtime: ${spec.runtime}`, runtime),
    ...image,
  ];
}

function nodes(all: readonly NodeSpec[]): string[] {
  return [
    "",
    "# The first is the initial primary. A node may also have",
    "#   priority: 10     preferred as the next primary; the greater, the sooner",
    "#   upstream: pg2    receives from pg2 instead of the primary (a cascade)",
    "#   delay: 5min      replays that much later",
    "nodes:",
    ...all.map(nodeLine),
  ];
}

function nodeLine({ name, priority, upstream, delayMs }: NodeSpec): string {
  const fields = [
    `name: ${scalarText(name)}`,
    ...(priority === 0 ? [] : [`priority: ${priority}`]),
    ...(upstream === null ? [] : [`upstream: ${scalarText(upstream)}`]),
    ...(delayMs === 0 ? [] : [`delay: ${formatDuration(delayMs)}`]),
  ];
  return `  - { ${fields.join(", ")} }`;
}

function replication({ mode, acks, commit, among }: ReplicationSpec): string[] {
  return [
    "",
    "replication:",
    commented(`  mode: ${mode}`, "# async, sync (FIRST) or quorum (ANY)"),
    commented(`  acks: ${acks}`, "# standbys that confirm before a commit returns; async waits for none"),
    commented(`  commit: ${commit}`, "# what they confirm: remote_write, on (flushed) or remote_apply"),
    among === null
      ? "  # among: [pg2, pg3]  # the only nodes that may confirm"
      : `  among: ${flowList(among)}`,
    commented("  on_quorum_lost: block", "# commits wait until enough standbys confirm again"),
  ];
}

function settings(all: ClusterSpec["settings"]): string[] {
  const lines = Object.entries(all).map(([name, value]) => `  ${scalarText(name)}: ${settingText(value)}`);
  return [
    "",
    "# Any setting of postgresql.conf, the same on every node.",
    ...(lines.length === 0 ? ["settings:", "  # shared_buffers: 256MB"] : ["settings:", ...lines]),
  ];
}

/** Whole numbers stand as a person would write them. */
function settingText(value: string): string {
  return /^(0|[1-9]\d{0,14})$/.test(value) ? value : scalarText(value);
}

const COMMENT_COLUMN = 26;

function commented(line: string, comment: string): string {
  return `${line.padEnd(COMMENT_COLUMN)}${line.length < COMMENT_COLUMN ? "" : "  "}${comment}`;
}
