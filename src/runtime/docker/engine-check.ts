/**
 * Whether the engine answers and is new enough, and what it and the image are, for people and for the preflight.
 */
import { PgrepKitError } from "../../support/errors.ts";
import type { HostReport } from "../node-host.ts";
import { LIST_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { majorOf, seeImage } from "./image.ts";

/** Docker 20.10. */
const OLDEST_API = "1.41";

interface EngineVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly Os: string;
}

/** Throws if the engine is absent, too old or no Linux engine. */
export async function checkEngine(engine: Engine): Promise<EngineVersion> {
  const look = { method: "GET", path: "/version", deadlineMs: LIST_DEADLINE_MS } as const;
  const version = await engine.socket.json<EngineVersion>(look);
  if (version.Os !== "linux") {
    throw new PgrepKitError("docker-unavailable", {
      message: `the Docker engine runs ${version.Os} containers`,
      hint: "Switch it to Linux containers.",
    });
  }
  if (apiNumber(version.ApiVersion) < apiNumber(OLDEST_API)) {
    throw new PgrepKitError("docker-unavailable", {
      message: `Docker ${version.Version} is too old`,
      hint: "Install Docker 20.10 or newer.",
    });
  }
  return version;
}

/** An image that is not there yet is no error: it is pulled when the cluster is set up. */
export async function describeEngine(engine: Engine, image: string): Promise<HostReport> {
  const [version, seen] = await Promise.all([checkEngine(engine), seeImage(engine, image)]);
  return {
    title: `Docker ${version.Version}`,
    place: `unix://${engine.socket.path}`,
    source: seen === null ? `${image} (not on this machine yet)` : image,
    major: seen === null ? null : majorOf(seen),
  };
}

/** "1.41" is no decimal number: 1.9 is older than 1.41. */
function apiNumber(version: string): number {
  const [major = "0", minor = "0"] = version.split(".");
  return Number(major) * 1000 + Number(minor);
}
