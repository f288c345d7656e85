/** Whether somebody listens on a port of the loopback address: found out by trying to, for a moment. */
import { createServer } from "node:net";

export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    // A port that may not be bound at all is no more use than one that somebody has.
    probe.once("error", () => resolve(true));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(false)));
  });
}
