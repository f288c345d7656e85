/** `-o json` and `-o yaml`, and lines of JSON for streams. The YAML library loads only when it is asked for. */

export type OutputFormat = "table" | "json" | "yaml";

export async function formatStructured(format: "json" | "yaml", value: unknown): Promise<string> {
  if (format === "json") return JSON.stringify(value, null, 2);
  const { stringify } = await import("yaml");
  return stringify(value, { aliasDuplicateObjects: false }).trimEnd();
}

/** One line of NDJSON. */
export function formatLine(value: unknown): string {
  return JSON.stringify(value);
}
