/**
 * PORT: a place where nodes live. Docker and local processes implement it; everything above is the same for both.
 * A host knows containers, processes, files and ports; it knows nothing of replication, roles or authority.
 * Every method is idempotent, and none of them prints. Operating errors are thrown as `PgrepKitError`.
 */
import type { NodeName, RuntimeKind } from "../core/spec.ts";

/** Paths as a program inside the node sees them. All of them are on the node's own storage. */
export interface NodePaths {
  /** Holds everything of the node; survives the container. Owned by the server's user. */
  readonly root: string;
  /** PGDATA. Absent, or whole (law L8). */
  readonly data: string;
  /** postgresql.conf, pg_hba.conf, pgpass: outside of PGDATA, so that no copy or rewind replaces them. */
  readonly conf: string;
}

export type HostNode =
  /** Nothing of the node exists, or nothing that holds data. */
  | { readonly state: "absent" }
  | { readonly state: "stopped"; readonly exitCode: number | null; readonly stoppedAtMs: number | null }
  | { readonly state: "running"; readonly startedAtMs: number | null }
  /** Frozen: `docker pause`, SIGSTOP. */
  | {
      readonly state: "paused";
      /** The processes that are stopped; absent where the server is frozen as a whole. */
      readonly processes?: readonly number[];
    };

export interface NodeFile {
  /** Relative to `NodePaths.root`, with forward slashes: `conf/postgresql.conf`. */
  readonly path: string;
  readonly content: string;
  /** 0o600 for secrets. */
  readonly mode: number;
}

/**
 * In the name of what is written beside a file, to be renamed to it: between the file's name and something of the writer's.
 * Whoever writes the file next removes what others left so.
 */
export const STAGE_MARK = ".pgrep-kit-";

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Tool {
  /** argv; run as the server's user, with the server's binaries on PATH, offline on the node's storage. Never holds a secret. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** It only reads: it may run beside whatever another pgrep-kit does to the node, and never disturbs it. */
  readonly readOnly?: boolean;
}

export interface BesideRequest {
  readonly argv: readonly string[];
  /** No secret. */
  readonly env: Readonly<Record<string, string>>;
  /** A file of the node, as in `NodeFile`, that is to be removed when the program has ended. */
  readonly secret: string;
  /** Whether a person sits before it. */
  readonly isTerminal: boolean;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Wiring {
  /** As pgrep-kit and the user reach the node. */
  readonly endpoint: Endpoint;
  /** As the other nodes reach it. */
  readonly peer: Endpoint;
  readonly listenAddresses: string;
  readonly listenPort: number;
}

export interface HostReport {
  /** "Docker 20.10.24", "local processes". */
  readonly title: string;
  /** For people: socket, binaries' folder. */
  readonly place: string;
  /** What makes the nodes run: the image, or the binaries' folder. */
  readonly source: string;
  /** Server major version, where the host knows it without starting anything. */
  readonly major: number | null;
}

export type HostProgress = (message: string) => void;

export interface NodeHost {
  readonly kind: RuntimeKind;
  /** Whether `writeFiles` and `run` take far longer to begin than a program that the node's own server starts. */
  readonly startsProgramsSlowly: boolean;
  /** Engine answers, binaries or image are there, user exists: else throws, with the remedy as a hint. Never pulls. */
  check(): Promise<HostReport>;
  /** After `check`: gets what the nodes run from (an image), where it has to come from elsewhere; leaves no other trace. */
  fetch(progress: HostProgress): Promise<void>;
  /** After `check`: makes what the whole cluster shares (network, image pulled if need be). Reports long work through `progress`. */
  setUp(progress: HostProgress): Promise<void>;
  paths(node: NodeName): NodePaths;
  /** `port` is the one that the state remembers for the node. */
  wiring(node: NodeName, port: number): Wiring;
  /** Every node of this cluster that the host has anything of, whether the file names it or not. Cheap: one look. */
  list(): Promise<ReadonlyMap<NodeName, HostNode>>;
  /** Makes the node's storage (volume or folder) with `root` and `conf`, owned by the server's user. Keeps what is there. */
  create(node: NodeName): Promise<void>;
  /** Each file is replaced atomically: after a crash there is the old or the new one. Works on a running or stopped node. */
  writeFiles(node: NodeName, files: readonly NodeFile[]): Promise<void>;
  /** Null: no such file. `path` as in `NodeFile`. */
  readFile(node: NodeName, path: string): Promise<string | null>;
  /** Runs a program on the node's storage while no server runs there. Ends what an earlier, interrupted run left behind first. */
  run(node: NodeName, tool: Tool, signal?: AbortSignal): Promise<ToolResult>;
  /**
   * What to run on this machine to have a program of the node's own in the user's terminal, beside its server.
   * Null: the node has no programs that this machine lacks.
   */
  beside(node: NodeName, request: BesideRequest): readonly string[] | null;
  /** Starts the server: `postgres -D <data> -c config_file=<conf>/postgresql.conf`. Returns when its process runs. */
  start(node: NodeName, port: number): Promise<void>;
  /** Fast shutdown (SIGINT); returns when the process is gone. Past the deadline: throws, outcome unknown. */
  stop(node: NodeName, timeoutMs: number): Promise<void>;
  /** SIGKILL to the server and all its children; for tests and fencing. */
  kill(node: NodeName): Promise<void>;
  pause(node: NodeName): Promise<void>;
  resume(node: NodeName): Promise<void>;
  /** Resolves when the server of this node has ended (not when it was never running); rejects on abort. */
  ended(node: NodeName, signal: AbortSignal): Promise<void>;
  /** The server's log, the newest `lines` lines (all if null); with `follow` it goes on until aborted. */
  logs(
    node: NodeName,
    options: { readonly lines: number | null; readonly follow: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<string>;
  /** Ends the server if it runs, and removes node and data. Nothing of any other node or cluster is touched. */
  remove(node: NodeName): Promise<void>;
  /** Removes what the whole cluster shared. */
  tearDown(): Promise<void>;
  /** Bytes free where the nodes' data is; null if the host cannot tell. */
  freeBytes(node: NodeName): Promise<number | null>;
  close(): Promise<void>;
}
