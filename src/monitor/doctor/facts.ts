/**
 * What `doctor` judges: facts of the machine, of the files, of the host and of the servers, and what could not be seen.
 * Facts only, without judgement; no text in here may ever hold a password or a password's verifier.
 */
import type { Authority } from "../../core/authority.ts";
import type { Diagnosis } from "../../core/diagnose.ts";
import type { Observation, PrimaryObservation, StandbyObservation } from "../../core/observation.ts";
import type { ClusterSpec, NodeName, RuntimeKind } from "../../core/spec.ts";
import type { ServerHealth } from "./server-health.ts";

/** Something that did not work, in the words of whoever found out. */
export interface Trouble {
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
}

export type Looked<T> =
  | { readonly seen: true; readonly value: T }
  | { readonly seen: false; readonly trouble: Trouble };

export interface HostLook {
  readonly title: string;
  readonly place: string;
  readonly source: string;
  readonly major: number | null;
}

export interface MachineFacts {
  readonly docker: Looked<HostLook>;
  readonly binaries: Looked<HostLook>;
  /** What `init` would take in this folder. */
  readonly choice: Looked<{
    readonly runtime: RuntimeKind;
    readonly postgres: number;
    /** An image that would have to be pulled first. */
    readonly missingImage?: string;
  }>;
  /** Null: there is no psql. */
  readonly psql: { readonly version: string; readonly major: number } | null;
  readonly here: { readonly folder: string; readonly freeBytes: number | null };
}

/** Permission bits, such as 0o600. */
export type Mode = number;

export interface StateFacts {
  readonly folder: string;
  readonly folderMode: Mode;
  /** Files that hold passwords, as they were found; reading credentials.json closes it, so `modeNow` may differ. */
  readonly secrets: readonly { readonly path: string; readonly mode: Mode; readonly modeNow: Mode }[];
  /** Null: everything that was read makes sense. */
  readonly trouble: Trouble | null;
  readonly authority: Looked<Authority | null>;
  readonly journal: Looked<{ readonly entries: number; readonly unreadable: readonly string[] }>;
  readonly lock: LockFacts;
}

export type LockFacts =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly verb: string; readonly pid: number; readonly since: string }
  /** Left by a command that has ended: the next one clears it. */
  | { readonly kind: "left"; readonly verb: string; readonly pid: number }
  /** By another machine or container, where nothing can be seen from here. */
  | {
      readonly kind: "foreign";
      readonly verb: string;
      readonly pid: number;
      readonly host: string;
      readonly since: string;
    }
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string };

export interface ClusterFacts {
  readonly spec: ClusterSpec;
  /** The host that the file asks for, with what it says of itself and of the image or binaries. */
  readonly host: Looked<HostLook>;
  /** The image, on Docker; the host's `source` where it is present. */
  readonly image: string | null;
  /** Things of the cluster's names that belong to somebody else; null: none. */
  readonly inTheWay: Trouble | null;
  /** Null: the cluster was never made, or its state cannot be used. */
  readonly made: MadeFacts | null;
}

export interface MadeFacts {
  readonly authority: Authority | null;
  readonly observation: Observation;
  readonly diagnosis: Diagnosis;
  /** Of every server that answered; a missing one did not. */
  readonly health: Readonly<Record<NodeName, ServerHealth>>;
  /** Bytes free at the node's data; null or missing where nobody can tell. */
  readonly freeBytes: Readonly<Record<NodeName, number | null>>;
  /** Ports of nodes that are down, which somebody else holds. */
  readonly takenPorts: readonly { readonly node: NodeName; readonly port: number }[];
}

export interface DoctorFacts {
  readonly machine: MachineFacts;
  readonly file:
    | { readonly kind: "none"; readonly folder: string }
    | { readonly kind: "invalid"; readonly trouble: Trouble }
    | { readonly kind: "valid"; readonly path: string };
  /** Null: there is no state folder. */
  readonly state: StateFacts | null;
  /** Null: there is no file that could be read. */
  readonly cluster: ClusterFacts | null;
}

/** One server that answered both questions. */
export interface Server {
  readonly name: NodeName;
  readonly seen: PrimaryObservation | StandbyObservation;
  readonly health: ServerHealth;
}

/** Those of the file, in its order. */
export function serversOf({ spec, made }: ClusterFacts): Server[] {
  return spec.nodes.flatMap(({ name }) => {
    const seen = made?.observation.nodes[name];
    const health = made?.health[name];
    if (health === undefined || (seen?.kind !== "primary" && seen?.kind !== "standby")) return [];
    return [{ name, seen, health }];
  });
}
