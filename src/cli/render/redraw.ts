/** Draws one screen over the one before, for `--watch` on a terminal. It never writes more lines than there are. */

export interface Terminal {
  readonly write: (text: string) => void;
  /** Asked each time: people resize their windows. */
  readonly rows: () => number;
}

/** Each call replaces what the call before has drawn. */
export function redrawing({ write, rows }: Terminal): (lines: readonly string[]) => void {
  let drawn = 0;
  return (lines) => {
    const shown = lines.slice(0, Math.max(1, rows() - 1));
    const back = drawn === 0 ? "" : `\u001b[${drawn}F`;
    // Line by line, and the rest of the old screen at the end: clearing everything first would flicker.
    write(`${back}${shown.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`);
    drawn = shown.length;
  };
}
