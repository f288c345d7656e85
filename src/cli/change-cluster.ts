/**
 * The frame of every command that changes something: one at a time, journaled, interruptible, with progress.
 * What is to be changed is an `Intent`; whether and how, `decide` says.
 */
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { writeClusterFile } from "../config/edit-cluster-file.ts";
import { type ClusterFile, readClusterFile } from "../config/read-cluster-file.ts";
import { type DriveResult, drive, foresee } from "../control/drive.ts";
import { openJournal } from "../control/journal.ts";
import { type ClusterLock, acquireLock } from "../control/lock.ts";
import {
  type ClusterState,
  type StateFolder,
  checkMajor,
  openState,
  readState,
  rememberHome,
  rememberPort,
  removeState,
} from "../control/state-folder.ts";
import type { Intent } from "../core/decision.ts";
import type { Observation } from "../core/observation.ts";
import type { Refusal } from "../core/refusals.ts";
import type { NodeName } from "../core/spec.ts";
import { freePorts } from "../runtime/free-port.ts";
import { present } from "../support/assert.ts";
import { messageOf } from "../support/errors.ts";
import { exitCodeOf } from "./failure.ts";
import { neverMade } from "./find-cluster.ts";
import { type Grace, listenForInterruption, orInterrupted } from "./interruption.ts";
import { type OpenCluster, imagineCluster, openCluster } from "./open-cluster.ts";
import { type Progress, startProgress } from "./render/progress.ts";
import { EXIT, print, say } from "./terminal.ts";

export type Settled = DriveResult & { readonly kind: "settled" };

export interface Change {
  readonly verb: string;
  /** For the journal; never a secret. */
  readonly arguments: readonly string[];
  readonly file: ClusterFile;
  readonly folder: StateFolder;
  /** Edits the file; written once the change is accepted, and not if it is refused. */
  readonly edit?: (file: ClusterFile) => ClusterFile;
  /** Makes the state where there may be none yet; under the lock, after the edit. */
  readonly found?: (file: ClusterFile) => Promise<unknown>;
  /** It starts no server: what servers are started from (an image, a network) may be missing. */
  readonly startsNothing?: true;
  readonly intent: (cluster: OpenCluster) => Promise<Intent> | Intent;
  /** After the cluster settled; answers the exit code. */
  readonly settled: (cluster: OpenCluster, result: Settled) => Promise<number> | number;
  /** What it means for this command that a deadline passed. */
  readonly unfinished?: string;
}

const LOCK_WAIT_MS = 30_000;
/** What an interrupted step may take to end. */
const STEP_GRACE_MS = 5_000;

/** Changes the cluster, or says why not; answers the exit code. */
export async function changeCluster(change: Change): Promise<number> {
  using interruption = listenForInterruption();
  const { signal } = interruption;
  await using lock = await lockCluster(change.folder, change.verb, signal);
  // As it is under the lock: another command may have edited it while this one waited.
  const file = await readClusterFile(change.file.path, change.file);
  const edited = editedFile(change, file);
  await foundOrFind(change, edited);
  const state = await readState(change.folder);
  checkMajor(state, edited.spec);
  await rememberHome(change.folder);
  const chosen = await missingPorts(edited, state);
  await using cluster = await openCluster(edited, change.folder, chosen);
  const { superuser, replicator, app } = cluster.credentials;
  const journal = openJournal(change.folder, {
    command: randomBytes(4).toString("hex"),
    secrets: [superuser, replicator, app],
  });
  const begun = journal.append({ kind: "command", verb: change.verb, arguments: change.arguments });
  const progress = startProgress();
  try {
    const preparing = prepare(change, cluster, progress, begun, signal);
    const { intent, look } = await orInterrupted(preparing, signal, giveUp(lock, 0));
    const accepted = async (): Promise<void> => {
      if (edited.text !== file.text) await writeClusterFile(file, edited.text);
      for (const [name, port] of Object.entries(chosen)) await rememberPort(change.folder, name, port);
    };
    const input = { ...cluster, intent, look, accepted, journal, listener: progress, signal };
    const result = await orInterrupted(drive(input), signal, giveUp(lock));
    progress.done();
    const code = await conclude(change, cluster, result);
    await journal.append({ kind: "end", exitCode: code, message: null });
    return code;
  } catch (thrown) {
    progress.done();
    const error = signal.aborted ? (signal.reason as unknown) : thrown;
    await journal
      .append({ kind: "end", exitCode: exitCodeOf(error), message: messageOf(error) })
      .catch(() => undefined);
    throw error;
  }
}

