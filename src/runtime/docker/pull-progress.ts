/**
 * Turns the engine's many messages about the layers of a pull into few short ones for people.
 */
import type { HostProgress } from "../node-host.ts";

/** One line of the engine's progress. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

const STEP_PERCENT = 10;
const MEGABYTE = 1_000_000;

/** A consumer of lines that reports the sum over all layers, a message for every tenth of it. */
export function pullProgress(image: string, progress: HostProgress): (line: PullLine) => void {
  const layers = new Map<string, { readonly current: number; readonly total: number }>();
  let reported = 0;
  return ({ id, status, progressDetail }) => {
    if (id === undefined) return;
    const known = layers.get(id);
    const total = progressDetail?.total ?? known?.total ?? 0;
    if (status === "Downloading") layers.set(id, { current: progressDetail?.current ?? 0, total });
    else if (known !== undefined && status !== "Waiting")
      layers.set(id, { current: known.total, total: known.total });
    const sum = { current: 0, total: 0 };
    for (const layer of layers.values()) {
      sum.current += layer.current;
      sum.total += layer.total;
    }
    if (sum.total === 0) return;
    const percent = Math.floor((100 * sum.current) / sum.total / STEP_PERCENT) * STEP_PERCENT;
    // Layers that turn up later make the whole larger: never go back.
    if (percent <= reported) return;
    reported = percent;
    progress(`pulling ${image}: ${percent} % of ${Math.ceil(sum.total / MEGABYTE)} MB`);
  };
}
