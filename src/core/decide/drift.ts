/**
 * Whether a running server's settings are what they should be: loaded, as written, and not overridden.
 * Three different answers, because each has its own hazard: written but not loaded, changed by hand, overridden.
 */
import { type CommitRule, synchronousStandbyNames } from "../commit-rule.ts";
import { type NodeConfiguration, OWN_SETTINGS, TOKEN_SETTING } from "../node-configuration.ts";
import type { NodeObservation, RunningConfiguration, SynchronousSettings } from "../observation.ts";

export type Drift = "none" | "not-written" | "not-loaded" | "changed-by-hand" | "overridden";

export function driftOf(running: RunningConfiguration, desired: NodeConfiguration): Drift {
  if (Object.keys(running.overrides).some((name) => OWN_SETTINGS.has(name))) return "overridden";
  if (running.file[TOKEN_SETTING] !== desired.token) return "not-written";
  if (running.loaded !== desired.token) return "not-loaded";
  const names = new Set([...Object.keys(desired.settings), ...Object.keys(running.file)]);
  for (const name of names) {
    if (name === TOKEN_SETTING || PLACES.has(name)) continue;
    if (desired.settings[name] !== running.file[name]) return "changed-by-hand";
  }
  return "none";
}

/** Written by the host's side of the configuration, because only it knows the paths. */
const PLACES: ReadonlySet<string> = new Set(["hba_file", "ident_file", "data_directory"]);

/** What a primary runs by; or, while it is stopped, what it ran by last, as far as its files tell. Null: not known. */
export function synchronousOf(primary: NodeObservation | undefined): Required<SynchronousSettings> | null {
  if (primary?.kind === "primary") return primary.configuration;
  if (primary?.kind !== "stopped") return null;
  const { synchronousStandbyNames, synchronousCommit } = primary.synchronous;
  if (synchronousStandbyNames === undefined || synchronousCommit === undefined) return null;
  return { synchronousStandbyNames, synchronousCommit };
}

/** The text of the rule is in effect, and commits wait for the level that it names. */
export function obeys(settings: Required<SynchronousSettings>, rule: CommitRule): boolean {
  return (
    settings.synchronousStandbyNames === synchronousStandbyNames(rule) &&
    settings.synchronousCommit === rule.commit
  );
}

/** Commits return without waiting for a standby whatever the list of standbys says. */
export function isWeakCommit(level: string): boolean {
  return level === "off" || level === "local";
}
