/**
 * Files of one JSON object a line that survive a crash: reading them line by line, and mending the end that a killed
 * writer left, so that two entries are never glued together. What the lines mean is not known here.
 */
import { type FileHandle, open } from "node:fs/promises";
import { ifThere } from "../support/files.ts";

const NEWLINE = 0x0a;
/** Longer than any entry. */
const TAIL_BYTES = 1_000_000;

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** False for the last line of a file that a writer was stopped in, or is still writing. */
  readonly whole: boolean;
}

/** The lines of an open file from its beginning. */
export async function* readLines(handle: FileHandle): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let number = 0;
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      yield { text: rest.toString("utf8", 0, end), number: ++number, whole: true };
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield { text: rest.toString("utf8"), number: ++number, whole: false };
}

/**
 * Gives a file that ends in the middle of a line a proper end: a line that only lacks its newline gets it, any other
 * piece is cut off. Its writer never had it confirmed. No other writer may be at work.
 */
export async function mendEnd(path: string): Promise<void> {
  const handle = await ifThere(open(path, "r+"), null);
  if (handle === null) return;
  try {
    const { bytes, start } = await tail(handle);
    const cut = bytes.lastIndexOf(NEWLINE) + 1;
    if (cut === bytes.length) return;
    if (parsed(bytes.toString("utf8", cut)) === undefined) await handle.truncate(start + cut);
    else await handle.write("\n", start + bytes.length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What `read` makes of the last line that it accepts; null where there is none near the end. */
export async function lastOf<T>(path: string, read: (value: unknown) => T | null): Promise<T | null> {
  const handle = await ifThere(open(path, "r"), null);
  if (handle === null) return null;
  try {
    const { bytes } = await tail(handle);
    const lines = bytes.toString("utf8").split("\n").toReversed();
    for (const line of lines) {
      const value = read(parsed(line));
      if (value !== null) return value;
    }
    return null;
  } finally {
    await handle.close();
  }
}

async function tail(handle: FileHandle): Promise<{ bytes: Buffer; start: number }> {
  const { size } = await handle.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
  return { bytes: buffer.subarray(0, bytesRead), start };
}

/** Undefined for what is not JSON. */
export function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
