/** The files of `templates/`, read when needed; the package carries them beside `dist`. */
import { readFile } from "node:fs/promises";

const FOLDER = new URL("../../templates/", import.meta.url);
const read = new Map<string, Promise<string>>();

/** `name` relative to `templates/`. */
export function template(name: string): Promise<string> {
  const known = read.get(name) ?? readFile(new URL(name, FOLDER), "utf8");
  read.set(name, known);
  return known;
}
