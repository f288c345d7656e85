// Images of other makes: another sh, and those that bring a volume and an entrypoint of their own, as the official ones do.
import { describe, expect, onTestFinished, test } from "vitest";
import { type TestCluster, startCluster } from "../setup/cluster.ts";
import { testImage } from "../setup/images.ts";
import { docker } from "./docker-cluster.ts";

const VARIANTS = [
  ["17-busybox", 17],
  ["17-official", 17],
  ["18-official", 18],
] as const;

/** `docker inspect` of every container of the cluster. */
async function containers(demo: TestCluster): Promise<Container[]> {
  const ids = await docker("ps", "--all", "--quiet", `--filter=label=pgrep-kit.cluster=${demo.name}`);
  return ids === "" ? [] : (JSON.parse(await docker("inspect", ...ids.split("\n"))) as Container[]);
}

interface Container {
  readonly Config: { readonly Entrypoint: readonly string[] | null; readonly Volumes: object | null };
  readonly Mounts: readonly { readonly Type: string; readonly Name: string; readonly Destination: string }[];
}

const isAnonymous = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

async function exists(volume: string): Promise<boolean> {
  return docker("volume", "inspect", volume).then(
    () => true,
    () => false,
  );
}

describe("an image of the make", () => {
  test.each(VARIANTS)(
    "%s serves like any other, without its entrypoint, and leaves no volume behind",
    async (tag, major) => {
      const own = new Set<string>();
      const anonymous = new Set<string>();
      const demo = await startCluster({
        nodes: 2,
        image: testImage(tag),
        init: ["--postgres", String(major)],
      });
      onTestFinished(() => demo[Symbol.asyncDispose]());
      await demo.ok("mode", "quorum");
      expect(await demo.status()).toMatchObject({ verdict: "healthy", commit: { proof: "proved" } });
      await note(demo, own, anonymous);
      const running = await containers(demo);
      expect(running.length).toBeGreaterThanOrEqual(2);
      for (const { Config } of running) expect(String(Config.Entrypoint)).not.toContain("docker-entrypoint");
      const [directory] = await demo.sql("pg1", "SELECT current_setting('data_directory') AS path");
      for (const { Mounts } of running) {
        // The data is on the node's own volume, whatever the image declares.
        expect(
          Mounts.some(
            (mount) => !isAnonymous(mount.Name) && String(directory?.["path"]).startsWith(mount.Destination),
          ),
        ).toBe(true);
      }
      await demo.ok("down");
      await demo.ok("up");
      await note(demo, own, anonymous);
      expect(await demo.status()).toMatchObject({ verdict: "healthy" });
      await demo[Symbol.asyncDispose]();
      expect(own.size).toBe(2);
      for (const volume of [...own, ...anonymous]) expect(await exists(volume), volume).toBe(false);
    },
  );

  async function note(demo: TestCluster, own: Set<string>, anonymous: Set<string>): Promise<void> {
    for (const { Mounts } of await containers(demo)) {
      for (const { Type, Name } of Mounts)
        if (Type === "volume") (isAnonymous(Name) ? anonymous : own).add(Name);
    }
  }
});
