import { describe, expect, it } from "vitest";
import { standbyLags, type StandbyLag } from "../../src/core/lag.ts";
import { cluster, type WorldBuilder } from "./builders/world.ts";

function lag(world: WorldBuilder, name = "pg2"): StandbyLag {
  const { spec, authority, observation } = world.build();
  const found = standbyLags(spec, authority, observation).find((one) => one.node === name);
  if (found === undefined) throw new Error(`no lag of ${name}`);
  return found;
}

type Options = Parameters<WorldBuilder["standby"]>[2];
const pair = (position: string, options: Options = {}): WorldBuilder =>
  cluster().primary("pg1", "0/5000").standby("pg2", position, options);

describe("lag", () => {
  it("sees a paused replay although everything was sent, and does not pass the old replay_lag on", () => {
    const found = lag(
      pair("0/5000", { replayed: "0/3000", replayPaused: true, sender: { replayLagMs: 8.8 } }),
    );
    expect(found.send.bytes).toBe(0);
    expect(found.replay).toEqual({ bytes: 0x2000, time: null });
  });

  it("believes replay_lag while replay goes on", () => {
    const found = lag(pair("0/5000", { replayed: "0/4F00", sender: { replayLagMs: 8.8 } }));
    expect(found.replay).toEqual({ bytes: 0x100, time: { ms: 8.8, atLeast: false } });
  });

  it("is zero for an idle, caught-up standby, whatever was measured last", () => {
    const found = lag(pair("0/5000", { sender: { replayLagMs: 8.8, flushLagMs: null } }));
    expect(found.replay).toEqual({ bytes: 0, time: { ms: 0, atLeast: false } });
    expect(found.flush.time).toEqual({ ms: 0, atLeast: false });
  });

  it("is zero for a paused standby that has nothing to replay", () => {
    expect(lag(pair("0/5000", { replayPaused: true })).replay).toEqual({
      bytes: 0,
      time: { ms: 0, atLeast: false },
    });
  });

  it("knows that a silent standby that owes bytes has been behind for as long as it is silent", () => {
    const found = lag(pair("0/4000", { sender: { replayLagMs: 2, repliedAgoMs: 41_000 } }));
    expect(found.replay.time).toEqual({ ms: 41_000, atLeast: true });
    expect(found.silentMs).toBe(41_000);
  });

  it("takes the later of what the standby says and what its upstream has heard", () => {
    const world = pair("0/5000", { replayed: "0/5000" });
    const { spec, authority, observation } = world.build();
    const pg1 = observation.nodes["pg1"];
    if (pg1?.kind !== "primary") throw new Error("it is the primary");
    const senders = pg1.senders.map((row) => ({ ...row, replayed: 0x4000n as never }));
    const nodes = { ...observation.nodes, pg1: { ...pg1, senders } };
    expect(standbyLags(spec, authority, { ...observation, nodes })[0]?.replay.bytes).toBe(0);
  });

  it("never turns a later reading of the standby into a negative lag", () => {
    expect(lag(pair("0/6000")).replay.bytes).toBe(0);
  });

  it("is detached, not zero, when the upstream does not know the standby", () => {
    expect(lag(pair("0/5000", { sender: null })).attachment).toBe("detached");
    expect(lag(pair("0/5000")).attachment).toBe("attached");
  });

  it("still tells the bytes of a standby that is not connected", () => {
    expect(lag(pair("0/4000", { sender: null })).replay).toEqual({ bytes: 0x1000, time: null });
  });

  it("tells nothing where the upstream does not answer", () => {
    expect(lag(pair("0/4000").unreachable("pg1"))).toMatchObject({
      attachment: "upstream-unseen",
      replay: { bytes: null, time: null },
    });
  });

  it("has an entry for a standby that is down, with its slot's WAL", () => {
    expect(lag(pair("0/4000").down("pg2"))).toMatchObject({
      attachment: "detached",
      slot: { retainedBytes: 0x1000 },
    });
  });

  it("has an entry for every node of the file but the primary, whatever became of it", () => {
    const world = pair("0/5000")
      .primary("pg3", "0/5000", { timeline: 2, forks: ["0/4000"] })
      .standby("pg4", "0/5000")
      .absent("pg4")
      .standby("pg5", "0/5000")
      .paused("pg5");
    const { spec, authority, observation } = world.build();
    const names = (record: typeof authority | null): string[] =>
      standbyLags(spec, record, observation).map((one) => one.node);
    expect(names(authority)).toEqual(["pg2", "pg3", "pg4", "pg5"]);
    expect(lag(world, "pg3")).toMatchObject({ upstream: "pg1", attachment: "detached", replayed: null });
    expect(names(null)).toEqual(["pg1", "pg2", "pg3", "pg4", "pg5"]);
  });

  it("measures a cascaded standby by its upstream's received position", () => {
    const world = pair("0/4800").standby("pg3", "0/4000", { upstream: "pg2" });
    expect(lag(world, "pg3")).toMatchObject({ upstream: "pg2", flush: { bytes: 0x800 } });
  });

  it("knows a standby of a stranger from one of ours", () => {
    const { spec, authority, observation } = pair("0/4000").build();
    const pg2 = observation.nodes["pg2"];
    if (pg2?.kind !== "standby") throw new Error("it is a standby");
    const receiver = { streaming: true, host: "elsewhere", port: 5432 };
    const nodes = { ...observation.nodes, pg2: { ...pg2, receiver } };
    expect(standbyLags(spec, authority, { ...observation, nodes })[0]).toMatchObject({
      upstream: null,
      attachment: "no-upstream",
    });
  });
});
