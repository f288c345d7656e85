/** The sessions of one command: at most one kept per node, opened when first needed, closed together. */
import type { Session } from "./session.ts";

/** Opens a session as superuser; without `database` to the one that every cluster has. */
export type Connect = (node: string, database?: string) => Promise<Session>;

export class Sessions {
  private readonly open = new Map<string, Promise<Session>>();
  private readonly connect: Connect;

  constructor(connect: Connect) {
    this.connect = connect;
  }

  /** The kept session of `node`, or a new one where there is none that can still be used. Throws `ConnectError`. */
  async to(node: string): Promise<Session> {
    const kept = this.open.get(node);
    if (kept !== undefined) {
      const session = await kept.catch(() => null);
      if (session?.usable === true) return session;
    }
    const opening = this.connect(node);
    this.open.set(node, opening);
    return opening;
  }

  /** A session that shows what the postmaster has loaded by now: it is forked from it. The caller closes it. */
  fresh(node: string, database?: string): Promise<Session> {
    return this.connect(node, database);
  }

  async forget(node: string): Promise<void> {
    const kept = this.open.get(node);
    this.open.delete(node);
    const session = await kept?.catch(() => null);
    await session?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.open.keys()].map((node) => this.forget(node)));
  }
}
