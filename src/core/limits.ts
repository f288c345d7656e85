/**
 * The five settings in which a standby must not be smaller than its primary: a smaller one does not start, or stops to
 * replay. So a standby keeps the greater value until its primary runs with less and it has replayed that.
 * https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN
 */
import { type Observation, isRunning } from "./observation.ts";
import type { NodeName } from "./spec.ts";

export type Limits = Readonly<Record<string, number>>;

/** With the values that a server has where nobody sets them. */
const DEFAULTS: Limits = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};
const LIMITS = Object.keys(DEFAULTS);

/** What a standby needs at least: what its primary runs with, and what its own data was last told. */
export function neededLimits(observation: Observation, primary: NodeName, node: NodeName): Limits {
  if (node === primary) return {};
  const own = observation.nodes[node];
  const source = observation.nodes[primary];
  const told = own?.kind === "stopped" ? (own.control?.limits ?? {}) : {};
  const running = isRunning(source) ? source.configuration.limits : {};
  return Object.fromEntries(
    LIMITS.flatMap((name) => {
      const needed = Math.max(told[name] ?? 0, running[name] ?? 0);
      return needed > 0 ? [[name, needed]] : [];
    }),
  );
}

/** The settings, none of the five smaller than needed. */
export function raised(settings: Readonly<Record<string, string>>, needed: Limits): Record<string, string> {
  const greater = Object.entries(needed).filter(
    ([name, value]) => Number(settings[name] ?? DEFAULTS[name]) < value,
  );
  return { ...settings, ...Object.fromEntries(greater.map(([name, value]) => [name, String(value)])) };
}

/** Whether `settings` would lower, or raise, any of the five for a server that has `limits`. */
export function limitChanges(
  limits: Limits,
  settings: Readonly<Record<string, string>>,
): { lowered: boolean; raised: boolean } {
  const steps = LIMITS.map((name) => Number(settings[name] ?? DEFAULTS[name]) - (limits[name] ?? NaN));
  return { lowered: steps.some((step) => step < 0), raised: steps.some((step) => step > 0) };
}

/** What a start with `settings` would give it of the five; `overrides` win over them. */
export function limitsAfterStart(
  settings: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>>,
): Limits {
  return Object.fromEntries(
    LIMITS.map((name) => [name, Number(overrides[name] ?? settings[name] ?? DEFAULTS[name])]),
  );
}

/** In which of the five `has` is smaller than `wanted`. */
export function smallerIn(has: Limits, wanted: Limits): string[] {
  return LIMITS.filter((name) => (has[name] ?? Infinity) < (wanted[name] ?? 0));
}
