/** Checks of the cluster file and of the state folder: valid, readable, and closed to others. */
import { type Answer, type Check, bad, good, judged, problem, readableWord } from "./check.ts";
import type { DoctorFacts, LockFacts, StateFacts } from "./facts.ts";

export const FILE_CHECKS: readonly Check[] = [
  { id: "cluster-file", group: "Files", title: "Cluster file", run: clusterFile },
  { id: "made", group: "Files", title: "Made", run: made },
  { id: "state-folder", group: "Files", title: "State folder", run: withState(folderMode) },
  { id: "secret-files", group: "Files", title: "Passwords", run: withState(secrets) },
  { id: "state-files", group: "Files", title: "State files", run: stateFiles },
  { id: "authority-record", group: "Files", title: "Authority record", run: withState(authorityRecord) },
  { id: "journal", group: "Files", title: "Journal", run: withState(journal) },
  {
    id: "lock",
    group: "Files",
    title: "Lock",
    run: withState(({ lock, folder }) => lockAnswer(lock, folder)),
  },
];

function withState(run: (state: StateFacts) => Answer): Check["run"] {
  return ({ state }) => (state === null ? null : run(state));
}

function clusterFile({ file }: DoctorFacts): Answer {
  switch (file.kind) {
    case "none":
      return good(`there is none in ${file.folder} or above it: only the machine was checked`);
    case "invalid":
      return bad(
        "fail",
        file.trouble.message,
        file.trouble.hint ?? file.trouble.detail ?? "Correct the file.",
      );
    case "valid":
      return good(`${file.path} is valid`);
  }
}

function made({ file, state, cluster }: DoctorFacts): Answer | null {
  if (file.kind !== "valid" || cluster === null) return null;
  if (state === null) return good("not yet: pgrep-kit up makes the cluster");
  if (cluster.made === null && state.trouble === null) return good("not to its end: pgrep-kit up goes on");
  return null;
}

/** Others may pass through (servers of another user live in it), but neither list nor change it. */
function folderMode({ folder, folderMode: mode }: StateFacts): Answer {
  if ((mode & 0o066) === 0) return good(`${folder} is closed to others (${octal(mode)})`);
  return bad("fail", `other users can look into ${folder} (mode ${octal(mode)})`, {
    command: `chmod 700 ${readableWord(folder)}`,
  });
}

function secrets({ secrets: files }: StateFacts): Answer {
  const problems = files
    .filter((file) => (file.mode & 0o077) !== 0)
    .map((file) => {
      const open = `other users could read the passwords in ${file.path} (mode ${octal(file.mode)})`;
      if ((file.modeNow & 0o077) !== 0)
        return problem("fail", null, open, { command: `chmod 600 ${readableWord(file.path)}` });
      const remedy = "It is closed again: every command does that (chmod 600).";
      return problem("warning", null, open, remedy);
    });
  return judged(problems, "readable by their owner alone (0600)");
}

function stateFiles({ state, cluster }: DoctorFacts): Answer | null {
  if (state === null || (state.trouble === null && cluster?.made == null)) return null;
  const { trouble } = state;
  if (trouble === null) return good("whole, and of this cluster");
  return bad(
    "fail",
    trouble.message,
    trouble.hint ?? trouble.detail ?? "Restore the state folder from a backup.",
  );
}

function authorityRecord({ authority }: StateFacts): Answer {
  if (!authority.seen)
    return bad("fail", authority.trouble.message, authority.trouble.hint ?? "Restore it from a backup.");
  const { value } = authority;
  if (value === null) return good("none yet: no primary was ever appointed");
  return good(`term ${value.term}, ${value.primary} may be primary`);
}

function journal({ journal: look }: StateFacts): Answer {
  if (!look.seen)
    return bad("fail", look.trouble.message, look.trouble.hint ?? "Make it readable for yourself.");
  const { entries, unreadable } = look.value;
  const [first] = unreadable;
  if (first === undefined) return good(`${entries} ${entries === 1 ? "entry" : "entries"}, all readable`);
  const text = `${unreadable.length} ${unreadable.length === 1 ? "line" : "lines"} of the journal cannot be read, the first at ${first}`;
  return bad(
    "warning",
    text,
    "What was written there is lost; pgrep-kit goes on without it. Keep the file if you must know what happened.",
  );
}

function lockAnswer(lock: LockFacts, folder: string): Answer {
  switch (lock.kind) {
    case "free":
      return good("no command is changing the cluster");
    case "held":
      return good(`pgrep-kit ${lock.verb} (process ${lock.pid}) is at work since ${lock.since}`);
    case "left":
      return good(
        `left by pgrep-kit ${lock.verb} (process ${lock.pid}), which has ended; the next command clears it`,
      );
    case "foreign": {
      const text = `pgrep-kit ${lock.verb} (process ${lock.pid} on ${lock.host}) holds the lock since ${lock.since}; whether it still runs cannot be seen from here`;
      return bad("warning", text, {
        advice: "If it is certain that it no longer runs:",
        command: `rm -r ${readableWord(`${folder}/lock`)}`,
      });
    }
    case "unreadable":
      return bad("fail", `the lock ${lock.path} cannot be read: ${lock.reason}`, {
        advice: "If no pgrep-kit command is running:",
        command: `rm -r ${readableWord(`${folder}/lock`)}`,
      });
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
