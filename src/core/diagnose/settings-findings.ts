/** Findings about what running servers are told: settings, the commit rule and its proof (laws L4 and L7). */
import { type Authority, coverage, isSettled } from "../authority.ts";
import { confirmers, ruleOf, sameRule, synchronousStandbyNames } from "../commit-rule.ts";
import { type Drift, driftOf, obeys } from "../decide/drift.ts";
import { OWN_SETTINGS, desiredConfiguration } from "../node-configuration.ts";
import { type PrimaryObservation, isRunning } from "../observation.ts";
import type { NodeName } from "../spec.ts";
import { type Finding, type FindingCode, finding } from "./finding.ts";
import { type Scene, expectedUpstream, isInFile, seen } from "./scene.ts";

export function settingsFindings(scene: Scene, name: NodeName): Finding[] {
  const node = seen(scene, name);
  if (!isRunning(node) || !isInFile(scene, name)) return [];
  const { overrides, pendingRestart } = node.configuration;
  const findings = driftFinding(scene, name);
  const harmless = Object.keys(overrides).filter((setting) => !OWN_SETTINGS.has(setting));
  if (harmless.length > 0) {
    const settings = harmless.join(", ");
    const message = `${name} has settings beside the file, by ALTER SYSTEM or its command line: ${settings}`;
    findings.push(finding("note", "settings-overridden", name, message, { settings }));
  }
  if (pendingRestart.length > 0) {
    const settings = pendingRestart.join(", ");
    const message = `${name} needs a restart before ${settings} ${pendingRestart.length === 1 ? "takes" : "take"} effect`;
    const facts = { settings, primary: scene.authority?.primary === name };
    findings.push(finding("warning", "restart-pending", name, message, facts));
  }
  return findings;
}

const DRIFTS: Readonly<Record<Exclude<Drift, "none">, readonly [FindingCode, string]>> = {
  "not-written": ["settings-not-written", "runs with other settings than the file and the record ask for"],
  "not-loaded": ["settings-not-loaded", "has its settings written, but not loaded"],
  "changed-by-hand": ["settings-changed", "has settings that were changed by other hands"],
  overridden: ["settings-overridden", "has settings overridden that pgrep-kit answers for"],
};

function driftFinding(scene: Scene, name: NodeName): Finding[] {
  const node = seen(scene, name);
  const { spec, authority, observation } = scene;
  const upstream = expectedUpstream(scene, name);
  const wired =
    observation.wiring[name] !== undefined &&
    (upstream === null || observation.wiring[upstream] !== undefined);
  if (!isRunning(node) || authority === null || !wired) return [];
  const drift = driftOf(node.configuration, desiredConfiguration(spec, authority, name, observation));
  if (drift === "none") return [];
  const [code, text] = DRIFTS[drift];
  const settings = Object.keys(node.configuration.overrides)
    .filter((setting) => OWN_SETTINGS.has(setting))
    .join(", ");
  const named = drift === "overridden" ? `: ${settings}` : "";
  return [
    finding("warning", code, name, `${name} ${text}${named}`, drift === "overridden" ? { settings } : {}),
  ];
}

/** The commit rule: what the file asks for, what the record says, what the primary runs by, and who can confirm. */
export function commitFindings(scene: Scene): Finding[] {
  const { authority, spec } = scene;
  if (authority === null) return [];
  const primary = seen(scene, authority.primary);
  const findings = primary?.kind === "primary" ? inForce(scene, authority, primary) : [];
  if (!sameRule(ruleOf(spec), authority.rule)) {
    const wanted = synchronousStandbyNames(ruleOf(spec));
    const message = `the file asks for ${wanted === "" ? "async" : wanted}, the cluster runs ${ruleText(authority)}`;
    findings.push(
      finding("warning", "mode-not-applied", null, message, { wanted, current: ruleText(authority) }),
    );
  } else if (!isSettled(authority)) {
    const changing = coverage(authority).kind === "proved";
    const message = changing
      ? "a change of the commit rule is under way: until it is proved, the old and the new one must hold"
      : "it is not proved yet that every commit obeys the commit rule";
    findings.push(finding("warning", changing ? "proof-changing" : "proof-pending", null, message));
  }
  return findings;
}

function ruleText(authority: Authority): string {
  return authority.rule === null ? "async" : synchronousStandbyNames(authority.rule);
}

function inForce(scene: Scene, authority: Authority, primary: PrimaryObservation): Finding[] {
  const name = authority.primary;
  const { synchronousStandbyNames: names, synchronousCommit } = primary.configuration;
  const facts = { synchronousStandbyNames: names, synchronousCommit };
  if (authority.rule === null) {
    if (names === "") return [];
    const message = `${name} waits for standbys (${names}), but the record says async`;
    return [finding("warning", "commit-settings-changed", name, message, facts)];
  }
  if (authority.proofs.some((proof) => obeys(primary.configuration, proof.rule)))
    return blocked(scene, authority, primary);
  const running = `synchronous_standby_names = '${names}', synchronous_commit = ${synchronousCommit}`;
  if (authority.proofs.some((proof) => proof.since !== null)) {
    const message = `${name} runs with ${running}, not by the rule that was proved: the proof does not hold`;
    return [finding("error", "proof-void", name, message, facts)];
  }
  return [
    finding(
      "warning",
      "commit-settings-changed",
      name,
      `${name} runs with ${running}, not by the recorded rule`,
      facts,
    ),
  ];
}

function isReplayPaused(scene: Scene, name: NodeName): boolean {
  const node = seen(scene, name);
  return node?.kind === "standby" && node.replayPaused;
}

/** Every commit waits while fewer standbys than must confirm are connected. */
function blocked(scene: Scene, authority: Authority, primary: PrimaryObservation): Finding[] {
  const { rule } = authority;
  if (rule === null || !obeys(primary.configuration, rule)) return [];
  const listed = confirmers(rule, authority.primary);
  const isFrozen = (name: NodeName): boolean => seen(scene, name)?.kind === "paused";
  const able = listed.filter((name) => {
    // It seems to be connected until its connection times out.
    if (isFrozen(name)) return false;
    if (rule.commit === "remote_apply" && isReplayPaused(scene, name)) return false;
    return primary.senders.some((row) => row.applicationName === name && row.state === "streaming");
  });
  if (able.length >= rule.acks) return [];
  const message = `every commit waits: ${able.length} of ${listed.length} listed standbys can confirm, ${rule.acks} must`;
  return [
    finding("error", "commits-blocked", authority.primary, message, {
      able: able.join(", "),
      // Paused replay is for a person to end: nothing that pgrep-kit does by itself would.
      frozen: listed.find(isFrozen) ?? null,
      paused: listed.find((name) => isReplayPaused(scene, name)) ?? null,
      acks: rule.acks,
    }),
  ];
}
