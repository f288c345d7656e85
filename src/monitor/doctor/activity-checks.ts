/** Checks of what goes on: clocks, and transactions that somebody forgot. */
import { formatDuration } from "../../core/diagnose/units.ts";
import { type Check, type Problem, onServers, problem, psql, readableWord, sqlText } from "./check.ts";
import type { Server } from "./facts.ts";

const CLOCK_MS = 1000;
const FORGOTTEN_MS = 3_600_000;

export const ACTIVITY_CHECKS: readonly Check[] = [
  { id: "clocks", group: "Activity", title: "Clocks", run: onServers(clock, clocksText) },
  {
    id: "idle-transactions",
    group: "Activity",
    title: "Idle transactions",
    run: onServers(idle, `none has been idle for more than ${formatDuration(FORGOTTEN_MS)}`),
  },
  {
    id: "prepared-transactions",
    group: "Activity",
    title: "Prepared",
    run: onServers(prepared, `no prepared transaction is older than ${formatDuration(FORGOTTEN_MS)}`),
  },
];

/** Only what is certain: the way there and back is taken off. */
function clock({ name, health: { clock: seen } }: Server): Problem[] {
  const certainMs = Math.abs(seen.offsetMs) - seen.uncertaintyMs;
  if (certainMs < CLOCK_MS) return [];
  const direction = seen.offsetMs > 0 ? "ahead of" : "behind";
  const text = `the clock of ${name} is ${formatDuration(Math.abs(seen.offsetMs))} ${direction} this machine's`;
  return [
    problem(
      "warning",
      name,
      text,
      "Let NTP (chrony, systemd-timesyncd) set both: times in logs and lags cannot be compared until then.",
    ),
  ];
}

function clocksText(servers: readonly Server[]): string {
  const most = Math.max(
    ...servers.map(({ health }) => Math.max(0, Math.abs(health.clock.offsetMs) - health.clock.uncertaintyMs)),
  );
  return `within ${formatDuration(Math.max(1, most))} of this machine's`;
}

function idle({ name, health }: Server): Problem[] {
  return health.idleTransactions
    .filter(({ idleMs }) => idleMs > FORGOTTEN_MS)
    .map(({ pid, role, database, idleMs }) => {
      const text = `a transaction of ${role ?? "somebody"} in ${database ?? "no database"} on ${name} has been idle for ${formatDuration(idleMs)}: vacuum cannot remove what it may still see`;
      return problem("warning", name, text, {
        advice: "End it, if its owner has forgotten it:",
        command: psql(name, `select pg_terminate_backend(${pid})`),
      });
    });
}

function prepared({ name, seen, health }: Server): Problem[] {
  // A standby holds copies of them, which end with the primary's.
  if (seen.kind !== "primary") return [];
  return health.preparedTransactions
    .filter(({ ageMs }) => ageMs > FORGOTTEN_MS)
    .map(({ id, database, ageMs }) => {
      const text = `the prepared transaction ${id} in ${database} on ${name} is ${formatDuration(ageMs)} old: it holds its locks, and vacuum back`;
      return problem("warning", name, text, {
        advice: `Ask its owner; then commit prepared or rollback prepared ${sqlText(id)} in that database:`,
        command: `pgrep-kit psql --node ${name} -- -d ${readableWord(database)}`,
      });
    });
}
