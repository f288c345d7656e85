/**
 * One connection to one server, with a deadline on everything. SQL text comes from `queries.ts`; values go in as
 * parameters. A session never outlives the command, and no error text of it holds a password.
 */
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Client, ClientConfig } from "pg";
import { PgrepKitError, messageOf } from "../support/errors.ts";

export interface SessionTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
}

/** Why a server could not be reached, as far as the client can tell. */
export type ConnectFailure =
  /** It answers, but not yet: "the database system is starting up". */
  | { readonly kind: "starting"; readonly reason: string }
  /** Nobody listens there. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "unanswered"; readonly reason: string };

export class ConnectError extends PgrepKitError {
  readonly failure: ConnectFailure;

  constructor(target: Pick<SessionTarget, "host" | "port">, failure: ConnectFailure) {
    super("server-unreachable", {
      message: `no connection to the server at ${target.host}:${target.port}: ${failure.reason}`,
      hint: "pgrep-kit status shows which nodes run; pgrep-kit logs NODE what a server says.",
    });
    this.failure = failure;
  }
}

export type Row = Readonly<Record<string, unknown>>;

/** A server says goodbye at once, unless it is frozen. */
const END_MS = 500;

export class Session {
  private readonly client: Client;
  private readonly socket: Socket;
  private ended = false;

  private constructor(client: Client, socket: Socket) {
    this.client = client;
    this.socket = socket;
    // A broken connection is noticed by the next query; without a listener it would end the process.
    client.on("error", () => {
      this.ended = true;
    });
    client.on("end", () => {
      this.ended = true;
    });
  }

  /** Throws `ConnectError`. */
  static async open(target: SessionTarget): Promise<Session> {
    // `pg` would take a missing port from the environment.
    if (target.port === 0) {
      throw new ConnectError(target, { kind: "unanswered", reason: "its port is not known" });
    }
    const { Client } = await loadClient();
    const socket = new Socket();
    const client = new Client(configuration(target, socket));
    const session = new Session(client, socket);
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw new ConnectError(target, classify(error));
    }
    return session;
  }

  get usable(): boolean {
    return !this.ended;
  }

  /** Rows as objects of text and null. Past the deadline the session is closed and the outcome unknown. */
  async query(text: string, values: readonly unknown[] = [], timeoutMs = 10_000): Promise<readonly Row[]> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.ended = true;
        this.client.end().catch(() => undefined);
        reject(
          new PgrepKitError("deadline", {
            message: `no answer from the server within ${timeoutMs / 1000} s`,
          }),
        );
      }, timeoutMs);
    });
    try {
      const result = await Promise.race([this.client.query({ text, values: [...values] }), deadline]);
      return result.rows as Row[];
    } catch (error) {
      if (error instanceof PgrepKitError) throw error;
      throw new PgrepKitError("sql-failed", { message: messageOf(error), cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** In good order where the server still listens; a frozen one never answers the goodbye. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.ended = true;
    const inTime = new AbortController();
    const goodbye = this.client.end().catch(() => undefined);
    const tooLate = delay(END_MS, undefined, { signal: inTime.signal }).catch(() => undefined);
    await Promise.race([goodbye, tooLate]);
    inTime.abort();
    this.socket.destroy();
  }
}

/**
 * Everything that `pg` would otherwise take from the user's environment (PGOPTIONS, PGSSLMODE and others): a session that
 * proves something must not depend on it. Empty values count as missing there, so that each has to be something.
 */
function configuration(
  target: SessionTarget,
  socket: Socket,
): ClientConfig & { readonly replication: string } {
  return {
    host: target.host,
    port: target.port,
    user: target.user,
    password: () => target.password,
    database: target.database,
    application_name: target.applicationName,
    // Limits that a role or a database sets are for its own work: this one has deadlines of its own.
    options: "-c client_encoding=UTF8 -c statement_timeout=0 -c lock_timeout=0",
    client_encoding: "utf8",
    replication: "false",
    ssl: false,
    sslnegotiation: "postgres",
    connectionTimeoutMillis: target.connectTimeoutMs,
    keepAlive: true,
    stream: () => socket,
  };
}

/**
 * While it is loaded, `pg` looks for Cloudflare's runtime by `navigator`, and without one by constructing a `Response`,
 * for which Node 20 loads its whole HTTP client: 30 ms and 5 MB at every start. Later versions of Node have this name.
 */
async function loadClient(): Promise<typeof pg> {
  if (!("navigator" in globalThis)) {
    Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Node.js" }, configurable: true });
  }
  return (await import("pg")).default;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function classify(error: unknown): ConnectFailure {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const reason = messageOf(error);
  if (code === "57P03") return { kind: "starting", reason };
  if (code === "ECONNREFUSED") return { kind: "refused", reason: "connection refused" };
  if (/^(28|3D|42|53)/.test(code)) return { kind: "rejected", reason };
  if (code === "ECONNRESET" || /terminated unexpectedly/.test(reason)) {
    return { kind: "refused", reason: "the connection was closed at once" };
  }
  return { kind: "unanswered", reason: /timeout/i.test(reason) ? "no answer" : reason };
}
