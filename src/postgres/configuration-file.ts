/** Renders postgresql.conf: the whole file, so that nothing from before can linger. */
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
