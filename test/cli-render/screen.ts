/** A screen without colours, and one with, for tests. */
import { type Screen, styleOf } from "../../src/cli/render/style.ts";

export function plain(columns = 100): Screen {
  return { columns, interactive: false, style: styleOf(false) };
}

export function coloured(columns = 100): Screen {
  return { columns, interactive: true, style: styleOf(true) };
}
