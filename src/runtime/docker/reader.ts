/**
 * A one-off container that only reads a node's volume, for looking at a node on which no server runs. Its name is its
 * own and its mount is read-only: it never meets, and never disturbs, a server, a copy under way or another reader.
 */
import { randomBytes } from "node:crypto";
import type { NodeName } from "../../core/spec.ts";
import { ATTACHED_HOST, STAY, attachedConfig, openAttached } from "./attached-container.ts";
import type { AttachedContainer } from "./attached-container.ts";
import { createContainer, type Engine } from "./engine-client.ts";
import { imageTrouble } from "./image-trouble.ts";
import { OWNER_LABEL, SERVER_USER, readerLabels, readerName, strayLabels } from "./names.ts";
import { removeContainer } from "./containers.ts";
import { nodeMount } from "./server-container.ts";
import type { ToolboxOptions } from "./toolbox.ts";
import { removeStrayVolume, requireVolume } from "./volumes.ts";

export async function openReader(
  engine: Engine,
  options: ToolboxOptions,
  node: NodeName,
): Promise<AttachedContainer> {
  await requireVolume(engine, options, node);
  const name = readerName(options, node, randomBytes(4).toString("hex"));
  const config = readerConfig(options, node, await options.owner.label());
  const container = await createReader(engine, options, name, config);
  try {
    await requireVolume(engine, options, node);
  } catch (thrown) {
    // The node was removed just now, and the engine made an empty volume for us.
    await removeContainer(engine, container);
    await removeStrayVolume(engine, options, node);
    throw thrown;
  }
  // A volume that was made just now has no folders yet.
  return await openAttached(engine, { container, folder: "/" }, options.image, node);
}

async function createReader(
  engine: Engine,
  { image }: ToolboxOptions,
  name: string,
  config: ReturnType<typeof readerConfig>,
): Promise<string> {
  try {
    return (await createContainer(engine, name, config)).id;
  } catch (thrown) {
    throw imageTrouble(thrown, image);
  }
}

function readerConfig(options: ToolboxOptions, node: NodeName, owner: string) {
  return {
    ...attachedConfig(options.image, STAY),
    User: SERVER_USER,
    Labels: { ...readerLabels(options, node), [OWNER_LABEL]: owner },
    HostConfig: {
      ...ATTACHED_HOST,
      CapDrop: ["ALL"],
      NetworkMode: "none",
      Mounts: [{ ...nodeMount(options, node, strayLabels(options)), ReadOnly: true }],
    },
  };
}
