/**
 * Names of clusters and nodes. They become host, container, volume, file and slot names, so that only what is safe in
 * all of them is a name; everything else is refused here, before it can reach SQL or a shell.
 */

const LONGEST_NAME = 40;

/** What is wrong with `name`, as the end of a sentence that begins with it; null if nothing is. */
export function nameProblem(name: string): string | null {
  if (name === "") return "is empty";
  if (name.length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} characters`;
  if (!/^[a-z]/.test(name)) return "does not begin with a lower-case letter";
  if (!/^[a-z0-9-]*$/.test(name)) return "holds something else than lower-case letters, digits and hyphens";
  if (name.endsWith("-")) return "ends in a hyphen";
  // Every resolver takes this name for itself.
  if (name === "localhost") return "is reserved";
  return null;
}

export const NAME_HINT =
  "Use lower-case letters, digits and inner hyphens, beginning with a letter: pg1, eu-west-2.";
