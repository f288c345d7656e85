/**
 * Whether a running server's settings are what they should be: loaded, as written, and not overridden.
 * Three different answers, because each has its own hazard: written but not loaded, changed by hand, overridden.
 */
import { type CommitRule, synchronousStandbyNames } from "../commit-rule.ts";
import { type NodeConfiguration, OWN_SETTINGS, TOKEN_SETTING } from "../node-configuration.ts";
import type { PrimaryObservation, RunningConfiguration } from "../observation.ts";

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

/** The primary runs by this rule: the text is in effect, and commits wait for the level that the rule names. */
export function obeys(primary: PrimaryObservation, rule: CommitRule): boolean {
  const { synchronousStandbyNames: names, synchronousCommit } = primary.configuration;
  return names === synchronousStandbyNames(rule) && synchronousCommit === rule.commit;
}

/** Commits return without waiting for a standby whatever the list of standbys says. */
export function isWeakCommit(level: string): boolean {
  return level === "off" || level === "local";
}
