/**
 * Progress of a change: a line for each thing done, and on a terminal what is being waited for and for how long.
 * In CI there are plain lines only, and a sign of life for work that takes long. Prose: it goes to stderr, never to stdout.
 */
import type { DriveListener } from "../../control/drive.ts";
import type { CommitRule } from "../../core/commit-rule.ts";
import type { Stage, Step } from "../../core/plan.ts";
import type { StepOutcome } from "../../runtime/node-runtime.ts";
import { padEnd, type Screen, screenOf } from "./style.ts";
import { doingText, doneText, groupsOf, isQuiet, ruleText, type StepGroup } from "./step-texts.ts";
import { formatElapsed } from "./units.ts";

export interface Progress extends DriveListener, Disposable {
  stageBegins(stage: Stage): void;
  stepEnded(step: Step, outcome: StepOutcome, durationMs: number): void;
  stageEnded(stage: Stage, durationMs: number): void;
  /** Long work of the host itself, such as the download of an image. */
  message(text: string): void;
  /** Nothing more will come; what was under way has failed or was interrupted. */
  done(): void;
}

/** Where progress goes, and the clock; tests bring their own. */
export interface ProgressOutput {
  readonly screen: Screen;
  readonly write: (text: string) => void;
  readonly now: () => number;
  /** Calls back again and again until the answer is called. */
  readonly every: (ms: number, tick: () => void) => () => void;
}

const TEXT_COLUMNS = 40;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const FRAME_MS = 100;
const STILL_EVERY_MS = 15_000;
/** Quiet work that takes this long is worth a line after all. */
const NOTEWORTHY_MS = 1000;
const ERASE_LINE = "\r\u001b[2K";

export function startProgress(output: ProgressOutput = terminalOutput()): Progress {
  const { screen } = output;
  let ended = new Map<Step, { readonly outcome: StepOutcome; readonly durationMs: number }>();
  let active: Stage | null = null;
  let demanded: CommitRule | null | undefined;
  const waiting = startWaiting(output);
  const line = (sign: string, text: string, remark: string): void =>
    waiting.print(`${sign} ${padEnd(text, TEXT_COLUMNS)}  ${remark}`.trimEnd());

  const tell = (group: StepGroup): void => {
    const known = group.steps.flatMap((step) => ended.get(step) ?? []);
    const durationMs = Math.max(0, ...known.map((one) => one.durationMs));
    const open = known.map((one) => one.outcome).find((outcome) => outcome.kind === "unknown");
    if (open?.kind === "unknown") {
      return line(
        ` ${screen.style.yellow("!")}`,
        `still waiting for ${open.waitedFor}`,
        formatElapsed(durationMs),
      );
    }
    if (isQuiet(group) && durationMs < NOTEWORTHY_MS) return;
    const outcome = known[0]?.outcome ?? { kind: "done" };
    const byRule = group.steps[0].kind === "configure" && demanded !== undefined;
    const text = byRule ? ruleText(demanded ?? null, group) : doneText(group, outcome);
    line(` ${screen.style.green("✓")}`, text, formatElapsed(durationMs));
  };
  const close = (): void => {
    waiting.stop();
    const stage = active ?? [];
    active = null;
    for (const group of groupsOf(stage.filter((step) => ended.has(step)))) tell(group);
    for (const group of groupsOf(stage.filter((step) => !ended.has(step)))) {
      line(` ${screen.style.red("✗")}`, `${doingText(group)}: not done`, "");
    }
  };
  return {
    stageBegins(stage) {
      active = stage;
      ended = new Map();
      waiting.begin(groupsOf(stage).map(doingText).join("; "));
    },
    stepEnded(step, outcome, durationMs) {
      ended.set(step, { outcome, durationMs });
      const rest = (active ?? []).filter((one) => !ended.has(one));
      if (rest.length > 0) waiting.change(groupsOf(rest).map(doingText).join("; "));
    },
    stageEnded(stage) {
      close();
      const [first] = stage;
      // The nodes are told the rule in the very next stage.
      demanded =
        first?.kind === "record-authority" && first.change.kind === "demand" ? first.change.rule : undefined;
    },
    message: (text) => waiting.message(text),
    done: close,
    [Symbol.dispose]: close,
  };
}

interface Waiting {
  begin(text: string): void;
  /** What is left of it. */
  change(text: string): void;
  message(text: string): void;
  print(line: string): void;
  stop(): void;
}

function startWaiting({ screen, write, now, every }: ProgressOutput): Waiting {
  let text = "";
  let begunMs = 0;
  let frame = 0;
  let drawn = false;
  let cancel: (() => void) | null = null;
  let lastMessage = "";
  const erase = (): void => {
    if (drawn) write(ERASE_LINE);
    drawn = false;
  };
  const draw = (): void => {
    frame = (frame + 1) % FRAMES.length;
    const label = ` ${FRAMES[frame]} ${padEnd(text, TEXT_COLUMNS)}  ${formatElapsed(now() - begunMs)}`;
    // A line that wraps could not be erased.
    write(`${ERASE_LINE}${[...label].slice(0, screen.columns - 1).join("")}`);
    drawn = true;
  };
  const still = (): void => write(`   still ${text}  ${formatElapsed(now() - begunMs)}\n`);
  const stop = (): void => {
    cancel?.();
    cancel = null;
    erase();
  };
  const begin = (what: string): void => {
    stop();
    text = what;
    begunMs = now();
    cancel = screen.interactive ? every(FRAME_MS, draw) : every(STILL_EVERY_MS, still);
  };
  return {
    begin,
    change: (what) => {
      text = what;
    },
    message(what) {
      if (what === lastMessage) return;
      lastMessage = what;
      if (!screen.interactive) write(`   ${what}\n`);
      else if (cancel === null) begin(what);
      else text = what;
    },
    print(line) {
      erase();
      write(`${line}\n`);
    },
    stop,
  };
}

function terminalOutput(): ProgressOutput {
  return {
    screen: screenOf(process.stderr, process.env),
    write: (text) => void process.stderr.write(text),
    now: () => performance.now(),
    every: (ms, tick) => {
      const timer = setInterval(tick, ms);
      // Progress alone must not keep a command alive.
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
