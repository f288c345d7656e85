// Runs the commands that documentation shows, as a reader would type them: block after block in one folder, with
// `pgrep-kit` on the PATH. What a block says about itself stands in comments right before it:
//
//   <!-- not-run: reason -->    the block is only read
//   <!-- expect: text -->       its output contains this
//   <!-- exit: 1 -->            its last command ends with this code
//   <!-- interrupt -->          it goes on until ^C, which comes once it has said something,
//   <!-- interrupt: command --> or once this command succeeds
//
// A `console` block holds commands behind `$ ` and what they print: each printed line must come, in that order.
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly notRun: string | null;
  readonly expect: readonly string[];
  readonly exit: number;
  /** Undefined: it ends by itself. Null: as soon as it has printed something. */
  readonly interrupt: string | null | undefined;
}

const COMMENT = /^<!-- ([a-z-]+)(?:: (.*))? -->$/;
const FENCE = /^ *(```+)([\w-]*)$/;

export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index++) {
    const fence = FENCE.exec(lines[index] ?? "");
    if (fence === null) continue;
    const end = lines.findIndex((line, at) => at > index && line.trim() === fence[1]);
    if (end === -1) throw new Error(`the block in line ${index + 1} never ends`);
    blocks.push(blockAt(lines, index, end, fence[2] ?? ""));
    index = end;
  }
  return blocks;
}

/** Blocks of commands for a reader to type. */
export function isRunnable(block: Block): boolean {
  return (block.language === "sh" || block.language === "console") && block.notRun === null;
}

function blockAt(lines: readonly string[], start: number, end: number, language: string): Block {
  const notes = notesBefore(lines, start);
  const valuesOf = (key: string): (string | undefined)[] =>
    notes.flatMap((note) => (note[0] === key ? [note[1]] : []));
  const unknown = notes.find(([key]) => !["not-run", "expect", "exit", "interrupt"].includes(key));
  if (unknown !== undefined) throw new Error(`line ${start + 1}: nobody knows what "${unknown[0]}" asks for`);
  const [notRun] = valuesOf("not-run").map((reason) => reason ?? "");
  if (notRun === "") throw new Error(`line ${start + 1}: not-run needs a reason`);
  const interrupts = valuesOf("interrupt");
  return {
    line: start + 1,
    language,
    text: lines.slice(start + 1, end).join("\n"),
    notRun: notRun ?? null,
    expect: valuesOf("expect").map((text) => text ?? ""),
    exit: Number(valuesOf("exit")[0] ?? 0),
    interrupt: interrupts.length === 0 ? undefined : (interrupts[0] ?? null),
  };
}

function notesBefore(lines: readonly string[], start: number): [key: string, value: string | undefined][] {
  const notes: [string, string | undefined][] = [];
  for (let index = start - 1; index >= 0; index--) {
    const note = COMMENT.exec((lines[index] ?? "").trim());
    if (note === null) return notes;
    notes.unshift([note[1] ?? "", note[2]]);
  }
  return notes;
}

export interface Exchange {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands of a block, each with the lines that are shown below it. A `sh` block is one script that shows none. */
export function exchangesOf(block: Block): Exchange[] {
  if (block.language === "sh") return [{ command: block.text, output: [] }];
  const exchanges: { command: string; output: string[] }[] = [];
  for (const line of block.text.split("\n")) {
    if (line.startsWith("$ ")) exchanges.push({ command: line.slice(2), output: [] });
    else if (line.startsWith("> ")) exchanges.at(-1)!.command += `\n${line.slice(2)}`;
    else if (line.trim() !== "" && line.trim() !== "…") exchanges.at(-1)!.output.push(line);
  }
  return exchanges;
}

export interface Shell {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the cluster is called here, where readers have one called demo. */
  readonly clusterName: string;
}

const DEADLINE_MS = 240_000;

/** Runs a block and throws where it does not do what is written about it. Answers what it printed. */
export async function runBlock(block: Block, shell: Shell): Promise<string> {
  let printed = "";
  const exchanges = exchangesOf(block);
  for (const [index, { command, output }] of exchanges.entries()) {
    const isLast = index === exchanges.length - 1;
    const ended = await runCommand(command, shell, isLast ? block.interrupt : undefined);
    printed += ended.output;
    const expected = isLast ? block.exit : 0;
    // Whoever is interrupted may tell so by its code, by its signal or not at all.
    const interrupted = isLast && block.interrupt !== undefined && ended.signal !== "SIGKILL";
    const fine = ended.code === expected || interrupted;
    if (!fine) throw new Error(`$ ${command}\nended with ${ended.code}, not ${expected}:\n${ended.output}`);
    const missing = firstMissing(output, ended.output);
    if (missing !== null)
      throw new Error(`$ ${command}\ndoes not print, at its place:\n${missing}\nbut:\n${ended.output}`);
  }
  for (const text of block.expect) {
    if (!stable(printed).includes(stable(text)))
      throw new Error(`$ ${block.text}\ndoes not print: ${text}\nbut:\n${printed}`);
  }
  return printed;
}

async function runCommand(
  command: string,
  shell: Shell,
  interrupt: string | null | undefined,
): Promise<{
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}> {
  const { folder, env } = shell;
  const child = spawn("sh", ["-c", `exec 2>&1\nset -e\n${command}`], {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended by itself.
    }
  };
  let output = "";
  const timer = setTimeout(() => kill("SIGKILL"), DEADLINE_MS);
  const said = once(child.stdout.setEncoding("utf8"), "data");
  child.stdout.on("data", (text: string) => (output += text));
  const closed = once(child, "close");
  if (interrupt !== undefined) {
    await Promise.race([closed, interrupt === null ? said : untilTrue(interrupt, shell)]);
    kill("SIGINT");
  }
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { code, signal, output: output.replaceAll(shell.clusterName, "demo") };
}

async function untilTrue(command: string, shell: Shell): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    if ((await runCommand(command, shell, undefined)).code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The first of `lines` that does not follow the others in `output`; null when all are there in their order. */
export function firstMissing(lines: readonly string[], output: string): string | null {
  const printed = output.split("\n").map(stable);
  let from = 0;
  for (const line of lines) {
    const at = printed.indexOf(stable(line), from);
    if (at === -1) return line;
    from = at + 1;
  }
  return null;
}

/** What differs from run to run and from machine to machine, in the order in which it is replaced. */
const UNSTABLE: readonly [RegExp, string][] = [
  [/\s+/g, " "],
  [/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z|\+00)?/g, "TIME"],
  [/\b[0-9A-F]+\/[0-9A-F]{1,8}\b/g, "LSN"],
  [/127\.0\.0\.1:\d+/g, "ADDRESS"],
  [/\bport=\d+/g, "PORT"],
  [/\b\d{2}:\d{2}:\d{2}\.\d+/g, "DURATION"],
  [/\b\d+(\.\d+)? ?(µs|us|ms|s|min)\b/g, "DURATION"],
  [/\b\d+(\.\d+)? ?(B|kB|MB|GB)\b/g, "BYTES"],
  // A standby may be behind by a record at the moment of the look, or one of them ahead of the other.
  [/BYTES (DURATION|–)/g, "BEHIND"],
  [/lose up to BYTES:|by luck lose nothing, but/g, "LOSS"],
  [/failover to pg\d/g, "failover to STANDBY"],
  [/PostgreSQL \d+(\.\d+)?/g, "POSTGRESQL"],
  [/on Docker|as local processes|· Docker|· local processes/g, "HOST"],
  [/-{3,}/g, "---"],
];

/** A line without what differs from run to run. */
export function stable(text: string): string {
  return UNSTABLE.reduce((line, [pattern, word]) => line.replace(pattern, word), text).trim();
}