/**
 * All that comes before the first decision; it may take long, and nothing of it needs an end in good order. The nodes are
 * looked at beside the rest, which then is seldom waited for.
 * `begun`: the command's own entry, on its way to the journal; nothing is changed before it is there.
 */
async function prepare(
  change: Change,
  cluster: OpenCluster,
  progress: Progress,
  begun: Promise<unknown>,
  signal: AbortSignal,
): Promise<{ readonly intent: Intent; readonly look: Observation }> {
  const { host, runtime, nodes } = cluster;
  const looking = runtime.observe(nodes, signal);
  // Where something else fails first, that is what is told.
  looking.catch(() => undefined);
  await Promise.all([begun, host.check()]);
  if (change.startsNothing !== true) await host.setUp(progress.message);
  return { intent: await change.intent(cluster), look: await looking };
}

/** What goes on after that still changes the cluster: the lock is kept until this process has ended. */
export function giveUp(lock: ClusterLock, graceMs = STEP_GRACE_MS): Grace {
  return { graceMs, givenUp: () => lock.keep() };
}

/** The right to change the cluster, for which a person may have to wait. */
export function lockCluster(folder: StateFolder, verb: string, signal: AbortSignal): Promise<ClusterLock> {
  return acquireLock(folder, verb, {
    waitMs: LOCK_WAIT_MS,
    onWait: (owner) => say(`Waiting for pgrep-kit ${owner.verb} (process ${owner.pid}) to end…`),
    signal,
  });
}

/** Another command may have destroyed the cluster while this one waited: then nothing is left but what the lock needed. */
async function foundOrFind({ found, folder }: Change, file: ClusterFile): Promise<void> {
  if (found !== undefined) return void (await found(file));
  if ((await openState(dirname(folder.path))) !== null) return;
  await removeState(folder);
  throw neverMade(file);
}

/** Edited, but not written: a change that is refused leaves the file as it was. */
function editedFile(change: Change, file: ClusterFile): ClusterFile {
  return change.edit === undefined ? file : change.edit(file);
}

async function conclude(change: Change, cluster: OpenCluster, result: DriveResult): Promise<number> {
  switch (result.kind) {
    case "settled":
      return change.settled(cluster, result);
    case "refused":
      return refused(result.refusals);
    case "unfinished":
      say(`unfinished: still waiting for ${result.waitedFor.join("; ")}`);
      if (change.unfinished !== undefined) say(`detail:  ${change.unfinished}`);
      say(
        "hint:    Nothing is broken by that. pgrep-kit status shows where it stands; the same command goes on from here.",
      );
      return EXIT.unfinished;
  }
}

async function refused(refusals: readonly Refusal[]): Promise<number> {
  const { renderRefusals } = await import("./render/error.ts");
  say(renderRefusals(refusals));
  return EXIT.refused;
}

/** Ports for the nodes that have none yet; remembered once the change is accepted. */
async function missingPorts(
  file: ClusterFile,
  { id, ports }: ClusterState,
): Promise<Record<NodeName, number>> {
  const without = file.spec.nodes.map((node) => node.name).filter((name) => ports[name] === undefined);
  const chosen = await freePorts(without.length, id, Object.values(ports));
  return Object.fromEntries(without.map((name, index) => [name, present(chosen[index], "a chosen port")]));
}

/** Shows the plan of a change as it looks now; changes nothing, and waits for nobody. */
export async function foreseeChange(change: Change): Promise<number> {
  using interruption = listenForInterruption();
  const { signal } = interruption;
  const file = editedFile(change, change.file);
  const isMade = (await openState(dirname(change.folder.path))) !== null;
  const known = isMade ? await readState(change.folder) : null;
  if (known !== null) checkMajor(known, file.spec);
  await using cluster =
    known === null
      ? await imagineCluster(file, change.folder, (state) => missingPorts(file, state))
      : await openCluster(file, change.folder, await missingPorts(file, known));
  const looking = async (): ReturnType<typeof foresee> => {
    await cluster.host.check();
    return foresee({ ...cluster, intent: await change.intent(cluster), signal });
  };
  const { decision, observation } = await orInterrupted(looking(), signal);
  if (decision.kind === "refuse") return refused(decision.refusals);
  const { renderDecision } = await import("./render/plan.ts");
  print(renderDecision(decision, { host: cluster.host, observation }));
  if (decision.kind === "settled") {
    const { leftOver } = await import("./render/left-over.ts");
    leftOver(cluster.spec, await cluster.authority.read(), observation).forEach(print);
  }
  return EXIT.done;
}
