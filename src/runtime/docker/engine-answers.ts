/**
 * Whether a Docker engine answers on this machine. It only asks; what is wrong with one that does not is for `check`.
 * One that is there, but too busy to answer, is neither: that is thrown, for nobody wants another host because of it.
 */
import { engineSocketPath } from "./engine-address.ts";
import { checkEngine } from "./engine-check.ts";
import { openEngine } from "./engine-client.ts";
import { EngineSilent } from "./engine-socket.ts";

export async function engineAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const engine = openEngine(engineSocketPath(undefined, env));
    try {
      await checkEngine(engine);
      return true;
    } finally {
      engine.close();
    }
  } catch (thrown) {
    if (thrown instanceof EngineSilent) throw thrown;
    return false;
  }
}
