/** What every step handler works with. It holds secrets: it is never printed, logged or journaled. */
import type { NodeName } from "../core/spec.ts";
import type { Sessions } from "../postgres/sessions.ts";
import type { NodeHost } from "./node-host.ts";

export interface Credentials {
  readonly superuser: string;
  readonly replicator: string;
  readonly app: string;
}

export interface RuntimeContext {
  readonly host: NodeHost;
  readonly sessions: Sessions;
  readonly credentials: Credentials;
  /** The major version that the file asks for. */
  readonly postgres: number;
  /** The application's database, made with the cluster. */
  readonly database: string;
  /** A file of `templates/samples/`, without its ending; null: an empty database. */
  readonly sample: string | null;
  readonly portOf: (node: NodeName) => number;
}
