/**
 * Verbs that people type and this program does not have, or has under another name: each is answered with what to do
 * instead. Most of them are typed in an outage. They are in no list of commands.
 */
import type { Command } from "commander";
import { nearest } from "../config/did-you-mean.ts";
import { listed } from "../core/listed.ts";
import { PgrepKitError } from "../support/errors.ts";

/** What would be another command's name. */
const MEANT: Readonly<Record<string, string>> = {
  stop: "Did you mean down? It stops every server cleanly; the data stays.",
  start: "Did you mean up? It starts what is down, and leaves alone what runs.",
};

const PRIMARY_DOWN =
  "If the primary is down, bring it back: pgrep-kit up. What would be lost without it: pgrep-kit status.";
const STANDBY_DOWN =
  "A standby that is down or does not stream: pgrep-kit up. What is wrong with it: pgrep-kit status.";

/** What this version cannot do yet. */
const MISSING: Readonly<Record<string, string>> = {
  failover: PRIMARY_DOWN,
  switchover: PRIMARY_DOWN,
  promote: PRIMARY_DOWN,
  rejoin: STANDBY_DOWN,
  reinit: `${STANDBY_DOWN} A fresh copy: pgrep-kit remove-standby, then add-standby.`,
};

export function addOtherWords(program: Command): void {
  const hidden = (word: string): Command => program.command(word, { hidden: true }).helpOption(false);
  const words = [...Object.keys(MEANT), ...Object.keys(MISSING)];
  for (const word of words) {
    hidden(word)
      .argument("[rest...]")
      .allowUnknownOption()
      .action(() => answer(program, word));
  }
  hidden("help")
    .argument("[command]")
    .action((word: string | undefined) => explain(program, word));
}

function answer(program: Command, word: string): never {
  const meant = MEANT[word];
  if (meant !== undefined) return program.error(`error: unknown command '${word}'\n(${meant})`);
  throw new PgrepKitError("usage", {
    message: `this version of pgrep-kit has no ${word} yet`,
    hint: MISSING[word] ?? PRIMARY_DOWN,
  });
}

/** `help` as well as `--help`. */
function explain(program: Command, word: string | undefined): never {
  if (word === undefined) return program.help();
  if (word === "help" || Object.hasOwn(MEANT, word) || Object.hasOwn(MISSING, word))
    return word === "help" ? program.help() : answer(program, word);
  const known = program.commands.find((command) => command.name() === word);
  if (known !== undefined) return known.help();
  const verbs = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  return program.error(`error: unknown command '${word}'${suggestion(word, verbs)}`);
}

/** A word that is one of `known`, for commander; else an error that tells the one that was meant. */
export function oneOf(command: Command, what: string, known: readonly string[]): (word: string) => string {
  return (word) => {
    if (known.includes(word)) return word;
    const there = `there are ${listed(known)}`;
    const meant = suggestion(word, known) || `\n(${there})`;
    return command.error(`error: unknown ${what} '${word}'${meant}`);
  };
}

function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === null ? "" : `\n(Did you mean ${meant}?)`;
}
