/**
 * The containers for tools that this process has open, one for each node that needed one: toolboxes, or readers. An exec
 * in an open one costs a fraction of a new container, so it stays until the node's server is started or the host is closed.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { AttachedContainer } from "./attached-container.ts";
import type { Engine } from "./engine-client.ts";
import { execIn, type ExecRequest, type ExecResult } from "./exec.ts";
import { openReader } from "./reader.ts";
import { openToolbox, removeLeftover, type ToolboxOptions } from "./toolbox.ts";

/** Somebody may remove it under our hands; more than this is no accident. */
const ATTEMPTS = 3;

interface Kind {
  open(node: NodeName): Promise<AttachedContainer>;
  /** Removes what an earlier pgrep-kit left behind, where that is in the way. */
  clear(node: NodeName): Promise<void>;
}

export interface Toolboxes {
  isOpen(node: NodeName): boolean;
  open(node: NodeName): Promise<void>;
  /** Opens the node's container if need be. On any failure it ends with all its programs. */
  exec(node: NodeName, request: Omit<ExecRequest, "container" | "folder">): Promise<ExecResult>;
  /** When it returns, what an earlier pgrep-kit left behind is gone; our own, in which nothing runs, is going. */
  retire(node: NodeName): Promise<void>;
  /** Ends all of them; returns when they are gone. */
  close(): Promise<void>;
}

export interface ToolContainers {
  /** For programs that change the node: nobody else does meanwhile. */
  readonly toolboxes: Toolboxes;
  /** For programs that only read: in the node's toolbox where this very command has it to itself, else in a reader. */
  reading(node: NodeName): Toolboxes;
  /** Both of the node, as `Toolboxes.retire`. */
  retire(node: NodeName): Promise<void>;
  close(): Promise<void>;
}

export function openToolContainers(engine: Engine, options: ToolboxOptions): ToolContainers {
  const toolboxes = openToolboxes(engine, options);
  const readers = openReaders(engine, options);
  return {
    toolboxes,
    reading: (node) => (toolboxes.isOpen(node) ? toolboxes : readers),
    retire: async (node) => void (await Promise.all([toolboxes.retire(node), readers.retire(node)])),
    close: async () => void (await Promise.all([toolboxes.close(), readers.close()])),
  };
}

function openToolboxes(engine: Engine, options: ToolboxOptions): Toolboxes {
  return keepOpen(engine, {
    open: (node) => openToolbox(engine, options, node),
    clear: (node) => removeLeftover(engine, options, node),
  });
}

function openReaders(engine: Engine, options: ToolboxOptions): Toolboxes {
  return keepOpen(engine, {
    open: (node) => openReader(engine, options, node),
    clear: async () => undefined,
  });
}

function keepOpen(engine: Engine, kind: Kind): Toolboxes {
  const open = new Map<NodeName, Promise<AttachedContainer>>();
  const leaving = new Map<NodeName, Promise<void>>();

  const toolboxOf = (node: NodeName): Promise<AttachedContainer> => {
    const known = open.get(node);
    if (known !== undefined) return known;
    const made = (leaving.get(node) ?? Promise.resolve()).then(() => kind.open(node));
    open.set(node, made);
    made.catch(() => forget(node, made));
    return made;
  };
  const forget = (node: NodeName, toolbox: Promise<AttachedContainer>): void => {
    if (open.get(node) === toolbox) open.delete(node);
  };
  const discard = async (node: NodeName, toolbox: Promise<AttachedContainer>): Promise<void> => {
    forget(node, toolbox);
    await (await toolbox.catch(() => null))?.remove();
  };

  return {
    isOpen: (node) => open.has(node),
    async open(node) {
      await toolboxOf(node);
    },
    async exec(node, request) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const toolbox = toolboxOf(node);
        const { container, folder } = await toolbox;
        try {
          const result = await execIn(engine, { ...request, container, folder });
          if (result !== null) return result;
        } catch (thrown) {
          // Aborted or broken: nothing of it may go on behind our back.
          await discard(node, toolbox);
          throw thrown;
        }
        await discard(node, toolbox);
      }
      throw removedAgainAndAgain(node);
    },
    async retire(node) {
      const toolbox = open.get(node);
      if (toolbox === undefined) return await (leaving.get(node) ?? kind.clear(node));
      const left = discard(node, toolbox)
        .catch(() => undefined)
        .finally(() => leaving.delete(node));
      leaving.set(node, left);
    },
    async close() {
      await Promise.all([...[...open].map(([node, toolbox]) => discard(node, toolbox)), ...leaving.values()]);
    },
  };
}

function removedAgainAndAgain(node: NodeName): PgrepKitError {
  return new PgrepKitError("docker-failed", {
    message: `the container for the tools of node ${node} is removed again and again`,
    hint: "See whether another program on this machine removes containers.",
  });
}
