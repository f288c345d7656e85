/**
 * Changes of a YAML text, as replacements in the text itself: what is not changed keeps every blank, comment and quote.
 * The library could write a changed document, but it would lay the whole file out anew.
 */
import { type Node, type Pair, type Scalar, type YAMLMap, type YAMLSeq, isMap, isScalar, isSeq } from "yaml";

export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function spliced(text: string, splices: readonly Splice[]): string {
  const fromTheEnd = splices.toSorted((a, b) => b.start - a.start);
  return fromTheEnd.reduce(
    (rest, { start, end, text }) => rest.slice(0, start) + text + rest.slice(end),
    text,
  );
}

/** A word, or a number with a unit; YAML takes neither for anything but text, but for three words. */
const PLAIN = /^([A-Za-z_][\w.-]*|[1-9]\d*(B|kB|MB|GB|TB|us|ms|s|min|h|d))$/;

/** A scalar that reads back as the same text or number, quoted only where it must be. */
export function scalarText(value: string | number): string {
  if (typeof value === "number") return String(value);
  // Every JSON string is a YAML string.
  return PLAIN.test(value) && !/^(true|false|null)$/i.test(value) ? value : JSON.stringify(value);
}

export function flowList(values: readonly string[]): string {
  return `[${values.map(scalarText).join(", ")}]`;
}

/** `key: value` in the order given, without those that are undefined. */
export type Fields = readonly (readonly [key: string, value: string])[];

/** Sets `key` of a map, adding it at the end where it is not there. `value` is YAML for one line. */
export function setKey(text: string, map: YAMLMap, key: string, value: string): Splice {
  const pair = pairOf(map, key);
  if (pair === null) return addKey(text, map, key, value);
  const node = pair.value as Node | null;
  const colonEnd = colonEndOf(pair);
  if (node === null || isEmpty(node)) return { start: colonEnd, end: colonEnd, text: ` ${value}` };
  const end = contentEnd(node);
  if (isSeq(node) && node.flow !== true) return { start: colonEnd, end, text: ` ${value}` };
  const start = startOf(node);
  return { start, ...keepingColumn(text, start, end, value) };
}

/** A comment behind the value stays in its column where there is room. */
function keepingColumn(
  text: string,
  start: number,
  end: number,
  value: string,
): { end: number; text: string } {
  const gap = /^( {2,})#/.exec(text.slice(end, end + 200))?.[1]?.length;
  if (gap === undefined) return { end, text: value };
  return { end: end + gap, text: value + " ".repeat(Math.max(1, gap + (end - start) - value.length)) };
}

function addKey(text: string, map: YAMLMap, key: string, value: string): Splice {
  const last = map.items.at(-1);
  if (last === undefined) return { start: startOf(map), end: contentEnd(map), text: `{ ${key}: ${value} }` };
  const end = pairEnd(last);
  if (map.flow === true) return { start: end, end, text: `, ${key}: ${value}` };
  const at = lineEnd(text, end);
  return {
    start: at,
    end: at,
    text: `${newlineOf(text)}${" ".repeat(columnOf(text, startOf(last.key as Node)))}${key}: ${value}`,
  };
}

/** Adds `key` with a map under it, or fills it where its value is empty. */
export function setMap(text: string, map: YAMLMap, key: string, fields: Fields): Splice {
  const inline = `{ ${fieldsText(fields)} }`;
  if (map.flow === true) return setKey(text, map, key, inline);
  const first = map.items[0];
  const column = first === undefined ? 0 : columnOf(text, startOf(first.key as Node));
  const newline = newlineOf(text);
  const block = fields.map((field) => `${newline}${" ".repeat(column + 2)}${fieldsText([field])}`).join("");
  const pair = pairOf(map, key);
  const at = lineEnd(text, pair === null ? pairEnd(map.items.at(-1) as Pair) : colonEndOf(pair));
  return {
    start: at,
    end: at,
    text: pair === null ? `${newline}${" ".repeat(column)}${key}:${block}` : block,
  };
}

export function removeKey(text: string, map: YAMLMap, key: string): Splice {
  const index = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  const starts = map.items.map((pair) => startOf(pair.key as Node));
  return removal(text, map.flow === true, index, starts, map.items.map(pairEnd));
}

