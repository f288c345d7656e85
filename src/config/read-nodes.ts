/**
 * The `nodes` of a cluster file: names, upstreams, priorities, delays, and whether they make a tree.
 */
import type { Node } from "yaml";
import type { NodeSpec } from "../core/spec.ts";
import { parseDuration } from "./duration.ts";
import { nearest } from "./did-you-mean.ts";
import { NAME_HINT, nameProblem } from "./names.ts";
import { type Problems, quoted, report } from "./problems.ts";
import {
  type Entry,
  described,
  listed,
  readList,
  readMap,
  readText,
  readWhole,
  refuseUnknown,
  scalarOf,
} from "./yaml-reading.ts";

const KEYS = ["name", "priority", "upstream", "delay"] as const;
const MOST_NODES = 16;
const HIGHEST_PRIORITY = 1000;

/** A node with the places that later complaints point at. */
interface PlacedNode {
  readonly spec: NodeSpec;
  readonly nameOffset: number;
  readonly upstreamOffset: number;
}

/** The nodes in the order of the file; null, with problems reported, where they are not sound enough to judge the rest by. */
export function readNodes(problems: Problems, entry: Entry): NodeSpec[] | null {
  const items = readList(problems, entry);
  if (items === null) return null;
  if (items.length === 0) {
    report(problems, entry.offset, "nodes is empty", "List at least one: nodes: [{ name: pg1 }]");
    return null;
  }
  if (items.length > MOST_NODES) {
    report(
      problems,
      items[MOST_NODES]?.range?.[0] ?? entry.offset,
      `more than ${MOST_NODES} nodes`,
      `A cluster has ${MOST_NODES} at most.`,
    );
    return null;
  }
  const before = problems.all.length;
  const placed = items.map((item) => readNode(problems, item, entry.offset)).filter((node) => node !== null);
  checkDuplicates(problems, placed);
  if (problems.all.length > before) return null;
  checkUpstreams(problems, placed);
  return problems.all.length > before ? null : placed.map((node) => node.spec);
}

function readNode(problems: Problems, item: Node, listOffset: number): PlacedNode | null {
  const itemOffset = item.range?.[0] ?? listOffset;
  const isBareName = scalarOf({ all: [] }, item, "") !== null;
  if (isBareName) {
    report(
      problems,
      itemOffset,
      `each node must be a map, not ${described(item)}`,
      "Write it as { name: pg1 }.",
    );
    return null;
  }
  const entries = readMap(problems, item, "a node", itemOffset);
  if (entries === null) return null;
  refuseUnknown(problems, entries, KEYS);
  const name = readNodeName(problems, entries.get("name"), itemOffset);
  const priority = entries.get("priority");
  const upstream = entries.get("upstream");
  const delay = entries.get("delay");
  return {
    spec: {
      name: name ?? "",
      priority: (priority && readWhole(problems, priority, 0, HIGHEST_PRIORITY)) ?? 0,
      upstream: (upstream && readText(problems, upstream)) ?? null,
      delayMs: (delay && readDelay(problems, delay)) ?? 0,
    },
    nameOffset: entries.get("name")?.offset ?? itemOffset,
    upstreamOffset: upstream?.offset ?? itemOffset,
  };
}

function readNodeName(problems: Problems, entry: Entry | undefined, itemOffset: number): string | null {
  if (entry === undefined) {
    report(problems, itemOffset, "a node has no name", "Write it as { name: pg1 }.");
    return null;
  }
  const name = readText(problems, entry);
  const problem = name === null ? null : nameProblem(name);
  if (name === null || problem === null) return name;
  report(problems, entry.offset, `the node name ${quoted(name)} ${problem}`, NAME_HINT);
  return null;
}

function readDelay(problems: Problems, { offset, name, value }: Entry): number | null {
  const scalar = scalarOf(problems, value, name);
  const isNumberOrText = typeof scalar?.value === "number" || typeof scalar?.value === "string";
  const delayMs = isNumberOrText ? parseDuration(String(scalar.value)) : null;
  if (delayMs !== null) return delayMs;
  const message = `delay must be a duration of at most 24 days, not ${described(value)}`;
  report(problems, offset, message, "Write it as 30s, 5min or 2h; a number alone means milliseconds.");
  return null;
}

function checkDuplicates(problems: Problems, nodes: readonly PlacedNode[]): void {
  const seen = new Set<string>();
  for (const { spec, nameOffset } of nodes) {
    if (spec.name !== "" && seen.has(spec.name)) {
      report(problems, nameOffset, `two nodes are named ${spec.name}`, "Give each node a name of its own.");
    }
    seen.add(spec.name);
  }
}

function checkUpstreams(problems: Problems, nodes: readonly PlacedNode[]): void {
  const names = nodes.map((node) => node.spec.name);
  const inReportedLoop = new Set<string>();
  for (const [index, { spec, upstreamOffset }] of nodes.entries()) {
    if (spec.upstream === null) continue;
    if (index === 0) {
      const message = `${spec.name} is the first node and so the initial primary, which has no upstream`;
      report(problems, upstreamOffset, message, "Remove its upstream, or list another node first.");
    } else if (!names.includes(spec.upstream)) {
      const meant = nearest(spec.upstream, names);
      const hint = meant === null ? `The nodes are ${listed(names)}.` : `Did you mean ${meant}?`;
      report(
        problems,
        upstreamOffset,
        `the upstream ${quoted(spec.upstream)} of ${spec.name} is no node of this cluster`,
        hint,
        "cluster-file-invalid",
        { ofOption: `${quoted(spec.upstream)} is no node of this cluster` },
      );
    } else if (!inReportedLoop.has(spec.name)) {
      const loop = loopThrough(nodes, spec.name);
      if (loop === null) continue;
      for (const member of loop) inReportedLoop.add(member);
      const path = [...loop, spec.name].join(" → ");
      report(
        problems,
        upstreamOffset,
        `upstream loop: ${path}`,
        "One of them must receive from the primary: remove its upstream.",
      );
    }
  }
}

/** The nodes from `start` along their upstreams back to `start`; null where that leads elsewhere. */
function loopThrough(nodes: readonly PlacedNode[], start: string): string[] | null {
  const loop = [start];
  for (;;) {
    const next = nodes.find((node) => node.spec.name === loop.at(-1))?.spec.upstream ?? null;
    if (next === start) return loop;
    // Into another node's loop, or to a node of the primary's.
    if (next === null || loop.includes(next)) return null;
    loop.push(next);
  }
}
