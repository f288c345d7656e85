/** `init`: write the file, make the cluster, and show how to reach it. Run again, it goes on from where it was. */
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CLUSTER_FILE_NAME } from "../../config/find-cluster-file.ts";
import { renderClusterFile } from "../../config/new-cluster-file.ts";
import type { Origin } from "../../config/origins.ts";
import { shownPath } from "../../config/problems.ts";
import { type ClusterFile, parseClusterFile, readClusterFile } from "../../config/read-cluster-file.ts";
import {
  STATE_FOLDER,
  type StateFolder,
  createState,
  openState,
  readState,
} from "../../control/state-folder.ts";
import type { ClusterSpec, CommitMode, NodeName, RuntimeKind } from "../../core/spec.ts";
import { APPLICATION_ROLE } from "../../runtime/steps/prepare.ts";
import { present } from "../../support/assert.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { createDurably } from "../../support/files.ts";
import { changeCluster } from "../change-cluster.ts";
import { chooseRuntime } from "../choose-runtime.ts";
import type { GlobalOptions } from "../find-cluster.ts";
import { type OpenCluster, folderOf } from "../open-cluster.ts";
import { asTyped, positiveNumber } from "../option-values.ts";
import { preflight } from "../preflight.ts";
import { EXIT, print, say } from "../terminal.ts";
import { DEFAULT_DATABASE } from "./up.ts";

export interface InitOptions {
  readonly name?: string;
  readonly nodes?: string;
  readonly runtime?: RuntimeKind;
  readonly postgres?: string;
  readonly image?: string;
  readonly mode?: CommitMode;
  readonly acks?: string;
  readonly sample?: string;
  readonly dryRun?: boolean;
}

const DEFAULT_NAME = "demo";
const DEFAULT_NODES = "3";

export async function init(options: InitOptions, globals: GlobalOptions): Promise<number> {
  const path = resolve(globals.cluster ?? (process.env["PGREP_KIT_CLUSTER"] || CLUSTER_FILE_NAME));
  const known = await exists(path);
  const file = known ? await knownFile(path, options) : await newFile(path, options);
  if (options.dryRun === true) {
    print(file.text.trimEnd());
    return EXIT.done;
  }
  await preflight(file);
  // Another init may have been quicker: then it is like any file that was there before.
  const isWritten = !known && (await createDurably(path, file.text, { mode: 0o644 }));
  const wanted = known || isWritten ? file : await knownFile(path, options);
  return makeCluster(wanted, { sample: options.sample ?? null, isWritten });
}

async function makeCluster(
  file: ClusterFile,
  { sample, isWritten }: { readonly sample: string | null; readonly isWritten: boolean },
): Promise<number> {
  const { spec } = file;
  const isNew = (await openState(folderOf(file))) === null;
  say(`Cluster ${spec.name}: ${spec.nodes.length} nodes, PostgreSQL ${spec.postgres}, ${place(spec)}\n`);
  return changeCluster({
    verb: "init",
    arguments: [],
    file,
    folder: { path: join(folderOf(file), STATE_FOLDER) },
    found: async () => refuseOtherSample(sample, await createState(folderOf(file), identity(spec, sample))),
    intent: () => ({ kind: "up", allowBlocking: false, remove: [], concerning: null }),
    settled: (cluster, { authority, steps }) => {
      if (steps === 0)
        say(`Nothing to do: ${spec.nodes.map((node) => node.name).join(", ")} are as the file says.`);
      const { primary } = present(authority, "the record of a settled cluster");
      const written = [
        ...(isWritten ? [`${shownPath(file.path)} (commit it)`] : []),
        ...(isNew ? [`${STATE_FOLDER}/ (state and secrets; git-ignored)`] : []),
      ];
      say(nextCommands(cluster, primary, written));
      return EXIT.done;
    },
  });
}

function identity(spec: ClusterSpec, sample: string | null) {
  const { name: cluster, runtime, postgres } = spec;
  return { cluster, runtime, postgres, database: sample ?? DEFAULT_DATABASE, sample };
}

