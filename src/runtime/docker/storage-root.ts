/**
 * Gives a new volume its folders, owned by the image's server user. A volume on a path that the image lacks belongs to
 * root; instead of running anything as root, an archive that names owner and mode is unpacked into it.
 */
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { nullOn } from "./engine-error.ts";
import { userMissing } from "./image-trouble.ts";
import type { Engine } from "./engine-client.ts";
import { MOUNT_POINT, SERVER_USER } from "./names.ts";
import { firstFileOf, tarOfFolders } from "./tar.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `container` need not run. Folders that are there keep what is in them. */
export async function makeRoot(engine: Engine, container: string, { uid, gid }: Owner): Promise<void> {
  const folders = ["node", "node/conf"].map((path) => ({ path, uid, gid, mode: 0o700 }));
  const dockerode = await engine.dockerode();
  await dockerode.getContainer(container).putArchive(tarOfFolders(folders), { path: MOUNT_POINT });
}

/** The ids of the server's user, read from the image's own list of users. */
export async function serverOwner(engine: Engine, container: string, image: string): Promise<Owner> {
  const dockerode = await engine.dockerode();
  const opened = dockerode.getContainer(container).getArchive({ path: "/etc/passwd" });
  const archive = (await nullOn([404], opened)) as Readable | null;
  if (archive === null) throw userMissing(image);
  const users = firstFileOf(await buffer(archive))?.toString("utf8") ?? "";
  const fields = users
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === SERVER_USER);
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  if (fields === undefined || !Number.isInteger(uid) || !Number.isInteger(gid)) throw userMissing(image);
  return { uid, gid };
}
