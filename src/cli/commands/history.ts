/** `history`: what was asked, seen, decided and done, from the journal. */
import { openJournal } from "../../control/journal.ts";
import { type GlobalOptions, findMade } from "../find-cluster.ts";
import { positiveNumber } from "../option-values.ts";
import { type HistoryLine, historyReport, lastCommands, renderHistory } from "../render/history.ts";
import { type OutputFormat, formatStructured } from "../render/structured.ts";
import { screenOf } from "../render/style.ts";
import { EXIT, print } from "../terminal.ts";

export interface HistoryOptions {
  readonly last: string;
  readonly output: OutputFormat;
}

export async function history(options: HistoryOptions, globals: GlobalOptions): Promise<number> {
  const count = positiveNumber(options.last, "--last");
  const { folder } = await findMade(globals);
  const lines: HistoryLine[] = [];
  for await (const line of openJournal(folder, { command: "" }).read()) lines.push(line);
  const shown = lastCommands(lines, count);
  print(
    options.output === "table"
      ? renderHistory(shown, screenOf(process.stdout, process.env)).join("\n")
      : await formatStructured(options.output, historyReport(shown)),
  );
  return EXIT.done;
}