/** Adds a map to the end of a list, written as the last one is. */
export function addItem(text: string, list: YAMLSeq, fields: Fields): Splice {
  const last = list.items.at(-1) as YAMLMap;
  const end = contentEnd(last);
  const start = startOf(last);
  const isTight = text[start] === "{" && text[start + 1] !== " ";
  const inline = isTight ? `{${fieldsText(fields)}}` : `{ ${fieldsText(fields)} }`;
  const newline = newlineOf(text);
  if (list.flow === true) {
    const onItsOwnLine = text.slice(0, start).trimEnd().length < lineStart(text, start);
    const separator = onItsOwnLine ? `,${newline}${" ".repeat(columnOf(text, start))}` : ", ";
    return { start: end, end, text: separator + inline };
  }
  const indent = " ".repeat(columnOf(text, dashOf(list, list.items.length - 1)));
  const block = fields.map((field) => fieldsText([field])).join(`${newline}${indent}  `);
  const at = lineEnd(text, end);
  return { start: at, end: at, text: `${newline}${indent}- ${last.flow === true ? inline : block}` };
}

export function removeItem(text: string, list: YAMLSeq, index: number): Splice {
  const items = list.items as Node[];
  const starts = items.map((item, i) => (list.flow === true ? startOf(item) : dashOf(list, i)));
  return removal(text, list.flow === true, index, starts, items.map(contentEnd));
}

/** In a block whole lines, in a flow collection the comma as well. */
function removal(
  text: string,
  isFlow: boolean,
  index: number,
  starts: readonly number[],
  ends: readonly number[],
): Splice {
  const [start, end] = [starts[index] ?? 0, ends[index] ?? 0];
  if (!isFlow) {
    const next = lineEnd(text, end) + newlineOf(text).length;
    return { start: lineStart(text, start), end: Math.min(next, text.length), text: "" };
  }
  const next = starts[index + 1];
  const previous = ends[index - 1];
  if (next !== undefined) return { start, end: next, text: "" };
  return { start: previous ?? start, end, text: "" };
}

function fieldsText(fields: Fields): string {
  return fields.map(([key, value]) => `${key}: ${value}`).join(", ");
}

export function pairOf(map: YAMLMap, key: string): Pair | null {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) ?? null;
}

export function mapAt(map: YAMLMap, key: string): YAMLMap | null {
  const value = pairOf(map, key)?.value;
  return isMap(value) ? value : null;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && (node as Scalar).source === "" && node.value === null;
}

/** Behind the colon of a pair of a block or flow map that was written as one. */
function colonEndOf(pair: Pair): number {
  const separator = (pair.srcToken as CollectionItem | undefined)?.sep?.find(
    (token) => token.type === "map-value-ind",
  );
  return separator === undefined ? contentEnd(pair.key as Node) : separator.offset + 1;
}

/** The part of the library's source tokens that is needed here. */
interface CollectionItem {
  readonly start: readonly { readonly type: string; readonly offset: number }[];
  readonly sep?: readonly { readonly type: string; readonly offset: number }[];
}

function dashOf(list: YAMLSeq, index: number): number {
  const token = list.srcToken as { readonly items?: readonly CollectionItem[] } | undefined;
  const dash = token?.items?.[index]?.start.find((entry) => entry.type === "seq-item-ind");
  return dash?.offset ?? startOf(list.items[index] as Node);
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function pairEnd(pair: Pair): number {
  const value = pair.value as Node | null;
  return value === null || isEmpty(value) ? colonEndOf(pair) : contentEnd(value);
}

/** Where the last visible thing of a node ends: the library counts what follows a block collection as part of it. */
function contentEnd(node: Node): number {
  if (isMap(node) && node.flow !== true && node.items.length > 0) return pairEnd(node.items.at(-1) as Pair);
  if (isSeq(node) && node.flow !== true && node.items.length > 0)
    return contentEnd(node.items.at(-1) as Node);
  return node.range?.[1] ?? 0;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Before the line break, or the end of the text. */
function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  if (newline === -1) return text.length;
  return text[newline - 1] === "\r" ? newline - 1 : newline;
}

function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

function newlineOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
