/**
 * Runs asynchronous work one after the other within this process. Other processes are the lock's affair.
 */

/** A function that starts each given work only once all earlier work has ended, well or badly. */
export function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}
