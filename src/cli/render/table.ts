/** A table of aligned columns that fits the screen: a narrow one loses columns from the right, never half a cell. */
import { padEnd, padStart, type Style, widthOf } from "./style.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Stands under the title of the column before it, and goes away together with it. */
  readonly joined?: boolean;
}

export interface TableOptions {
  readonly columns: number;
  readonly style: Style;
  readonly indent?: number;
}

export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string[] {
  const { indent = 2, style } = options;
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[index] ?? ""))),
  );
  const { count, gap } = fit(columns, widths, options.columns - indent);
  const line = (cells: readonly string[]): string => {
    const parts = columns.slice(0, count).map((column, index) => {
      const before = index === 0 ? "" : " ".repeat(column.joined === true ? JOINED_GAP : gap);
      const cell = cells[index] ?? "";
      const width = widths[index] ?? 0;
      return before + (column.align === "right" ? padStart(cell, width) : padEnd(cell, width));
    });
    return (" ".repeat(indent) + parts.join("")).trimEnd();
  };
  return [style.dim(line(columns.map((column) => column.title))), ...rows.map(line)];
}

const JOINED_GAP = 2;

/** How many columns fit, with wide gaps if possible. The first column is always there. */
function fit(
  columns: readonly Column[],
  widths: readonly number[],
  room: number,
): { count: number; gap: number } {
  for (let count = columns.length; count > 0; count -= 1) {
    if (columns[count]?.joined === true) continue;
    for (const gap of [3, 2]) {
      const total = columns.slice(0, count).reduce((sum, column, index) => {
        const before = index === 0 ? 0 : column.joined === true ? JOINED_GAP : gap;
        return sum + before + (widths[index] ?? 0);
      }, 0);
      if (total <= room) return { count, gap };
    }
  }
  return { count: 1, gap: 2 };
}
