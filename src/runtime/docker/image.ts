/**
 * The image that the nodes run: whether it is there, which PostgreSQL it holds, and pulling it.
 */
import type { Readable } from "node:stream";
import { LOOK_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { EngineError, nullOn, tellsOfFullDisk, diskFull } from "./engine-error.ts";
import { imageMissing } from "./image-trouble.ts";
import { pullProgress, type PullLine } from "./pull-progress.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { HostProgress } from "../node-host.ts";

/** A registry that is silent for so long is not going to answer. */
const PULL_SILENCE_MS = 120_000;

export interface SeenImage {
  readonly Id: string;
  readonly Config: {
    readonly Env: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>> | null;
  } | null;
}

/** Null: not on this machine. */
export async function seeImage(engine: Engine, image: string): Promise<SeenImage | null> {
  const look = engine.socket.json<SeenImage>({
    method: "GET",
    path: `/images/${image}/json`,
    deadlineMs: LOOK_DEADLINE_MS,
  });
  return await nullOn([404], look);
}

export async function imageId(engine: Engine, image: string): Promise<string | null> {
  return (await seeImage(engine, image))?.Id ?? null;
}

/** The server's major version as far as the image tells it: PG_MAJOR of the official images, or the folder on PATH. */
export function majorOf({ Config }: SeenImage): number | null {
  const env = Config?.Env ?? [];
  const told = env.find((entry) => entry.startsWith("PG_MAJOR="))?.slice("PG_MAJOR=".length);
  const folder = env
    .map((entry) => /^PATH=.*\/(?:postgresql\/|pgsql-)(\d+)\/bin/.exec(entry)?.[1])
    .find((found) => found);
  const major = Number(told ?? folder);
  return Number.isInteger(major) && major > 0 ? major : null;
}

/** Pulls the image if it is missing. Throws if it holds another major version than the cluster wants. */
export async function ensureImage(
  engine: Engine,
  image: string,
  major: number,
  progress: HostProgress,
): Promise<void> {
  let seen = await seeImage(engine, image);
  if (seen === null) {
    await pull(engine, image, progress);
    seen = await seeImage(engine, image);
    if (seen === null) throw imageMissing(image, "The engine pulled it, and does not have it.");
  }
  const found = majorOf(seen);
  if (found === null || found === major) return;
  throw new PgrepKitError("image-unusable", {
    message: `the image ${image} holds PostgreSQL ${found}, and the cluster wants ${major}`,
    hint: `Ask for that one (--postgres ${found} with init, \`postgres: ${found}\` in the cluster file), or name another image.`,
  });
}

async function pull(engine: Engine, image: string, progress: HostProgress): Promise<void> {
  progress(`pulling ${image}`);
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), PULL_SILENCE_MS);
  try {
    const dockerode = await engine.dockerode();
    const stream = (await dockerode.pull(image, { abortSignal: silence.signal })) as Readable;
    silence.signal.addEventListener("abort", () => stream.destroy());
    const report = pullProgress(image, progress);
    for await (const line of jsonLines(stream)) {
      timer = timer.refresh();
      if (line.error !== undefined) throw new EngineError(500, line.error);
      report(line);
    }
  } catch (thrown) {
    if (silence.signal.aborted)
      throw imageMissing(image, `Its registry was silent for ${PULL_SILENCE_MS / 1000} s.`);
    if (!(thrown instanceof EngineError)) throw thrown;
    if (tellsOfFullDisk(thrown.message)) throw diskFull(`pull ${image}`, thrown);
    throw imageMissing(image, `It could not be pulled: ${thrown.message}`, thrown);
  } finally {
    clearTimeout(timer);
  }
}

async function* jsonLines(stream: Readable): AsyncGenerator<PullLine> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as PullLine;
  }
}
