/** Chooses ports on the loopback address that nobody holds, and that another cluster of this machine rarely wants. */
import { PgrepKitError } from "../support/errors.ts";
import { isTaken } from "../support/taken-port.ts";

/** Below the range from which the systems' own outgoing connections take theirs (32768 on Linux). */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/**
 * `count` free ports, none of `taken`, consecutive where possible. `seed` (hexadecimal) says where to look first,
 * so that clusters that are down keep their places although nobody listens there.
 */
export async function freePorts(count: number, seed: string, taken: readonly number[]): Promise<number[]> {
  const span = HIGHEST - LOWEST;
  const first = Number.parseInt(seed.slice(0, 8), 16) % span;
  const found: number[] = [];
  for (let offset = 0; offset < span && found.length < count; offset++) {
    const port = LOWEST + ((first + offset) % span);
    if (!taken.includes(port) && !(await isTaken(port))) found.push(port);
  }
  if (found.length < count) {
    throw new PgrepKitError("port-taken", {
      message: `no free port between ${LOWEST} and ${HIGHEST} on 127.0.0.1`,
    });
  }
  return found;
}
