/** `init`: write the file, make the cluster, and show how to reach it. Run again, it goes on from where it was. */
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CLUSTER_FILE_NAME } from "../../config/find-cluster-file.ts";
import { renderClusterFile } from "../../config/new-cluster-file.ts";
import { type ClusterFile, parseClusterFile, readClusterFile } from "../../config/read-cluster-file.ts";
import { STATE_FOLDER, createState } from "../../control/state-folder.ts";
import type { ClusterSpec, CommitMode, NodeName, RuntimeKind } from "../../core/spec.ts";
import { APPLICATION_ROLE } from "../../runtime/steps/prepare.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { writeDurably } from "../../support/files.ts";
import { changeCluster } from "../change-cluster.ts";
import { chooseRuntime } from "../choose-runtime.ts";
import type { GlobalOptions } from "../find-cluster.ts";
import { type OpenCluster, folderOf } from "../open-cluster.ts";
import { positiveNumber } from "../option-values.ts";
import { EXIT, print, say } from "../terminal.ts";
import { DEFAULT_DATABASE } from "./up.ts";

export interface InitOptions {
  readonly name: string;
  readonly nodes: string;
  readonly runtime?: RuntimeKind;
  readonly postgres?: string;
  readonly image?: string;
  readonly mode?: CommitMode;
  readonly acks?: string;
  readonly sample?: string;
  readonly dryRun?: boolean;
}

export async function init(options: InitOptions, globals: GlobalOptions): Promise<number> {
  const path = resolve(globals.cluster ?? CLUSTER_FILE_NAME);
  const known = await exists(path);
  const file = known ? await readClusterFile(path) : parseClusterFile(path, await newFile(options));
  if (known) refuseOtherWishes(options, file);
  if (options.dryRun === true) {
    print(file.text.trimEnd());
    return EXIT.done;
  }
  if (!known) await writeDurably(path, file.text, { mode: 0o644 });
  const { spec } = file;
  say(`Cluster ${spec.name}: ${spec.nodes.length} nodes, PostgreSQL ${spec.postgres}, ${place(spec)}\n`);
  return changeCluster({
    verb: "init",
    arguments: [],
    file,
    folder: { path: join(folderOf(file), STATE_FOLDER) },
    found: () => createState(folderOf(file), identity(spec, options.sample ?? null)),
    intent: () => ({ kind: "up", allowBlocking: false, remove: [] }),
    settled: (cluster) => {
      say(nextCommands(cluster));
      return EXIT.done;
    },
  });
}

function identity(spec: ClusterSpec, sample: string | null) {
  return { cluster: spec.name, runtime: spec.runtime, database: sample ?? DEFAULT_DATABASE, sample };
}

async function newFile(options: InitOptions): Promise<string> {
  const nodes = positiveNumber(options.nodes, "--nodes");
  const wanted = options.postgres === undefined ? null : positiveNumber(options.postgres, "--postgres");
  const { runtime, postgres } = await chooseRuntime(options.runtime ?? null, wanted);
  return renderClusterFile({
    name: options.name,
    postgres,
    runtime,
    image: options.image ?? null,
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `pg${index + 1}`,
      priority: 0,
      upstream: null,
      delayMs: 0,
    })),
    replication: {
      mode: options.mode ?? "async",
      acks: options.acks === undefined ? 1 : positiveNumber(options.acks, "--acks"),
      commit: "on",
      among: null,
    },
    settings: {},
  });
}

/** `init` twice converges; `init` twice with another wish must not pretend to have granted it. */
function refuseOtherWishes(options: InitOptions, { path, spec }: ClusterFile): void {
  const differs =
    (options.runtime !== undefined && options.runtime !== spec.runtime) ||
    (options.postgres !== undefined && options.postgres !== String(spec.postgres)) ||
    (options.image !== undefined && options.image !== spec.image) ||
    (options.mode !== undefined && options.mode !== spec.replication.mode);
  if (!differs) return;
  throw new PgrepKitError("cluster-file-exists", {
    message: `${path} is there already and says something else`,
    hint: "Edit it and run pgrep-kit up, or use another folder.",
  });
}

function place(spec: ClusterSpec): string {
  return spec.runtime === "docker" ? "on Docker" : "as local processes";
}

function nextCommands(cluster: OpenCluster): string {
  const primary = cluster.spec.nodes[0]?.name ?? "";
  const standbys = cluster.spec.nodes.slice(1).map((node) => address(cluster, node.name));
  return [
    "",
    `Primary     ${address(cluster, primary)}`,
    ...standbys.map((uri, index) => `${index === 0 ? "Standbys" : "        "}    ${uri}   read-only`),
    "Connect     pgrep-kit psql             a complete URI, with its password: pgrep-kit uri",
    "Look        pgrep-kit status --watch",
    ...(standbys.length === 0
      ? []
      : ["Try next    pgrep-kit mode quorum      wait for a standby before each commit returns"]),
    `Written     ${CLUSTER_FILE_NAME} (commit it) · ${STATE_FOLDER}/ (state and secrets; git-ignored)`,
  ].join("\n");
}

/** Without the password: what is printed here ends up in logs. */
function address(cluster: OpenCluster, node: NodeName): string {
  const { host, port } = cluster.host.wiring(node, cluster.state.ports[node] ?? 0).endpoint;
  return `postgresql://${APPLICATION_ROLE}@${host}:${port}/${cluster.state.database}`;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
