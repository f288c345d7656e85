/** Which host a new cluster lives on: Docker if an engine answers, else local PostgreSQL, else a word on what to install. */
import { NEWEST_POSTGRES, type RuntimeKind } from "../core/spec.ts";
import { PgrepKitError } from "../support/errors.ts";

/** What a new cluster runs where nothing was asked for. */
export const DEFAULT_MAJOR = 17;

export interface Choice {
  readonly runtime: RuntimeKind;
  readonly postgres: number;
}

export async function chooseRuntime(runtime: RuntimeKind | null, postgres: number | null): Promise<Choice> {
  if (runtime === "docker") return { runtime, postgres: postgres ?? DEFAULT_MAJOR };
  if (runtime === null && (await dockerAnswers()))
    return { runtime: "docker", postgres: postgres ?? DEFAULT_MAJOR };
  const { findBinaries } = await import("../runtime/process/binaries.ts");
  const found = await findBinaries(postgres, process.env);
  if (found !== null) return { runtime: "process", postgres: postgres ?? found.major };
  throw new PgrepKitError("no-runtime", {
    message:
      runtime === null
        ? "no PostgreSQL and no Docker engine found on this machine"
        : "no PostgreSQL found on this machine",
    detail: `${runtime === null ? "Docker: no engine answers. " : ""}PostgreSQL: no server binaries in PGREP_KIT_PGBIN, on PATH or in the usual places.`,
    hint: `${runtime === null ? "Start Docker, or install" : "Install"} PostgreSQL 15 to ${NEWEST_POSTGRES} (Debian, Ubuntu: apt-get install postgresql).`,
  });
}

async function dockerAnswers(): Promise<boolean> {
  const { engineAnswers } = await import("../runtime/docker/engine-answers.ts");
  return engineAnswers(process.env);
}
