import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findClusterFile } from "../../src/config/find-cluster-file.ts";

async function tree(): Promise<{ top: string; deep: string }> {
  const top = await realpath(await mkdtemp(join(tmpdir(), "pgrep-kit-test-")));
  onTestFinished(() => rm(top, { recursive: true, force: true }));
  const deep = join(top, "a", "b");
  await mkdir(deep, { recursive: true });
  return { top, deep };
}

test("the cluster file is the nearest one, upwards from the current folder", async () => {
  const { top, deep } = await tree();
  await writeFile(join(top, "pgrep-kit.yaml"), "");
  expect(await findClusterFile({ cwd: deep, env: {} })).toBe(join(top, "pgrep-kit.yaml"));
  await writeFile(join(top, "a", "pgrep-kit.yaml"), "");
  expect(await findClusterFile({ cwd: deep, env: {} })).toBe(join(top, "a", "pgrep-kit.yaml"));
});

test("PGREP_KIT_CLUSTER comes before the folders, and --cluster before both", async () => {
  const { top, deep } = await tree();
  for (const name of ["pgrep-kit.yaml", "env.yaml", "option.yaml"]) await writeFile(join(top, name), "");
  const env = { PGREP_KIT_CLUSTER: "../../env.yaml" };
  expect(await findClusterFile({ cwd: deep, env })).toBe(join(top, "env.yaml"));
  expect(await findClusterFile({ cwd: deep, env, cluster: join(top, "option.yaml") })).toBe(
    join(top, "option.yaml"),
  );
  expect(await findClusterFile({ cwd: deep, env: { PGREP_KIT_CLUSTER: "" } })).toBe(
    join(top, "pgrep-kit.yaml"),
  );
});

test("a missing cluster file is an error that says how to make one", async () => {
  const { deep } = await tree();
  const nowhere = findClusterFile({ cwd: deep, env: {} });
  await expect(nowhere).rejects.toMatchObject({
    code: "cluster-file-missing",
    hint: expect.stringContaining("pgrep-kit init"),
  });
  const named = findClusterFile({ cwd: deep, env: {}, cluster: "other.yaml" });
  await expect(named).rejects.toThrow(`--cluster names ${join(deep, "other.yaml")}`);
});
