/**
 * Whose container for tools it is: a label with the identity of the pgrep-kit that made it. Only what a dead one left
 * behind may be removed by others; what cannot be judged from here counts as alive.
 */
import { randomBytes } from "node:crypto";
import { lifeOf, processIdentity, thisProcess } from "../../support/process-life.ts";
import type { Engine } from "./engine-client.ts";
import { removeContainer, type ListedContainer } from "./containers.ts";
import { OWNER_LABEL, type Labels } from "./names.ts";

/** One opened host, as the owner of its containers. */
export interface ToolOwner {
  /** The label's value. */
  label(): Promise<string>;
}

/** Two hosts in one process are two owners: neither knows what runs in the containers of the other. */
export function newToolOwner(): ToolOwner {
  const token = randomBytes(8).toString("hex");
  let text: Promise<string> | null = null;
  return {
    label: () => (text ??= thisProcess().then((identity) => JSON.stringify({ token, ...identity }))),
  };
}

/** The process id of the owner, where it is known. */
export function ownerPid(labels: Labels | null): number | null {
  return identityOf(labels)?.pid ?? null;
}

/** Its owner is certainly dead. */
export async function isLeftBehind(labels: Labels | null): Promise<boolean> {
  const identity = identityOf(labels);
  return identity !== null && (await lifeOf(identity)) === "dead";
}

/**
 * Removes those whose owner is dead. The engine does it by itself for one that ran; what was only made when its owner
 * was killed would stay for ever.
 */
export async function sweepLeftBehind(engine: Engine, containers: readonly ListedContainer[]): Promise<void> {
  const sweeping = containers
    .filter(({ Labels }) => Labels[OWNER_LABEL] !== undefined)
    .map(async ({ Id, Labels }) => {
      if (await isLeftBehind(Labels)) await removeContainer(engine, Id);
    });
  // Whoever lists nodes is not concerned; the next one tries again.
  await Promise.allSettled(sweeping);
}

function identityOf(labels: Labels | null) {
  try {
    return processIdentity(JSON.parse(labels?.[OWNER_LABEL] ?? "null"));
  } catch {
    return null;
  }
}
