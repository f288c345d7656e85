/**
 * Waiting for something to change in a folder. A hint only: events may come late, twice or not at all,
 * so whoever waits looks for itself afterwards, and from time to time.
 */
import { type FSWatcher, watch } from "node:fs";

export interface FolderChanges {
  /** Ends when `name` may have changed since the last call, or when the time is up. */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Watches the entry `name` of `folder` appear and disappear. */
export function watchFolder(folder: string, name: string): FolderChanges {
  let changed = false;
  let wake: () => void = () => undefined;
  let release: () => void = () => undefined;
  const watcher = startWatching(folder, (entry) => {
    // Some systems do not say which entry it was.
    if (entry !== null && entry !== name) return;
    changed = true;
    wake();
  });
  return {
    async next(timeoutMs, signal) {
      if (!changed && signal?.aborted !== true) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          const timer = setTimeout(resolve, timeoutMs);
          signal?.addEventListener("abort", wake, { once: true });
          release = () => {
            clearTimeout(timer);
            signal?.removeEventListener("abort", wake);
          };
        }).finally(() => release());
      }
      changed = false;
    },
    close: () => watcher?.close(),
  };
}

/** Null where the system has no watches left: then only time wakes the caller. */
function startWatching(folder: string, onChange: (entry: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, (_, entry) => onChange(entry));
    watcher.on("error", () => undefined);
    return watcher;
  } catch {
    return null;
  }
}
