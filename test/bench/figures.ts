// What a benchmark found, and its table: median and spread, the floor taken in the same run, their ratio, and beside
// them the limit. It only reports; whether a limit is kept decides nothing here.

export type Unit = "s" | "ms" | "MB" | "";

export interface Samples {
  readonly label: string;
  readonly values: readonly number[];
}

export interface Figure extends Samples {
  readonly unit: Unit;
  /** The least that anybody could need for the same work. */
  readonly floor?: Samples;
  readonly limit?: { readonly of: "median" | "ratio" | "greatest"; readonly max: number };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Of the medians; undefined without a floor. */
export function ratio(figure: Figure): number | undefined {
  return figure.floor === undefined ? undefined : median(figure.values) / median(figure.floor.values);
}

/** Undefined where there is no limit. */
export function keepsLimit(figure: Figure): boolean | undefined {
  if (figure.limit === undefined) return undefined;
  const { of, max } = figure.limit;
  const found =
    of === "ratio" ? ratio(figure) : of === "greatest" ? Math.max(...figure.values) : median(figure.values);
  return found !== undefined && found <= max;
}

export function renderFigures(figures: readonly Figure[]): string[] {
  const titles = ["", "MEDIAN", "SPREAD", "RUNS", "FLOOR", "SPREAD", "RATIO", "LIMIT", ""];
  return columns([titles, ...figures.map(cells)]);
}

function cells(figure: Figure): string[] {
  const { label, values, unit, floor } = figure;
  const kept = keepsLimit(figure);
  return [
    label,
    amount(median(values), unit),
    spread(values, unit),
    String(values.length),
    floor === undefined ? "" : `${amount(median(floor.values), unit)} ${floor.label}`,
    floor === undefined ? "" : spread(floor.values, unit),
    ratio(figure)?.toFixed(2) ?? "",
    limit(figure),
    kept === undefined ? "" : kept ? "within" : "OVER",
  ];
}

function limit({ limit: set, unit }: Figure): string {
  if (set === undefined) return "";
  return set.of === "ratio"
    ? `≤ ${set.max} × floor`
    : `≤ ${amount(set.max, unit)}${set.of === "greatest" ? " each" : ""}`;
}

function spread(values: readonly number[], unit: Unit): string {
  if (values.length === 0) return "–";
  return `${number(Math.min(...values), unit)}–${number(Math.max(...values), unit)}`;
}

function amount(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "–";
  return `${number(value, unit)} ${unit}`.trimEnd();
}

function number(value: number, unit: Unit): string {
  return value.toFixed(unit === "s" ? 2 : 0);
}

/** The first column is text, to the left; numbers stand to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) => {
    const padded = row.map((cell, index) =>
      index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0),
    );
    return padded.join("  ").trimEnd();
  });
}
