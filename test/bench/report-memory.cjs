// Loaded into a measured command with --require: when it ends, writes the most memory that it ever had resident, in kB.
// Linux counts it per program; rusage would count the parent's too, from before the program began.
const { readFileSync, writeFileSync } = require("node:fs");

function peakKilobytes() {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}

process.on("exit", () => writeFileSync(process.env.PGREP_KIT_BENCH_MEMORY, String(peakKilobytes())));
