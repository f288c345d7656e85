/**
 * What a step does, as the commands and the SQL that a person would type for it: the text of `--dry-run`.
 * The handlers in `runtime/steps/` do the same with more care (temporary names, waiting, retries). No secret is ever in it.
 */
import { REPLICATION_ROLE } from "../../core/node-configuration.ts";
import type { Observation } from "../../core/observation.ts";
import { isRunning } from "../../core/observation.ts";
import type { Step } from "../../core/plan.ts";
import type { NodeName } from "../../core/spec.ts";
import type { AuthorityChange } from "../../core/authority.ts";
import { confirmers, synchronousStandbyNames } from "../../core/commit-rule.ts";
import { formatLsn } from "../../core/lsn.ts";

export interface StepSurroundings {
  readonly paths: (node: NodeName) => { readonly data: string; readonly conf: string };
  /** To show only the settings that change; null: not at hand. */
  readonly observation: Observation | null;
}

export function stepCommands(step: Step, around: StepSurroundings): string[] {
  switch (step.kind) {
    case "record-authority":
      return [recordText(step.change)];
    case "initialise":
      return [
        `initdb --pgdata=${around.paths(step.node).data} --auth=scram-sha-256 --data-checksums --encoding=UTF8 --no-locale`,
      ];
    case "clone": {
      const { data } = around.paths(step.node);
      return [
        `pg_basebackup --slot=${step.slot} --pgdata=${data} --wal-method=stream --checkpoint=fast, as ${REPLICATION_ROLE} on ${step.from}`,
      ];
    }
    case "start": {
      const { data, conf } = around.paths(step.node);
      return [`postgres -D ${data} -c config_file=${conf}/postgresql.conf`];
    }
    case "configure":
      return [...settingsText(step, around), "SELECT pg_reload_conf()"];
    case "stop":
      return ["pg_ctl stop --mode=fast"];
    case "prepare":
      return [`CREATE ROLE ${REPLICATION_ROLE} LOGIN REPLICATION; CREATE ROLE app LOGIN; CREATE DATABASE …`];
    case "make-slots":
      return step.slots.map((slot) => `SELECT pg_create_physical_replication_slot('${slot}', true)`);
    case "drop-slots":
      return step.slots.map((slot) => `SELECT pg_drop_replication_slot('${slot}')`);
    case "await-streaming":
      return [`wait for state = 'streaming' in pg_stat_replication of ${step.from}`];
    case "confirm-rule": {
      const names = confirmers(step.rule, step.node);
      const flushed = `${names.join(", ")} ${names.length === 1 ? "has" : "have"} flushed`;
      return [
        ...(step.fromNothing ? ["CHECKPOINT, so that the checkpointer has begun to make commits wait"] : []),
        `wait until ${flushed} past the LSN at which it took effect`,
      ];
    }
    case "remove":
      return ["stop the server, remove its data"];
  }
}

function recordText(change: AuthorityChange): string {
  switch (change.kind) {
    case "found":
      return `term 1 belongs to ${change.primary}`;
    case "identify":
      return `system identifier ${change.systemIdentifier}`;
    case "demand":
      return change.rule === null
        ? "every proof withdrawn; async"
        : `${synchronousStandbyNames(change.rule)} demanded, not yet proved`;
    case "doubt":
      return "what was proved is withdrawn until it is proved again";
    case "prove":
      return `${synchronousStandbyNames(change.rule)} proved since ${formatLsn(change.since.lsn)}`;
  }
}

/** The settings that would change; with more than these few a count says enough. */
const SETTINGS_SHOWN = 6;

function settingsText(
  step: Step & { readonly kind: "configure" },
  { observation, paths }: StepSurroundings,
): string[] {
  const file = `${paths(step.node).conf}/postgresql.conf`;
  const node = observation?.nodes[step.node];
  if (!isRunning(node)) return [`write ${file}`];
  const { settings } = step.configuration;
  const current = node.configuration.file;
  const changes = Object.keys(settings).filter((name) => settings[name] !== current[name]);
  if (changes.length === 0 || changes.length > SETTINGS_SHOWN) return [`write ${file}`];
  return changes.map((name) => `${name} = '${settings[name]}'`);
}
