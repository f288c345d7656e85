/** Progress of a change on stderr: lines that stay, and on a terminal what is being waited for. */
import type { DriveListener } from "../control/drive.ts";
import { say } from "./terminal.ts";

export interface Progress extends DriveListener {
  /** Long work of the host itself, such as the download of an image. */
  message(text: string): void;
  done(): void;
}

export function startProgress(): Progress {
  return {
    message: say,
    stageEnded: (stage, ms) => say(` ✓ ${stage.map((step) => `${step.kind} ${"node" in step ? step.node : ""}`).join(", ")}  ${(ms / 1000).toFixed(2)} s`),
    done: () => undefined,
  };
}
