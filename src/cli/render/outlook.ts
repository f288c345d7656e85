/**
 * One sentence about what a failover would lose. It speaks of confirmed commits, because a transaction that set
 * synchronous_commit to local or off for itself was never confirmed by anybody.
 */
import type { Verdict } from "../../core/diagnose.ts";
import { arithmeticText, type LossOutlook } from "../../core/loss-outlook.ts";
import { formatByteBound } from "./units.ts";

/** Null where there is nothing to say: no cluster, or one that is shut down. */
export function outlookSentence(
  outlook: LossOutlook,
  primary: string | null,
  verdict: Verdict,
): string | null {
  if (outlook.kind === "none" || primary === null) return null;
  if (verdict === "stopped" || verdict === "empty" || verdict === "split-brain") return null;
  const when = condition(primary, verdict);
  const sentence = `${when}${bare(outlook, primary)}.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function condition(primary: string, verdict: Verdict): string {
  if (verdict === "primary-lost") return "";
  return verdict === "unknown" ? `if ${primary} is gone, ` : `if ${primary} died now, `;
}

function bare(outlook: Exclude<LossOutlook, { kind: "none" }>, primary: string): string {
  switch (outlook.kind) {
    case "proved":
      return `a failover to ${outlook.candidate} would lose no confirmed commit: ${[...new Set(outlook.arithmetic.map(arithmeticText))].join(" and ")}`;
    case "lossy":
      return lossy(outlook.candidate, outlook.boundBytes, primary);
    case "refused":
      return `a failover would be refused: ${outlook.reasons.map((reason) => reason.message).join("; ")}${accepting(outlook.accepting)}`;
  }
}

function lossy(candidate: string, boundBytes: number | null, primary: string): string {
  if (boundBytes === null) {
    return `a failover to ${candidate} would lose what ${primary} had not sent, and nobody knows how much: commits wait for no standby`;
  }
  if (boundBytes === 0)
    return `a failover to ${candidate} would by luck lose nothing, but commits wait for no standby`;
  return `a failover to ${candidate} would lose up to ${formatByteBound(boundBytes)}: commits wait for no standby`;
}

function accepting(
  choice: { readonly candidate: string; readonly boundBytes: number | null } | null,
): string {
  if (choice === null) return "";
  if (choice.boundBytes === 0) return `. ${choice.candidate} has received all that was seen flushed`;
  const cost =
    choice.boundBytes === null ? "an unknown amount" : `up to ${formatByteBound(choice.boundBytes)}`;
  return `. With ${choice.candidate} it could lose ${cost}`;
}
