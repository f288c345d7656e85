/** Texts for a POSIX shell, in scripts that are run and in commands that a person copies. */

/** One word, whatever is in it. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same, bare where nothing in it means anything to a shell. */
export function shellWord(text: string): string {
  return /^[\w/.@%+=:,-]+$/.test(text) ? text : shellQuoted(text);
}
