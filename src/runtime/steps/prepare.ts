/**
 * Roles, database and sample on the first primary. Every statement may be repeated; the mark is written last,
 * so that an interrupted preparation is seen and done again.
 */
import { REPLICATION_ROLE } from "../../core/node-configuration.ts";
import type { NodeName } from "../../core/spec.ts";
import { PREPARED_MARK, quoteIdentifier, quoteLiteral } from "../../postgres/queries.ts";
import { scramVerifier } from "../../postgres/scram.ts";
import type { Session } from "../../postgres/session.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";
import { template } from "../templates.ts";

export const APPLICATION_ROLE = "app";

export async function prepare(context: RuntimeContext, node: NodeName): Promise<StepOutcome> {
  const session = await context.sessions.to(node);
  await ensureRole(session, REPLICATION_ROLE, "LOGIN REPLICATION", context.credentials.replicator);
  await ensureRole(session, APPLICATION_ROLE, "LOGIN", context.credentials.app);
  await ensureDatabase(session, context.database);
  if (context.sample !== null) await loadSample(context, node, context.sample);
  await session.query(
    `COMMENT ON ROLE ${quoteIdentifier(REPLICATION_ROLE)} IS ${quoteLiteral(PREPARED_MARK)}`,
  );
  return { kind: "done" };
}

async function ensureRole(session: Session, role: string, rights: string, password: string): Promise<void> {
  const [known] = await session.query("SELECT FROM pg_roles WHERE rolname = $1", [role]);
  const verb = known === undefined ? "CREATE" : "ALTER";
  const secret = quoteLiteral(scramVerifier(password));
  await session.query(`${verb} ROLE ${quoteIdentifier(role)} ${rights} PASSWORD ${secret}`);
}

async function ensureDatabase(session: Session, database: string): Promise<void> {
  const [known] = await session.query("SELECT FROM pg_database WHERE datname = $1", [database]);
  if (known !== undefined) return;
  await session.query(
    `CREATE DATABASE ${quoteIdentifier(database)} OWNER ${quoteIdentifier(APPLICATION_ROLE)}`,
  );
}

/** One script, one transaction: the sample is there whole or not at all. */
async function loadSample(context: RuntimeContext, node: NodeName, sample: string): Promise<void> {
  await using session: Session = await context.sessions.fresh(node, context.database);
  await session.query(`SET ROLE ${quoteIdentifier(APPLICATION_ROLE)}`);
  await session.query(await template(`samples/${sample}.sql`), [], 60_000);
}
