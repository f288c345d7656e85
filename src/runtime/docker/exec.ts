/**
 * Runs something in a container that is already running. What goes in through stdin stays out of every argument
 * list and every listing of the engine; so secrets go there and nowhere else.
 */
import type { Duplex } from "node:stream";
import { WORK_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { isStatus, nullOn } from "./engine-error.ts";
import { outputOf, type Output } from "./output.ts";
import { NODE_PATHS, SERVER_USER } from "./names.ts";

/** No program exits with it. */
export const UNKNOWN_EXIT = -1;

export interface ExecRequest {
  /** Name or id. */
  readonly container: string;
  /** Where the program begins; the node's own folder unless said otherwise. */
  readonly folder?: string;
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly stdin?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecResult extends Output {
  readonly exitCode: number;
}

/** Null: the container is not running (absent, stopped or paused). */
export async function execIn(engine: Engine, request: ExecRequest): Promise<ExecResult | null> {
  const id = await createExec(engine, request);
  if (id === null) return null;
  const connection = await startExec(engine, id, request);
  if (connection === null) return null;
  const onAbort = (): void => void connection.destroy();
  request.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    request.signal?.throwIfAborted();
    if (request.stdin !== undefined) connection.write(request.stdin);
    const output = await outputOf(connection);
    return { ...output, exitCode: await exitCodeOf(engine, id) };
  } catch (thrown) {
    request.signal?.throwIfAborted();
    throw thrown;
  } finally {
    request.signal?.removeEventListener("abort", onAbort);
    connection.destroy();
  }
}

async function createExec(engine: Engine, request: ExecRequest): Promise<string | null> {
  try {
    const created = await engine.socket.json<{ readonly Id: string }>({
      method: "POST",
      path: `/containers/${request.container}/exec`,
      json: {
        AttachStdin: request.stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
        User: SERVER_USER,
        WorkingDir: request.folder ?? NODE_PATHS.root,
        Env: request.env ?? [],
        Cmd: request.argv,
      },
      deadlineMs: WORK_DEADLINE_MS,
      signal: request.signal,
    });
    return created.Id;
  } catch (thrown) {
    if (isStatus(thrown, 404, 409)) return null;
    throw thrown;
  }
}

async function startExec(engine: Engine, id: string, { signal }: ExecRequest): Promise<Duplex | null> {
  try {
    return await engine.socket.upgrade({
      method: "POST",
      path: `/exec/${id}/start`,
      json: { Detach: false, Tty: false },
      deadlineMs: WORK_DEADLINE_MS,
      signal,
    });
  } catch (thrown) {
    // The container ended since the exec was created.
    if (isStatus(thrown, 404, 409)) return null;
    throw thrown;
  }
}

async function exitCodeOf(engine: Engine, id: string): Promise<number> {
  const look = engine.socket.json<{ readonly ExitCode: number | null }>({
    method: "GET",
    path: `/exec/${id}/json`,
    deadlineMs: WORK_DEADLINE_MS,
  });
  // Its container is gone, or the connection broke while it ran.
  const seen = await nullOn([404], look);
  return seen?.ExitCode ?? UNKNOWN_EXIT;
}