async function newFile(path: string, options: InitOptions): Promise<ClusterFile> {
  const nodes = positiveNumber(options.nodes ?? DEFAULT_NODES, "--nodes");
  const wanted = options.postgres === undefined ? null : positiveNumber(options.postgres, "--postgres");
  const { runtime, postgres } = await chooseRuntime(options.runtime ?? null, wanted);
  const text = renderClusterFile({
    name: options.name ?? DEFAULT_NAME,
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
  return parseClusterFile(path, text, originsOf(options));
}

function originsOf({ name, nodes, postgres, image, mode, acks }: InitOptions): Origin[] {
  const typed: [Origin["at"], string, string | undefined][] = [
    [["name"], "--name", name],
    [["nodes"], "--nodes", nodes],
    [["postgres"], "--postgres", postgres],
    [["image"], "--image", image],
    [["replication", "mode"], "--mode", mode],
    // Without --acks it is the mode that asks for one.
    acks === undefined
      ? [["replication", "acks"], "--mode", mode]
      : [["replication", "acks"], "--acks", acks],
  ];
  return typed.flatMap(([at, option, value]) =>
    value === undefined ? [] : [{ at, typed: asTyped(option, value) }],
  );
}

async function knownFile(path: string, options: InitOptions): Promise<ClusterFile> {
  const file = await readClusterFile(path);
  refuseOtherWishes(options, file);
  return file;
}

/** `init` twice converges; `init` twice with another wish must not pretend to have granted it. */
function refuseOtherWishes(options: InitOptions, { path, spec }: ClusterFile): void {
  const { replication } = spec;
  const all: [string, string | number | undefined, string | number | null][] = [
    ["name", options.name, spec.name],
    [
      "nodes",
      options.nodes === undefined ? undefined : positiveNumber(options.nodes, "--nodes"),
      spec.nodes.length,
    ],
    ["runtime", options.runtime, spec.runtime],
    [
      "postgres",
      options.postgres === undefined ? undefined : positiveNumber(options.postgres, "--postgres"),
      spec.postgres,
    ],
    ["image", options.image, spec.image],
    ["mode", options.mode, replication.mode],
    [
      "acks",
      options.acks === undefined ? undefined : positiveNumber(options.acks, "--acks"),
      replication.acks,
    ],
  ];
  const other = all.filter(([, wanted, said]) => wanted !== undefined && wanted !== said);
  if (other.length === 0) return;
  const differences = other.map(
    ([name, wanted, said]) => `--${name} ${wanted}, where the file says ${said ?? "nothing"}`,
  );
  throw new PgrepKitError("cluster-file-exists", {
    message: `${shownPath(path)} is there already and says something else`,
    detail: `${differences.join("; ")}.`,
    hint: "Edit it and run pgrep-kit up, or use another folder.",
  });
}

/** The sample is loaded while the cluster is made, and never afterwards. */
async function refuseOtherSample(sample: string | null, folder: StateFolder): Promise<void> {
  if (sample === null || (await readState(folder)).sample === sample) return;
  throw new PgrepKitError("state-mismatch", {
    message: `this cluster was made without the sample ${sample}`,
    hint: "Use another folder, or destroy the cluster and run init again.",
  });
}

function place(spec: ClusterSpec): string {
  return spec.runtime === "docker" ? "on Docker" : "as local processes";
}

/** `written`: what this run has made beside the nodes; a repeated one may have made nothing. */
function nextCommands(cluster: OpenCluster, primary: NodeName, written: readonly string[]): string {
  const others = cluster.spec.nodes.filter((node) => node.name !== primary);
  const standbys = others.map((node) => address(cluster, node.name));
  return [
    "",
    `Primary     ${address(cluster, primary)}`,
    ...standbys.map((uri, index) => `${index === 0 ? "Standbys" : "        "}    ${uri}   read-only`),
    "Connect     pgrep-kit psql             a complete URI, with its password: pgrep-kit uri",
    "Look        pgrep-kit status --watch",
    ...(standbys.length === 0 || cluster.spec.replication.mode !== "async"
      ? []
      : ["Try next    pgrep-kit mode quorum      wait for a standby before each commit returns"]),
    ...(written.length === 0 ? [] : [`Written     ${written.join(" · ")}`]),
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
