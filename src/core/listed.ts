/** `pg1`, `pg1 and pg2`, `pg1, pg2 and pg3`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
