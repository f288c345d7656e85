/**
 * A program of the image, in the user's own terminal, beside a server that runs: by the engine's command line, which knows
 * terminals of every kind. What is secret is read from a file of the node, and that is removed when the program ends.
 */
import type { NodeName } from "../../core/spec.ts";
import type { BesideRequest } from "../node-host.ts";
import { NODE_PATHS, SERVER_USER, nodeThing, type ClusterIdentity } from "./names.ts";

/** The shell outlives ^C, which is for the program, and the program itself however that ends. */
const RUN_THEN_REMOVE = `trap : INT; trap 'rm -f "$0"' EXIT; "$@"`;

export function besideCommand(
  socketPath: string,
  identity: ClusterIdentity,
  node: NodeName,
  { argv, env, secret, isTerminal }: BesideRequest,
): readonly string[] {
  const exec = ["docker", "--host", `unix://${socketPath}`, "exec", "--interactive", "--user", SERVER_USER];
  const terminal = isTerminal ? ["--tty"] : [];
  const variables = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const script = ["/bin/sh", "-c", RUN_THEN_REMOVE, `${NODE_PATHS.root}/${secret}`];
  return [...exec, ...terminal, ...variables, nodeThing(identity, node), ...script, ...argv];
}
