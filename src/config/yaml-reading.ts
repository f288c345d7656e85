/**
 * Reads the nodes of a YAML document as what they should be, and reports every one that is something else.
 * It knows maps, lists and scalars; what the keys of a cluster file mean is known by its callers only.
 */
import { type Node, type Scalar, isAlias, isMap, isScalar, isSeq } from "yaml";
import { nearest } from "./did-you-mean.ts";
import { type Problems, quoted, report } from "./problems.ts";

/** One `key: value`. */
export interface Entry {
  readonly key: string;
  /** As messages call it: `replication.acks`. */
  readonly name: string;
  readonly keyOffset: number;
  /** Of the value, or of the key where there is none. */
  readonly offset: number;
  readonly value: Node | null;
}

/** The entries of a map by key. Null, with a problem reported, where `node` is no map; duplicates are reported. */
export function readMap(
  problems: Problems,
  node: Node | null,
  where: string,
  offset: number,
): Map<string, Entry> | null {
  if (!isPlain(problems, node, where)) return null;
  if (!isMap(node)) {
    report(
      problems,
      node?.range?.[0] ?? offset,
      `${where} must be a map of keys and values, not ${described(node)}`,
    );
    return null;
  }
  const entries = new Map<string, Entry>();
  for (const pair of node.items) {
    const entry = entryOf(
      pair.key as Node,
      pair.value as Node | null,
      where === TOP ? "" : `${where}.`,
      offset,
    );
    if (entries.has(entry.key))
      report(problems, entry.keyOffset, `the key ${quoted(entry.key)} is there twice`);
    else entries.set(entry.key, entry);
  }
  return entries;
}

/** How messages call the whole file. */
export const TOP = "the file";

function entryOf(key: Node, value: Node | null, prefix: string, offset: number): Entry {
  const text = isScalar(key) ? String(key.value) : described(key);
  const keyOffset = key.range?.[0] ?? offset;
  // `key:` without a value is a null scalar somewhere behind it; the key is the place to look at.
  const isEmpty = value === null || (isScalar(value) && value.value === null && value.source === "");
  return {
    key: text,
    name: `${prefix}${text}`,
    keyOffset,
    offset: isEmpty ? keyOffset : (value.range?.[0] ?? keyOffset),
    value: isEmpty ? null : value,
  };
}

/** Reports every key that is not one of `known`. */
export function refuseUnknown(
  problems: Problems,
  entries: ReadonlyMap<string, Entry>,
  known: readonly string[],
): void {
  for (const { key, keyOffset } of entries.values()) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    const hint = meant === null ? `Known here: ${known.join(", ")}.` : `Did you mean ${meant}?`;
    report(problems, keyOffset, `unknown key ${quoted(key)}`, hint);
  }
}

/** The items of a list, or null with a problem reported. */
export function readList(problems: Problems, { name, offset, value }: Entry): Node[] | null {
  if (!isPlain(problems, value, name)) return null;
  if (isSeq(value)) return value.items as Node[];
  report(problems, offset, `${name} must be a list, not ${described(value)}`);
  return null;
}

/** A text, or null with a problem reported. */
export function readText(problems: Problems, { name, offset, value }: Entry): string | null {
  const scalar = scalarOf(problems, value, name);
  if (scalar !== null && typeof scalar.value === "string") return scalar.value;
  if (scalar === null && isRefused(value)) return null;
  const hint =
    scalar === null ? null : `If that is meant, put it in quotes: ${name}: "${scalar.source ?? ""}"`;
  report(problems, offset, `${name} must be text, not ${described(value)}`, hint);
  return null;
}

/** A whole number within bounds, or null with a problem reported. */
export function readWhole(problems: Problems, entry: Entry, least: number, most: number): number | null {
  const { name, offset, value } = entry;
  const scalar = scalarOf(problems, value, name);
  if (scalar === null && isRefused(value)) return null;
  const number = scalar?.value;
  if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most)
    return number;
  const isQuoted = typeof number === "string" && /^\d+$/.test(number);
  const range = `a whole number from ${least} to ${most}`;
  report(
    problems,
    offset,
    `${name} must be ${range}, not ${described(value)}`,
    isQuoted ? "Leave out the quotes." : null,
  );
  return null;
}

/** One of a few words, or null with a problem reported. */
export function readChoice<T extends string>(
  problems: Problems,
  entry: Entry,
  choices: readonly T[],
): T | null {
  const { name, offset, value } = entry;
  const scalar = scalarOf(problems, value, name);
  if (scalar === null && isRefused(value)) return null;
  const found = choices.find((choice) => choice === scalar?.value);
  if (found !== undefined) return found;
  const meant = typeof scalar?.value === "string" ? nearest(scalar.value, choices) : null;
  const hint = meant === null ? null : `Did you mean ${meant}?`;
  report(problems, offset, `${name} must be ${listed(choices)}, not ${described(value)}`, hint);
  return null;
}

/** The scalar that `node` is, or null. */
export function scalarOf(problems: Problems, node: Node | null, name: string): Scalar | null {
  return isPlain(problems, node, name) && isScalar(node) ? node : null;
}

/** Aliases let a small file stand for an endless one, and an edit of one place change another: a file of this size needs none. */
function isPlain(problems: Problems, node: Node | null, name: string): boolean {
  if (!isRefused(node)) return true;
  report(
    problems,
    node?.range?.[0] ?? 0,
    `${name} uses a YAML anchor or alias`,
    "Write the value out in each place.",
  );
  return false;
}

/** Its problem has been reported by `isPlain`. */
function isRefused(node: Node | null): boolean {
  return node !== null && (isAlias(node) || ("anchor" in node && node.anchor !== undefined));
}

/** What stands there, for the end of a sentence. */
export function described(node: Node | null): string {
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  if (!isScalar(node) || node.value === null) return "nothing";
  return typeof node.value === "string" ? quoted(node.value) : (node.source ?? String(node.value));
}

/** `a, b or c`. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
