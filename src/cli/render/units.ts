/** Units that only screens need. Bytes and durations are `core/diagnose/units.ts`, because findings speak of them, too. */
export { formatByteBound, formatBytes, formatDuration } from "../../core/diagnose/units.ts";
export { listed } from "../../core/listed.ts";

/** Time that work took: `0.05 s`, `0.9 s`, `12 s`, `3 min 20 s`. */
export function formatElapsed(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 0.095) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `17.11` of `server_version_num` 170011. */
export function formatVersion(serverVersion: number): string {
  return `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
}
