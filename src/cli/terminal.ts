/** Where words go: data to stdout, prose and progress to stderr. */

export const EXIT = { done: 0, badVerdict: 1, usage: 2, refused: 3, unavailable: 4, unfinished: 5 } as const;

/** Prose for people, one line or several. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What the command was asked for, and what a pipe gets. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
