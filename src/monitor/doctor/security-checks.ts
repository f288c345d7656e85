/** Checks of who may come in, and with what: the replication role, password hashes, and pg_hba.conf. */
import { listed } from "../../core/listed.ts";
import { REPLICATION_ROLE } from "../../core/node-configuration.ts";
import { type Check, type Problem, onPrimary, onServers, problem, psql, sqlIdentifier } from "./check.ts";
import type { ClusterFacts, Server } from "./facts.ts";

export const SECURITY_CHECKS: readonly Check[] = [
  {
    id: "replication-role",
    group: "Security",
    title: "Replication role",
    run: onPrimary(replicationRole, `${REPLICATION_ROLE} replicates, and may do nothing else`),
  },
  {
    id: "password-hashes",
    group: "Security",
    title: "Password hashes",
    run: onPrimary(md5Roles, "no password is stored as an MD5 hash"),
  },
  {
    id: "hba-rules",
    group: "Security",
    title: "pg_hba.conf",
    run: onServers(hba, "every line is valid, and none admits by trust, password or md5"),
  },
];

function replicationRole({ name, health }: Server, { made }: ClusterFacts): Problem[] {
  const primary = made?.authority?.primary ?? name;
  const role = health.replicationRole;
  if (role === null)
    return [problem("fail", null, `there is no role ${REPLICATION_ROLE}`, { command: "pgrep-kit up" })];
  const alter = (words: string) => ({ command: psql(primary, `alter role ${REPLICATION_ROLE} ${words}`) });
  const found: Problem[] = [];
  const lacks = [role.login ? "" : "login", role.replication ? "" : "replication"].filter(
    (word) => word !== "",
  );
  if (lacks.length > 0) {
    const text = `${REPLICATION_ROLE} lacks ${listed(lacks)}: no standby can connect again`;
    found.push(problem("fail", null, text, alter(lacks.join(" "))));
  }
  const excess = [
    role.superuser ? "superuser" : "",
    role.createDatabase ? "createdb" : "",
    role.createRole ? "createrole" : "",
    role.bypassRowSecurity ? "bypassrls" : "",
  ].filter((word) => word !== "");
  if (excess.length > 0) {
    const level = role.superuser ? "fail" : "warning";
    const text = `${REPLICATION_ROLE} has more rights than it needs: ${excess.join(", ")}`;
    found.push(problem(level, null, text, alter(excess.map((word) => `no${word}`).join(" "))));
  }
  if (role.password !== "scram") {
    const what =
      role.password === "none"
        ? "has no password"
        : `has a password that is not stored as SCRAM (${role.password})`;
    const remedy = {
      advice: "Set the one that .pgrep-kit/credentials.json has, which psql asks for:",
      command: psql(primary, "set password_encryption = 'scram-sha-256'", `\\password ${REPLICATION_ROLE}`),
    };
    found.push(problem("fail", null, `${REPLICATION_ROLE} ${what}`, remedy));
  }
  if (role.expired) {
    const text = `the password of ${REPLICATION_ROLE} has expired: no standby can connect again`;
    found.push(problem("fail", null, text, alter("valid until 'infinity'")));
  }
  return found;
}

function md5Roles({ name, health }: Server, { made }: ClusterFacts): Problem[] {
  const primary = made?.authority?.primary ?? name;
  return health.md5Roles
    .filter((role) => role !== REPLICATION_ROLE)
    .map((role) => {
      const text = `the password of ${role} is stored as an MD5 hash, which scram-sha-256 in pg_hba.conf does not accept`;
      return problem("warning", null, text, {
        advice: "Set it anew; psql asks for it:",
        command: psql(
          primary,
          "set password_encryption = 'scram-sha-256'",
          `\\password ${sqlIdentifier(role)}`,
        ),
      });
    });
}

function hba({ name, health }: Server): Problem[] {
  return health.hbaProblems.map(({ line, method, error }) => {
    const where = `line ${line ?? "?"} of pg_hba.conf on ${name}`;
    if (error !== null) {
      return problem("fail", name, `${where} is not valid: ${error}`, {
        advice: "A start writes the file anew:",
        command: `pgrep-kit restart ${name}`,
      });
    }
    const text = `${where} admits by ${method}${method === "trust" ? ", without a password" : ""}`;
    return problem("fail", name, text, {
      advice: "A start writes the file anew:",
      command: `pgrep-kit restart ${name}`,
    });
  });
}
