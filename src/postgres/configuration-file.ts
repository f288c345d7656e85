/** postgresql.conf: rendered whole, so that nothing from before can linger; and what of it matters when no server runs. */
import type { SynchronousSettings } from "../core/observation.ts";
import { type NodeConfiguration, TOKEN_SETTING } from "../core/node-configuration.ts";

/** `template` holds one line `@settings@`; `places` are paths that only the host knows. */
export function renderConfiguration(
  template: string,
  configuration: NodeConfiguration,
  places: Readonly<Record<string, string>>,
): string {
  const all: Record<string, string> = { ...configuration.settings, ...places };
  const lines = Object.keys(all)
    .toSorted()
    .map((name) => `${name} = ${quoteSetting(all[name] ?? "")}`);
  // The token comes last: a file cut short does not carry it.
  lines.push(`${TOKEN_SETTING} = ${quoteSetting(configuration.token)}`);
  return template.replace("@settings@", () => lines.join("\n"));
}

/** https://www.postgresql.org/docs/current/config-setting.html */
function quoteSetting(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** From lines of postgresql.conf and postgresql.auto.conf; the last of a name counts, as it does for the server. */
export function parseSynchronous(lines: readonly string[]): SynchronousSettings {
  const found = new Map<string, string>();
  for (const line of lines) {
    const match = /^\s*(synchronous_\w+)\s*(?:=|\s)\s*(?:'((?:[^']|'')*)'|(\S+))/.exec(line);
    if (match?.[1] !== undefined) found.set(match[1], (match[2] ?? match[3] ?? "").replaceAll("''", "'"));
  }
  const names = found.get("synchronous_standby_names");
  const commit = found.get("synchronous_commit");
  return {
    ...(names === undefined ? {} : { synchronousStandbyNames: names }),
    ...(commit === undefined ? {} : { synchronousCommit: commit }),
  };
}
