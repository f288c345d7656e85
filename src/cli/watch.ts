/**
 * Looking again and again: redrawn in place on a terminal, one line of JSON a look when piped.
 * It ends at ^C, or when whoever reads it goes away.
 */
import { setTimeout as delay } from "node:timers/promises";
import { listenForInterruption, orInterrupted } from "./interruption.ts";
import { redrawing } from "./render/redraw.ts";
import { type OutputFormat, formatLine, formatStructured } from "./render/structured.ts";
import { type Screen, screenOf } from "./render/style.ts";
import { print } from "./terminal.ts";

/** One look, ready to be shown in any form. */
export interface Look {
  readonly lines: (screen: Screen) => string[];
  readonly report: () => unknown;
  readonly exitCode: number;
}

export interface WatchOptions {
  readonly watch: boolean;
  readonly intervalMs: number;
  readonly output: OutputFormat;
}

/** Shows what `look` sees, once or until interrupted; answers the exit code of the last look. */
export async function show(look: () => Promise<Look>, options: WatchOptions): Promise<number> {
  if (!options.watch) {
    const seen = await look();
    print(
      options.output === "table"
        ? seen.lines(screenOf(process.stdout, process.env)).join("\n")
        : await formatStructured(options.output, seen.report()),
    );
    return seen.exitCode;
  }
  using interruption = listenForInterruption();
  const draw = redrawing({
    write: (text) => process.stdout.write(text),
    rows: () => process.stdout.rows ?? 24,
  });
  let exitCode = 0;
  while (!interruption.signal.aborted) {
    const seen = await orInterrupted(look(), interruption.signal).catch((error: unknown) => {
      if (interruption.signal.aborted) return null;
      throw error;
    });
    if (seen === null) break;
    exitCode = seen.exitCode;
    const screen = screenOf(process.stdout, process.env);
    if (options.output === "yaml") print(`---\n${await formatStructured("yaml", seen.report())}`);
    else if (options.output === "json" || !screen.interactive) print(formatLine(seen.report()));
    else draw(seen.lines(screen));
    await delay(options.intervalMs, undefined, { signal: interruption.signal }).catch(() => undefined);
  }
  return exitCode;
}
