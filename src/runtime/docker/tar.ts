/**
 * As much of the tar format as the engine's archive calls need: folders with owner and mode in, one small file out.
 * Names are ours and short; this is no general reader or writer (https://www.gnu.org/software/tar/manual/html_node/Standard.html).
 */
import { assert } from "../../support/assert.ts";

const BLOCK = 512;

export interface TarFolder {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** An archive of empty folders, in the order given. */
export function tarOfFolders(folders: readonly TarFolder[]): Buffer {
  const headers = folders.map(folderHeader);
  return Buffer.concat([...headers, Buffer.alloc(2 * BLOCK)]);
}

function folderHeader({ path, uid, gid, mode }: TarFolder): Buffer {
  const name = `${path}/`;
  assert(Buffer.byteLength(name) <= 100, "a tar entry's name fits its field");
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "ascii");
  };
  header.write(name, 0, "utf8");
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(0, 124, 12);
  octal(0, 136, 12);
  header.write("        5", 148, "ascii");
  header.write("ustar\x0000", 257, "ascii");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "ascii");
  return header;
}

/** The content of the first regular file; null if there is none. */
export function firstFileOf(archive: Buffer): Buffer | null {
  for (let offset = 0; offset + BLOCK <= archive.length;) {
    const size = Number.parseInt(archive.toString("ascii", offset + 124, offset + 136), 8) || 0;
    const type = archive.toString("ascii", offset + 156, offset + 157);
    const start = offset + BLOCK;
    if (type === "0" || type === "\0") {
      const isNamed = archive[offset] !== 0;
      return isNamed ? archive.subarray(start, start + size) : null;
    }
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return null;
}
