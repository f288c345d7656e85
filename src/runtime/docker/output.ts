/**
 * The engine's way of sending two outputs over one connection: frames of stdout and stderr, each behind a header of
 * eight bytes (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach).
 */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { PgrepKitError } from "../../support/errors.ts";

const HEADER = 8;
const STDERR = 2;
/** No tool of ours writes more than a part of this; it keeps a mistake from filling the memory. */
const OUTPUT_LIMIT = 64 * 1024 * 1024;

export interface Frame {
  readonly isError: boolean;
  readonly bytes: Buffer;
}

export async function* framesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= HEADER) {
      const end = HEADER + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { isError: rest[0] === STDERR, bytes: rest.subarray(HEADER, end) };
      rest = rest.subarray(end);
    }
  }
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Everything up to the end of the stream. */
export async function outputOf(stream: Readable): Promise<Output> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  for await (const { isError, bytes } of framesOf(stream)) {
    size += bytes.length;
    if (size > OUTPUT_LIMIT) {
      throw new PgrepKitError("docker-failed", {
        message: "a program in a container wrote more than 64 MB of output",
      });
    }
    (isError ? stderr : stdout).push(bytes);
  }
  return { stdout: Buffer.concat(stdout).toString("utf8"), stderr: Buffer.concat(stderr).toString("utf8") };
}

/** Both outputs as they come, line by line. A last line without its end is a line, too. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoders = { out: new StringDecoder("utf8"), error: new StringDecoder("utf8") };
  const rest = { out: "", error: "" };
  for await (const { isError, bytes } of framesOf(stream)) {
    const kind = isError ? "error" : "out";
    const lines = (rest[kind] + decoders[kind].write(bytes)).split("\n");
    rest[kind] = lines.pop() ?? "";
    yield* lines;
  }
  for (const line of [rest.out, rest.error]) if (line !== "") yield line;
}
