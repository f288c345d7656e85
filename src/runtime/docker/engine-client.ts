/**
 * The engine as the rest of this folder uses it: our socket for what must be quick (looks, exec), and dockerode over
 * the same socket for everything else. dockerode takes some 150 ms to load, so it is loaded when it is first needed
 * and never by `status`.
 */
import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { openEngineSocket, type EngineRequest, type EngineSocket } from "./engine-socket.ts";

/** The deadline of a list, for which the engine waits for nothing. */
export const LIST_DEADLINE_MS = 5_000;
/** The deadline of a look at a single thing, for which the engine waits while that thing is being started. */
export const LOOK_DEADLINE_MS = 15_000;
/** The deadline of a call that makes the engine work: create, start, remove. */
export const WORK_DEADLINE_MS = 30_000;

export interface Engine {
  readonly socket: EngineSocket;
  dockerode(): Promise<Dockerode>;
  close(): void;
}

export function openEngine(socketPath: string): Engine {
  const socket = openEngineSocket(socketPath);
  let loaded: Promise<Dockerode> | null = null;
  return {
    socket,
    dockerode: () => (loaded ??= loadDockerode(socket)),
    close: () => socket.close(),
  };
}

async function loadDockerode(socket: EngineSocket): Promise<Dockerode> {
  const { default: Client } = await import("dockerode");
  // `modem` is how dockerode lets its transport be replaced; its type declarations forget it.
  return new Client({ modem: transport(socket) } as Dockerode.DockerOptions);
}

/** What dockerode asks of its transport for one call. */
interface Dial {
  readonly path: string;
  readonly method: EngineRequest["method"];
  readonly options?: Record<string, unknown>;
  readonly file?: Buffer;
  readonly isStream?: boolean;
  readonly abortSignal?: AbortSignal;
}

type Answered = (error: unknown, answer: unknown) => void;

/** dockerode's calls on our socket. It has no callers but dockerode itself. */
function transport(socket: EngineSocket): { readonly dial: (dial: Dial, answered: Answered) => void } {
  return {
    dial(dial, answered) {
      answer(socket, dial).then(
        (value) => answered(null, value),
        (thrown: unknown) => answered(thrown, null),
      );
    },
  };
}

async function answer(socket: EngineSocket, dial: Dial): Promise<unknown> {
  const request = engineRequest(dial);
  if (dial.isStream === true) return (await socket.stream(request)) as Readable;
  const body = await socket.bytes(request);
  const text = body.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function engineRequest(dial: Dial): EngineRequest {
  const { abortSignal: _, authconfig: __, ...options } = dial.options ?? {};
  // A path that ends in `?` takes the options as its query, unless they say themselves what belongs where.
  const takesQuery = dial.path.includes("?");
  const query = takesQuery
    ? queryString((options["_query"] as Record<string, unknown> | undefined) ?? options)
    : "";
  const path = takesQuery && query === "" ? dial.path.replace(/\?$/, "") : dial.path + query;
  const body = dial.method === "POST" ? ((options["_body"] as object | undefined) ?? options) : {};
  return {
    method: dial.method,
    path,
    ...(dial.file === undefined ? {} : { tar: dial.file }),
    ...(Object.keys(body).length === 0 ? {} : { json: body }),
    deadlineMs: WORK_DEADLINE_MS,
    signal: dial.abortSignal,
  };
}

/** dockerode alone would send the whole configuration twice: as the body, and in the address of the request. */
export async function createContainer(
  engine: Engine,
  name: string,
  config: Dockerode.ContainerCreateOptions,
): Promise<Dockerode.Container> {
  const call = { _query: { name }, _body: config } as unknown as Dockerode.ContainerCreateOptions;
  return await (await engine.dockerode()).createContainer(call);
}

/** Objects in a query are JSON, as the engine wants its filters. */
export function queryString(options: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    query.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return query.toString();
}
