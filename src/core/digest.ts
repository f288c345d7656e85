/**
 * A short fingerprint of settings: FNV-1a, 64 bits. It tells configurations apart; it protects nothing.
 * http://www.isthe.com/chongo/tech/comp/fnv/
 */

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** 16 hexadecimal digits, independent of the order of the keys. */
export function digest(settings: Readonly<Record<string, string>>): string {
  const text = Object.keys(settings)
    .toSorted()
    .map((key) => `${key}=${settings[key]}\n`)
    .join("");
  let hash = OFFSET;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  return hash.toString(16).padStart(16, "0");
}
