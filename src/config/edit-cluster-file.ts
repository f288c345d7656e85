/**
 * The edits that commands make in pgrep-kit.yaml: as a careful person would, touching one place and leaving every
 * comment, blank and quote elsewhere as it was. The results are texts; `parseClusterFile` says whether they are sound.
 */
import { realpath, stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { type Document, type YAMLMap, type YAMLSeq, isMap, isSeq, parseDocument } from "yaml";
import type { NodeName, NodeSpec, ReplicationSpec } from "../core/spec.ts";
import { PgrepKitError } from "../support/errors.ts";
import { readIfThere, writeDurably } from "../support/files.ts";
import { formatDuration } from "./duration.ts";
import { shownPath } from "./problems.ts";
import { type ClusterFile, parseClusterFile } from "./read-cluster-file.ts";
import { DEFAULT_REPLICATION } from "./read-replication.ts";
import {
  type Fields,
  type Splice,
  addItem,
  flowList,
  mapAt,
  pairOf,
  removeItem,
  removeKey,
  scalarText,
  setKey,
  setMap,
  spliced,
} from "./yaml-text.ts";

/** What is absent or undefined stays as it is. `among: null` lets every attached node confirm. */
export type ReplicationChange = { readonly [K in keyof ReplicationSpec]?: ReplicationSpec[K] | undefined };

export interface NewNode {
  readonly name: NodeName;
  readonly priority?: number | undefined;
  readonly upstream?: NodeName | null | undefined;
  readonly delayMs?: number | undefined;
}

type Values = Record<string, unknown>;

const REPLICATION_KEYS = ["mode", "acks", "commit", "among"] as const;

/** The text with another `replication`. */
export function setReplication(text: string, change: ReplicationChange): string {
  const { document } = parsed(text);
  const before = { ...DEFAULT_REPLICATION, ...replicationIn(document) };
  const wanted = document.toJS() as Values;
  const replication = { ...(wanted["replication"] as Values | null) };
  // Removals last: the map then never is empty in between.
  const keys = REPLICATION_KEYS.toSorted((a, b) => Number(change[a] === null) - Number(change[b] === null));
  let edited = text;
  for (const key of keys) {
    const value = change[key];
    if (value === undefined || isDeepStrictEqual(value, before[key])) continue;
    edited = spliced(edited, [replicationSplice(edited, key, value)]);
    if (value === null) delete replication[key];
    else replication[key] = value;
  }
  return edited === text ? text : checked(edited, { ...wanted, replication });
}

function replicationSplice(
  text: string,
  key: keyof ReplicationSpec,
  value: ReplicationSpec[keyof ReplicationSpec],
): Splice {
  const { root } = parsed(text);
  const map = mapAt(root, "replication");
  if (value === null) return map === null ? NOTHING : removeKey(text, map, key);
  const scalar = typeof value === "string" || typeof value === "number" ? scalarText(value) : flowList(value);
  return map === null ? setMap(text, root, "replication", [[key, scalar]]) : setKey(text, map, key, scalar);
}

const NOTHING: Splice = { start: 0, end: 0, text: "" };

function replicationIn(document: Document): Partial<ReplicationSpec> {
  const { replication } = document.toJS() as { replication?: Values | null };
  // YAML 1.1 writes `on` so; see the reader.
  return replication?.["commit"] === true ? { ...replication, commit: "on" } : { ...replication };
}

/** The text with one more node at the end of the list. */
export function addNode(text: string, node: NewNode): string {
  const { document, list } = parsed(text);
  const entry: Partial<Record<keyof NodeSpec | "delay", string | number>> = {
    name: node.name,
    ...(node.priority === undefined || node.priority === 0 ? {} : { priority: node.priority }),
    ...(node.upstream === undefined || node.upstream === null ? {} : { upstream: node.upstream }),
    ...(node.delayMs === undefined || node.delayMs === 0 ? {} : { delay: formatDuration(node.delayMs) }),
  };
  const fields: Fields = Object.entries(entry).map(([key, value]) => [key, scalarText(value)]);
  const wanted = document.toJS() as Values & { nodes: unknown[] };
  return checked(spliced(text, [addItem(text, list, fields)]), {
    ...wanted,
    nodes: [...wanted.nodes, entry],
  });
}

/** The text without the node, which may also no longer confirm. Nodes that name it as their upstream keep doing so. */
export function removeNode(text: string, name: NodeName): string {
  const { document, root, list } = parsed(text);
  const wanted = document.toJS() as Values & {
    nodes: Values[];
    replication?: (Values & { among?: string[] }) | null;
  };
  const index = wanted.nodes.findIndex((node) => node["name"] === name);
  if (index === -1) return text;
  const nodes = wanted.nodes.toSpliced(index, 1);
  const splices = [removeItem(text, list, index)];
  const among = wanted.replication?.among;
  const map = mapAt(root, "replication");
  // Where it is the only one, nothing is left that could be meant: the reader will say so.
  if (map === null || among === undefined || !among.includes(name) || among.length === 1) {
    return checked(spliced(text, splices), { ...wanted, nodes });
  }
  const others = among.filter((other) => other !== name);
  const amongList = pairOf(map, "among")?.value;
  if (isSeq(amongList)) splices.push(removeItem(text, amongList, among.indexOf(name)));
  return checked(spliced(text, splices), {
    ...wanted,
    nodes,
    replication: { ...wanted.replication, among: others },
  });
}

interface Parsed {
  readonly document: Document;
  readonly root: YAMLMap;
  readonly list: YAMLSeq;
}

/** Of a text that `parseClusterFile` has accepted. */
function parsed(text: string): Parsed {
  const document = parseDocument(text, { keepSourceTokens: true });
  const root = document.contents;
  const list = isMap(root) ? pairOf(root, "nodes")?.value : null;
  if (!isMap(root) || !isSeq(list) || document.errors.length > 0) throw notEditable();
  return { document, root, list };
}

/** A layout that nobody thought of must not end in another meaning. */
function checked(text: string, wanted: Values): string {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isDeepStrictEqual(document.toJS(), wanted)) throw notEditable();
  return text;
}

function notEditable(): PgrepKitError {
  return new PgrepKitError("cluster-file-invalid", {
    message: "the cluster file is laid out in a way that pgrep-kit cannot edit",
    hint: "Make the change in the file by hand, then: pgrep-kit up",
  });
}

/**
 * Puts an edited text in the place of the file, whole or not at all, and answers it as read. Throws `cluster-file-changed`
 * where somebody else edited the file since it was read, and what `parseClusterFile` throws, before anything is written.
 */
export async function writeClusterFile(file: ClusterFile, text: string): Promise<ClusterFile> {
  const written = parseClusterFile(file.path, text);
  if ((await readIfThere(file.path)) !== file.text) {
    throw new PgrepKitError("cluster-file-changed", {
      message: `${shownPath(file.path)} was edited while the command ran`,
      detail: "The file was left as it is now.",
      hint: "Run the command again: it starts from what the file says now.",
    });
  }
  // A link keeps pointing at what it pointed at.
  const path = await realpath(file.path);
  const { mode, uid, gid } = await stat(path);
  await writeDurably(path, text, { mode: mode & 0o777, owner: { uid, gid } });
  return written;
}
