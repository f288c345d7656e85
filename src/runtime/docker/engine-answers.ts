/** Whether a Docker engine answers on this machine. It only asks; what is wrong with one that does not is for `check`. */
import { engineSocketPath } from "./engine-address.ts";
import { checkEngine } from "./engine-check.ts";
import { openEngine } from "./engine-client.ts";

export async function engineAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const engine = openEngine(engineSocketPath(undefined, env));
    try {
      await checkEngine(engine);
      return true;
    } finally {
      engine.close();
    }
  } catch {
    return false;
  }
}
