/**
 * Who holds a lock: a process, and what it is doing. Whether it still lives is judged as in `support/process-life.ts`.
 */
import { isObject } from "../support/files.ts";
import * as life from "../support/process-life.ts";

export { lifeOf } from "../support/process-life.ts";

export interface LockOwner extends life.ProcessIdentity {
  readonly token: string;
  readonly verb: string;
  /** ISO time. */
  readonly since: string;
}

/** This process, as the owner of a lock. */
export async function thisProcess(token: string, verb: string): Promise<LockOwner> {
  return { token, verb, since: new Date().toISOString(), ...(await life.thisProcess()) };
}

export function lockOwner(value: unknown): LockOwner | null {
  if (!isObject(value)) return null;
  const { token, verb, since } = value;
  const owner = life.processIdentity(value);
  if (owner === null) return null;
  if (typeof token !== "string" || typeof verb !== "string" || typeof since !== "string") return null;
  return { token, verb, since, ...owner };
}
