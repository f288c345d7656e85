// Takes and gives up the lock again and again, sometimes dying with it, and shouts if it is not alone inside.
// Each removal and renaming comes a little late, as on a busy machine: what was judged before may no longer be so.
// argv: the compiled lock module, the state folder, how many times, the share of deaths, seed
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { appendFileSync, openSync, closeSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const [, , module, path, times, deaths, seed] = process.argv;
const inside = join(path, "..", "inside");
const counter = join(path, "..", "counter");
const done = join(path, "..", "done");
let state = Number(seed);

function random() {
  state = (state * 1103515245 + 12345) % 2147483648;
  return state / 2147483648;
}

for (const name of ["rename", "rm", "rmdir", "unlink"]) {
  const quick = promises[name];
  promises[name] = async (...args) => {
    await pause(random() < 0.5 ? 0 : random() * 12);
    return quick(...args);
  };
}
syncBuiltinESMExports();
const { acquireLock } = await import(module);

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Nobody but the holder of the lock may be here: a living one who is is a second holder. */
function enter() {
  try {
    const file = openSync(inside, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
  } catch {
    const other = readFileSync(inside, "utf8");
    if (other === "" || isAlive(Number(other))) {
      writeSync(1, `two holders: ${process.pid} and ${other}\n`);
      process.exit(9);
    }
    writeFileSync(inside, String(process.pid));
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    return process.platform !== "linux" && error.code !== "ESRCH";
  }
}

for (let i = 0; i < Number(times); i++) {
  const lock = await acquireLock({ path }, "stress", { waitMs: 60_000 });
  enter();
  const count = Number(readFileSync(counter, "utf8"));
  await pause(random() * 3);
  if (random() < Number(deaths)) process.kill(process.pid, "SIGKILL");
  writeFileSync(counter, String(count + 1));
  appendFileSync(done, "x");
  rmSync(inside);
  await lock[Symbol.asyncDispose]();
}
