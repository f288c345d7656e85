// Sessions with a real server: what the user's environment has no say in, and how they end when the server is frozen.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Session, type SessionTarget } from "../../src/postgres/session.ts";
import { until } from "../../src/support/until.ts";
import { type LocalHost, type LocalNode, openLocalHost } from "./local-host.ts";

let local: LocalHost;
let node: LocalNode;
beforeAll(async () => {
  local = await openLocalHost();
  node = await local.node("pg1");
  await local.host.start(node.name, node.port);
  const ready = await until(() => opened().catch(() => null), { everyMs: 20, deadlineMs: 20_000 });
  await ready?.[Symbol.asyncDispose]();
});
afterAll(() => local?.[Symbol.asyncDispose]());
afterEach(() => vi.unstubAllEnvs());

function opened(other: Partial<SessionTarget> = {}): Promise<Session> {
  return Session.open({
    host: "127.0.0.1",
    port: node.port,
    user: "postgres",
    password: "unused",
    database: "postgres",
    applicationName: "pgrep-kit",
    connectTimeoutMs: 3_000,
    ...other,
  });
}

test("the user's environment changes nothing in a session", async () => {
  const settings = `SELECT current_setting('synchronous_commit') AS commit, current_setting('client_encoding') AS encoding,
    current_setting('application_name') AS name, current_user AS role, current_database() AS database`;
  await using usual = await opened();
  const expected = await usual.query(settings);
  for (const [name, value] of Object.entries({
    PGOPTIONS: "-c synchronous_commit=local",
    PGSSLMODE: "require",
    PGSSLNEGOTIATION: "direct",
    PGREPLICATION: "true",
    PGCLIENT_ENCODING: "latin1",
    PGAPPNAME: "another",
    PGUSER: "nobody",
    PGDATABASE: "nowhere",
    PGHOST: "192.0.2.1",
    PGPORT: "1",
    PGPASSWORD: "another",
    PGCONNECT_TIMEOUT: "1",
    PGBINARY: "1",
  }))
    vi.stubEnv(name, value);
  await using session = await opened();
  expect(await session.query(settings)).toEqual(expected);
  expect(expected).toMatchObject([{ commit: "on", name: "pgrep-kit", encoding: "UTF8" }]);
});

test("a node whose port is not known is not looked for at PostgreSQL's usual one", async () => {
  await expect(opened({ port: 0 })).rejects.toMatchObject({ code: "server-unreachable" });
});

test("a session with a server that was frozen meanwhile ends all the same", async () => {
  const session = await opened();
  await local.host.pause(node.name);
  try {
    const begun = performance.now();
    await session[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(session.usable).toBe(false);
  } finally {
    await local.host.resume(node.name);
  }
});
