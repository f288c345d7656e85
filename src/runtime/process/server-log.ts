/**
 * Reads a node's server.log: its newest lines, and those that are still to come. It holds the lines it is asked for
 * and never the whole file where fewer will do.
 */
import { watch } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { basename } from "node:path";
import type { NodePlace } from "./storage.ts";
import { systemCode } from "../../support/files.ts";

export interface LogOptions {
  /** Null: all. */
  readonly lines: number | null;
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

const BLOCK_BYTES = 64 * 1024;
/** A file system without events (some network mounts) is looked at this often. */
const LOOK_EVERY_MS = 500;

/** One line per element, without its line end. Following ends, without an error, on abort. */
export async function* readLog(place: NodePlace, options: LogOptions): AsyncIterable<string> {
  let file = await openOrNull(place.log);
  const changes = options.follow ? watchLog(place, options.signal) : null;
  try {
    let at = file ? await startOfTail(file, options.lines) : 0;
    for (let text = lineSplitter(), newer: FileHandle | null = null; ;) {
      for (;;) {
        const block = file ? await readBlock(file, at) : null;
        if (block === null) break;
        at += block.length;
        yield* text.add(block);
      }
      if (newer !== null) {
        yield* text.end();
        await file?.close();
        [file, newer, at, text] = [newer, null, 0, lineSplitter()];
        continue;
      }
      if (changes === null || options.signal?.aborted) {
        yield* text.end();
        return;
      }
      // The old file is read to its end once more: it may have grown before it was replaced.
      newer = await replacement(place.log, file);
      if (newer === null) await changes.next();
    }
  } finally {
    changes?.close();
    await file?.close();
  }
}

/** The file that lies under the name now, if it is another one than `file`. */
async function replacement(path: string, file: FileHandle | null): Promise<FileHandle | null> {
  const now = await openOrNull(path);
  if (now === null) return null;
  if (file !== null && (await now.stat()).ino === (await file.stat()).ino) {
    await now.close();
    return null;
  }
  return now;
}

/** Where the last `lines` lines begin. */
async function startOfTail(file: FileHandle, lines: number | null): Promise<number> {
  if (lines === null) return 0;
  const { size } = await file.stat();
  if (lines === 0) return size;
  let missing = lines;
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - BLOCK_BYTES);
    const block = (await readBlock(file, from, end - from)) ?? Buffer.alloc(0);
    for (let index = block.length - 1; index >= 0; index--) {
      // The line end at the very end of the file ends the last line; it begins none.
      if (block[index] !== 10 || from + index === size - 1) continue;
      if (--missing <= 0) return from + index + 1;
    }
    end = from;
  }
  return 0;
}

async function readBlock(file: FileHandle, at: number, length = BLOCK_BYTES): Promise<Buffer | null> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
}

function lineSplitter(): { add(block: Buffer): string[]; end(): string[] } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    add(block) {
      const lines = (rest + decoder.write(block)).split("\n");
      rest = lines.pop() ?? "";
      return lines;
    },
    end() {
      const last = rest + decoder.end();
      rest = "";
      return last === "" ? [] : [last];
    },
  };
}

/** Resolves `next` on each change since the last call. */
function watchLog(
  place: NodePlace,
  signal: AbortSignal | undefined,
): { next(): Promise<void>; close(): void } {
  let changed = false;
  let wake: (() => void) | null = null;
  const note = (): void => {
    changed = true;
    wake?.();
  };
  const timer = setInterval(note, LOOK_EVERY_MS);
  const watcher = watchFolder(place.root, (name) => name === basename(place.log) && note());
  signal?.addEventListener("abort", note);
  return {
    async next() {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
      wake = null;
    },
    close() {
      clearInterval(timer);
      watcher?.close();
      signal?.removeEventListener("abort", note);
    },
  };
}

function watchFolder(folder: string, onChange: (name: string | null) => void): { close(): void } | null {
  try {
    const watcher = watch(folder, (_event, name) => onChange(name));
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}
