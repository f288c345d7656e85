/**
 * Colours and widths of a terminal. Colour only helps: every text says the same without it.
 * https://no-color.org and https://force-color.org; where both are set, FORCE_COLOR wins, as it does in Node itself.
 */

export interface Style {
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
  struck(text: string): string;
}

/** What is written on: how wide it is, whether it can be redrawn, and its colours. */
export interface Screen {
  readonly columns: number;
  /** A terminal that a person looks at: spinners and redrawing make sense. */
  readonly interactive: boolean;
  readonly style: Style;
}

export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Wide enough for every column; files and pipes have no width of their own. */
const COLUMNS_WITHOUT_TERMINAL = 120;

export function screenOf(stream: OutputStream, env: Environment): Screen {
  const isTerminal = stream.isTTY === true;
  const columns = Number(env["COLUMNS"]);
  const known =
    isTerminal && stream.columns ? stream.columns : columns > 0 ? columns : COLUMNS_WITHOUT_TERMINAL;
  return {
    columns: known,
    // CI systems often lend a terminal to a log file.
    interactive: isTerminal && env["TERM"] !== "dumb" && !env["CI"],
    style: styleOf(wantsColour(isTerminal, env)),
  };
}

export function wantsColour(isTerminal: boolean, env: Environment): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  if (env["NO_COLOR"]) return false;
  return isTerminal && env["TERM"] !== "dumb";
}

export function styleOf(colours: boolean): Style {
  const paint = (on: number, off: number) => (text: string) =>
    colours && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    green: paint(32, 39),
    red: paint(31, 39),
    yellow: paint(33, 39),
    dim: paint(2, 22),
    bold: paint(1, 22),
    struck: paint(9, 29),
  };
}

/** Columns that a text takes. Ours are made of characters of one column each. */
export function widthOf(text: string): number {
  return [...text.replace(/\u001b\[[0-9;]*m/g, "")].length;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/** A space, but not the one between a number and its unit. */
const WORD_END = / (?!(?<=\d )(?:[kMGTP]?B|ms|s|min|h|d)\b)/;

/** Breaks at spaces; lines after the first begin with `indent`. A word that is too long stays whole, to be copied. */
export function wrap(text: string, columns: number, indent = "  "): string[] {
  const lines: string[] = [];
  const lead = /^ */.exec(text)?.[0] ?? "";
  const [first = "", ...words] = text.slice(lead.length).split(WORD_END);
  let line = lead + first;
  for (const word of words) {
    if (widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = indent + word;
    } else line = `${line} ${word}`;
  }
  return [...lines, line].map((one) => one.trimEnd());
}
