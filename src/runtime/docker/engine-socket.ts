/**
 * HTTP over the engine's Unix socket: every request has a deadline for its answer and honours an abort signal.
 * This file knows HTTP and sockets, and nothing of containers. dockerode speaks through it too (engine-client.ts):
 * its own transport loads an SSH client at start-up and has no deadlines.
 */
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { PgrepKitError, messageOf } from "../../support/errors.ts";
import { EngineError } from "./engine-error.ts";

export interface EngineRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** With its query, without a version: the engine then speaks its newest. */
  readonly path: string;
  readonly json?: unknown;
  readonly tar?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer, or for its head where the answer is a stream; null: as long as it takes. */
  readonly deadlineMs: number | null;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineSocket {
  readonly path: string;
  /** The whole answer, parsed where it is JSON; an error status is thrown as `EngineError`. */
  json<T>(request: EngineRequest): Promise<T>;
  bytes(request: EngineRequest): Promise<Buffer>;
  /** The answer as it comes. */
  stream(request: EngineRequest): Promise<IncomingMessage>;
  /** A connection in both directions: attach, exec. */
  upgrade(request: EngineRequest): Promise<Duplex>;
  close(): void;
}

export function openEngineSocket(path: string): EngineSocket {
  const agent = new Agent({ keepAlive: true });
  const bytes = async (request: EngineRequest): Promise<Buffer> => {
    const { body } = await exchange(path, agent, request, readAll);
    return body;
  };
  return {
    path,
    bytes,
    async json<T>(request: EngineRequest): Promise<T> {
      const text = (await bytes(request)).toString("utf8");
      return (text === "" ? null : JSON.parse(text)) as T;
    },
    stream: (request) => exchange(path, agent, request, async (answer) => answer),
    upgrade: (request) => upgrade(path, request),
    close: () => agent.destroy(),
  };
}

async function readAll(answer: IncomingMessage): Promise<{ readonly body: Buffer }> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { body: Buffer.concat(chunks) };
}

/** Sends the request and hands its answer to `receive`; the deadline covers both. */
async function exchange<T>(
  path: string,
  agent: Agent,
  request: EngineRequest,
  receive: (answer: IncomingMessage) => Promise<T>,
): Promise<T> {
  let reused = false;
  try {
    return await underDeadline(path, request, agent, async (outgoing) => {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.on("response", resolve).on("error", reject);
        outgoing.on("socket", () => (reused = outgoing.reusedSocket));
      });
      if ((answer.statusCode ?? 0) >= 400) throw await engineError(answer);
      return await receive(answer);
    });
  } catch (thrown) {
    // The engine closed an idle connection at the very moment we used it again: asking twice does no harm.
    const isStale = reused && request.method === "GET" && codeOf(thrown) === "ECONNRESET";
    if (isStale) return await exchange(path, agent, request, receive);
    throw connectionError(thrown, path);
  }
}

async function upgrade(path: string, request: EngineRequest): Promise<Duplex> {
  const headers = { ...request.headers, Connection: "Upgrade", Upgrade: "tcp" };
  try {
    return await underDeadline(path, { ...request, headers }, false, (outgoing) => {
      return new Promise<Duplex>((resolve, reject) => {
        outgoing.on("error", reject);
        outgoing.on("response", (answer) => engineError(answer).then(reject, reject));
        outgoing.on("upgrade", (_answer, socket: Duplex, head: Buffer) => {
          if (head.length > 0) socket.unshift(head);
          resolve(socket);
        });
      });
    });
  } catch (thrown) {
    throw connectionError(thrown, path);
  }
}

async function underDeadline<T>(
  path: string,
  request: EngineRequest,
  agent: Agent | false,
  work: (outgoing: ClientRequest) => Promise<T>,
): Promise<T> {
  const { deadlineMs, signal } = request;
  signal?.throwIfAborted();
  const outgoing = send(path, request, agent);
  let giveUp: (reason: unknown) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = (reason) => {
      reject(reason);
      outgoing.destroy();
    };
  });
  const onAbort = (): void => giveUp(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer =
    deadlineMs === null ? null : setTimeout(() => giveUp(noAnswer(path, request, deadlineMs)), deadlineMs);
  // An error after the answer came (we closed the connection ourselves) is nobody's concern any more.
  outgoing.on("error", () => undefined);
  try {
    return await Promise.race([work(outgoing), givenUp]);
  } finally {
    if (timer !== null) clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function send(socketPath: string, request: EngineRequest, agent: Agent | false): ClientRequest {
  const body = request.tar ?? (request.json === undefined ? null : Buffer.from(JSON.stringify(request.json)));
  const headers: Record<string, string | number> = { Host: "docker", ...request.headers };
  if (body !== null) {
    headers["Content-Type"] = request.tar === undefined ? "application/json" : "application/x-tar";
    headers["Content-Length"] = body.length;
  }
  const outgoing = httpRequest({ socketPath, path: request.path, method: request.method, headers, agent });
  outgoing.end(body ?? undefined);
  return outgoing;
}

async function engineError(answer: IncomingMessage): Promise<EngineError> {
  const text = (await readAll(answer)).body.toString("utf8").trim();
  const status = answer.statusCode ?? 0;
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === "string") return new EngineError(status, message);
  } catch {
    // Not JSON: a proxy's page, or nothing. The text itself is the best we have.
  }
  return new EngineError(status, text === "" ? `HTTP status ${status}` : text);
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}

/** It took the request, or at least the connection: there is an engine, and it is busy or hangs. */
export class EngineSilent extends PgrepKitError {
  constructor(path: string, how: string, detail: string, cause?: unknown) {
    super("docker-unavailable", {
      message: `the Docker engine at unix://${path} ${how}`,
      detail,
      hint: "It may only be busy: run the command again. Where `docker info` does not answer either, restart the engine.",
      cause,
    });
  }
}

function noAnswer(path: string, request: EngineRequest, deadlineMs: number): EngineSilent {
  const asked = `It was asked: ${request.method} ${request.path.replace(/\?.*/, "")}.`;
  return new EngineSilent(path, `did not answer within ${deadlineMs / 1000} s`, asked);
}

function connectionError(thrown: unknown, path: string): unknown {
  const code = codeOf(thrown);
  if (code === "EACCES" || code === "EPERM") {
    return new PgrepKitError("docker-forbidden", {
      message: `no permission to use the Docker engine at unix://${path}`,
      hint: "Add yourself to the `docker` group (`sudo usermod -aG docker $USER`, then log in again), or set `runtime: process`.",
      cause: thrown,
    });
  }
  // EAGAIN: so many wait for it already that the system takes no more connections to it (connect(2)).
  if (["ECONNRESET", "EPIPE", "EAGAIN"].includes(code)) {
    return new EngineSilent(path, "broke the connection off", messageOf(thrown), thrown);
  }
  if (["ECONNREFUSED", "ENOENT", "ENOTSOCK", "ENOTDIR", "EPROTO"].includes(code)) {
    return new PgrepKitError("docker-unavailable", {
      message: `no Docker engine answers at unix://${path}`,
      detail: messageOf(thrown),
      hint: "Start Docker, or name its socket in DOCKER_HOST (unix://…), or set `runtime: process`.",
      cause: thrown,
    });
  }
  return thrown;
}
