/**
 * The real runtime: servers of PostgreSQL on a host. It sees and it does; it never decides.
 * Each kind of step has its handler in `steps/`.
 */
import type { NodeWiring, Observation } from "../core/observation.ts";
import type { Step } from "../core/plan.ts";
import type { NodeName } from "../core/spec.ts";
import { assert } from "../support/assert.ts";
import { messageOf } from "../support/errors.ts";
import type { RuntimeContext } from "./context.ts";
import type { HostNode } from "./node-host.ts";
import type { NodeRuntime, StepOutcome } from "./node-runtime.ts";
import { withLatestPosition } from "./latest-position.ts";
import { observeNode } from "./observe-node.ts";
import { awaitStreaming } from "./steps/await-streaming.ts";
import { clone } from "./steps/clone.ts";
import { configure } from "./steps/configure.ts";
import { confirmRule } from "./steps/confirm-rule.ts";
import { initialise } from "./steps/initialise.ts";
import { prepare } from "./steps/prepare.ts";
import { dropSlots, makeSlots } from "./steps/slots.ts";
import { remove, start, stop } from "./steps/servers.ts";
import { passfilePath } from "./steps/write-configuration.ts";

export class PostgresRuntime implements NodeRuntime {
  private readonly context: RuntimeContext;

  constructor(context: RuntimeContext) {
    this.context = context;
  }

  async observe(nodes: readonly NodeName[], signal?: AbortSignal): Promise<Observation> {
    const { host } = this.context;
    const atMs = Date.now();
    let listed: ReadonlyMap<NodeName, HostNode>;
    try {
      listed = await host.list();
    } catch (error) {
      return { atMs, nodes: allUnseen(nodes, messageOf(error)), wiring: this.wiring(nodes) };
    }
    // Whoever the host has, but neither the file nor the state names, is seen as well: it may accept writes.
    const names = [...new Set([...nodes, ...listed.keys()])];
    const looks = await Promise.all(
      names.map(
        async (name) => [name, await observeNode(this.context, name, listed.get(name), signal)] as const,
      ),
    );
    const seen = await Promise.all(
      looks.map(async ([name, node]) => [name, await withLatestPosition(this.context, name, node)] as const),
    );
    return { atMs, nodes: Object.fromEntries(seen), wiring: this.wiring(names) };
  }

  async apply(step: Step, signal: AbortSignal): Promise<StepOutcome> {
    assert(step.kind !== "record-authority", "the record is the controller's own");
    switch (step.kind) {
      case "initialise":
        return initialise(this.context, step.node, signal);
      case "clone":
        return clone(this.context, step, signal);
      case "start":
        return start(this.context, step.node, step.configuration, signal);
      case "configure":
        return configure(this.context, step.node, step.configuration, signal);
      case "stop":
        return stop(this.context, step.node, signal);
      case "prepare":
        return prepare(this.context, step.node);
      case "make-slots":
        return makeSlots(this.context, step.node, step.slots);
      case "drop-slots":
        return dropSlots(this.context, step.node, step.slots, signal);
      case "await-streaming":
        return awaitStreaming(this.context, step.node, step.from, signal);
      case "confirm-rule":
        return confirmRule(this.context, step, signal);
      case "remove":
        return remove(this.context, step.node);
    }
  }

  private wiring(nodes: readonly NodeName[]): Record<NodeName, NodeWiring> {
    return Object.fromEntries(
      nodes.map((node) => {
        const { endpoint, peer, listenAddresses, listenPort } = this.context.host.wiring(
          node,
          this.context.portOf(node),
        );
        const paths = this.context.host.paths(node);
        const wired = {
          ...endpoint,
          peerHost: peer.host,
          peerPort: peer.port,
          listenAddresses,
          listenPort,
          data: paths.data,
          passfile: passfilePath(paths),
        };
        return [node, wired];
      }),
    );
  }
}

function allUnseen(nodes: readonly NodeName[], reason: string): Observation["nodes"] {
  return Object.fromEntries(nodes.map((node) => [node, { kind: "unreachable", reason }]));
}
