/**
 * Which values of a new text come from the command line: what is wrong with one of them is told of the option that was
 * typed, and not of a line that nobody has written.
 */
import { type Node, isMap, isNode, isSeq } from "yaml";
import { pairOf } from "./yaml-text.ts";

export interface Origin {
  /** Keys and indices from the top: `["replication", "acks"]`. */
  readonly at: readonly (string | number)[];
  /** `--acks 3`. */
  readonly typed: string;
}

/** What was typed for the place; of several the first. Null: nothing, so that the place is the file's own. */
export function typedFor(root: Node | null, origins: readonly Origin[], offset: number): string | null {
  const origin = origins.find(({ at }) => {
    const range = rangeOf(root, at);
    return range !== null && range.start <= offset && offset <= range.end;
  });
  return origin?.typed ?? null;
}

/** From the key, where the last step is one, to the end of the value. */
function rangeOf(
  root: Node | null,
  at: Origin["at"],
): { readonly start: number; readonly end: number } | null {
  let node: Node | null = root;
  let start = root?.range?.[0];
  for (const step of at) {
    if (typeof step === "number") {
      node = isSeq(node) ? nodeOrNull(node.items[step]) : null;
      start = node?.range?.[0];
    } else {
      const pair = isMap(node) ? pairOf(node, step) : null;
      node = nodeOrNull(pair?.value);
      start = nodeOrNull(pair?.key)?.range?.[0];
    }
    if (node === null) return null;
  }
  const end = node?.range?.[1];
  return start === undefined || end === undefined ? null : { start, end };
}

function nodeOrNull(thing: unknown): Node | null {
  return isNode(thing) ? thing : null;
}
