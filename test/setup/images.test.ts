import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { testImage } from "./images.ts";

interface ImageConfig {
  readonly Entrypoint: readonly string[] | null;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly Env: readonly string[];
}

function inContainer(tag: string, script: string, user = "root"): string {
  const args = ["run", "--rm", "--init", `--user=${user}`, "--entrypoint=sh", testImage(tag), "-c", script];
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

function configOf(tag: string): ImageConfig {
  const text = execFileSync("docker", ["image", "inspect", testImage(tag)], { encoding: "utf8" });
  return (JSON.parse(text) as { Config: ImageConfig }[])[0]!.Config;
}

describe("the test images", () => {
  test.each([
    ["15", 15],
    ["17", 17],
    ["18", 18],
    ["17-busybox", 17],
    ["17-official", 17],
    ["18-official", 18],
  ])("%s has the server of PostgreSQL %i and its offline tools", (tag, major) => {
    const tools = "postgres initdb pg_basebackup pg_rewind pg_controldata pg_waldump pg_ctl psql pgbench";
    const answer = inContainer(tag, `for t in ${tools}; do $t --version || exit 1; done; id -un postgres`);
    expect(
      answer
        .split("\n")
        .slice(0, -1)
        .every((line) => line.includes(`(PostgreSQL) ${major}`)),
    ).toBe(true);
    expect(answer.endsWith("postgres")).toBe(true);
  });

  test.each(["15", "17", "18", "17-busybox", "17-official", "18-official"])("%s can initdb", (tag) => {
    const initdb = "initdb --pgdata=/tmp/data --no-sync --locale=C --encoding=UTF8 2>&1";
    expect(inContainer(tag, initdb, "postgres")).toContain("Success");
  });

  test("15, 17 and 18 declare neither an entrypoint nor a volume", () => {
    for (const tag of ["15", "17", "18"]) {
      expect(configOf(tag).Entrypoint ?? []).toEqual([]);
      expect(Object.keys(configOf(tag).Volumes ?? {})).toEqual([]);
    }
  });

  test("17-busybox has no other sh, bash, perl or coreutils", () => {
    const answer = inContainer(
      "17-busybox",
      "for t in sh cp sed; do readlink -f $(command -v $t); done; command -v bash perl stdbuf; command -v initdb; id -u postgres",
    );
    expect(answer.split("\n")).toEqual([
      "/usr/bin/busybox",
      "/usr/bin/busybox",
      "/usr/bin/busybox",
      "/usr/local/bin/initdb",
      "70",
    ]);
  });

  test.each([
    ["17-official", "/var/lib/postgresql/data", "/var/lib/postgresql/data"],
    ["18-official", "/var/lib/postgresql", "/var/lib/postgresql/18/docker"],
  ])("%s declares volume, entrypoint and PGDATA as the official image does", (tag, volume, dataDirectory) => {
    const config = configOf(tag);
    expect(Object.keys(config.Volumes ?? {})).toEqual([volume]);
    expect(config.Entrypoint).toEqual(["docker-entrypoint.sh"]);
    expect(config.StopSignal).toBe("SIGINT");
    expect(config.Env).toContain(`PGDATA=${dataDirectory}`);
    expect(inContainer(tag, "id -u postgres")).toBe("999");
  });
});
