/**
 * Which engine we talk to: the socket named by the caller or by DOCKER_HOST, else the usual places. Engines on other
 * machines are refused: the ports of the nodes are published on their loopback, which we could not reach.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PgrepKitError } from "../../support/errors.ts";

const SYSTEM_SOCKET = "/var/run/docker.sock";

/** The path of the engine's Unix socket. Whether an engine answers there is not looked at. */
export function engineSocketPath(explicit: string | undefined, env: NodeJS.ProcessEnv): string {
  if (explicit !== undefined) return explicit;
  const dockerHost = env["DOCKER_HOST"] ?? "";
  if (dockerHost === "" || dockerHost === "unix://") return usualSocket(env);
  if (dockerHost.startsWith("unix://")) return dockerHost.slice("unix://".length);
  throw new PgrepKitError("docker-unavailable", {
    message: "Docker engines on other machines are not supported",
    detail: `DOCKER_HOST is ${withoutUserInfo(dockerHost)}.`,
    hint: "Unset DOCKER_HOST, or set it to a local socket: unix:///var/run/docker.sock.",
  });
}

/** Docker Desktop and rootless engines do not listen at the system's place. */
function usualSocket(env: NodeJS.ProcessEnv): string {
  const places = [SYSTEM_SOCKET, join(homedir(), ".docker", "run", "docker.sock")];
  const runtimeFolder = env["XDG_RUNTIME_DIR"];
  if (runtimeFolder !== undefined && runtimeFolder !== "") places.push(join(runtimeFolder, "docker.sock"));
  return places.find((place) => existsSync(place)) ?? SYSTEM_SOCKET;
}

function withoutUserInfo(address: string): string {
  return address.replace(/\/\/[^/@]*@/, "//");
}
