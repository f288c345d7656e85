// Builds the PostgreSQL images that the Docker tests use, from Debian's packages and without a registry. The engine
// keeps them between runs; each carries a hash of its recipe, so that a changed recipe builds it anew.
// Where debootstrap cannot run (no root, no Debian), the official images are pulled in their place.
import { createHash } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { commandExists, run, say } from "./command.ts";
import { canInstallPackages, installPackages } from "./debian-packages.ts";

const repository = "pgrep-kit-test/postgres";
const recipeLabel = "pgrep-kit-test.recipe";
const buildDeadlineMs = 900_000;
const lockDeadlineMs = 1_200_000;

interface BaseImage {
  readonly tag: string;
  readonly major: number;
  /** The Debian release that has this major version. */
  readonly suite: string;
}

interface VariantImage {
  readonly tag: string;
  readonly base: BaseImage;
  readonly script: string;
  readonly dataDirectory: string;
  readonly volume: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The official image to pull where none can be built. */
  readonly official: string;
}

const postgres15: BaseImage = { tag: "15", major: 15, suite: "bookworm" };
const postgres17: BaseImage = { tag: "17", major: 17, suite: "trixie" };
const postgres18: BaseImage = { tag: "18", major: 18, suite: "forky" };

// The longest build first: two run at a time.
const baseImages = [postgres17, postgres18, postgres15];

const variantImages: readonly VariantImage[] = [
  {
    tag: "17-busybox",
    base: postgres17,
    script: "image-busybox.sh",
    dataDirectory: "/var/lib/postgresql/data",
    volume: "/var/lib/postgresql/data",
    environment: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "en_US.utf8" },
    official: "postgres:17-alpine",
  },
  {
    tag: "17-official",
    base: postgres17,
    script: "image-official.sh",
    dataDirectory: "/var/lib/postgresql/data",
    volume: "/var/lib/postgresql/data",
    environment: { LANG: "en_US.utf8" },
    official: "postgres:17",
  },
  {
    // From 18 on the data directory is below the volume, in a folder of its major version.
    tag: "18-official",
    base: postgres18,
    script: "image-official.sh",
    dataDirectory: "/var/lib/postgresql/18/docker",
    volume: "/var/lib/postgresql",
    environment: { LANG: "en_US.utf8" },
    official: "postgres:18",
  },
];

export function testImage(tag: string): string {
  return `${repository}:${tag}`;
}

/** Returns undefined when every image is there and up to date, or else the reason why not. */
export async function ensureImages(): Promise<string | undefined> {
  if ((await outdatedTags()).length === 0) return undefined;
  const release = await acquireLock();
  if (release === undefined) return "another run has been building test images for too long";
  try {
    const outdated = new Set(await outdatedTags());
    if (outdated.size === 0) return undefined;
    say(`test images to build: ${[...outdated].map(testImage).join(", ")} (once; the engine keeps them)`);
    return (await canInstallPackages()) ? await buildImages(outdated) : await pullImages(outdated);
  } finally {
    release();
  }
}

async function buildImages(outdated: ReadonlySet<string>): Promise<string | undefined> {
  const missing: string[] = [];
  if (!(await commandExists("debootstrap"))) missing.push("debootstrap");
  if (!existsSync("/usr/share/keyrings/debian-archive-keyring.gpg")) missing.push("debian-archive-keyring");
  const failure = missing.length > 0 ? await installPackages(missing) : undefined;
  if (failure !== undefined) return failure;

  const mirror = await debianMirror();
  const bases = baseImages.filter((image) => outdated.has(image.tag));
  const baseFailures = await eachOfTwoAtATime(bases, (image) => buildBase(image, mirror));
  if (baseFailures.length > 0) return baseFailures.join("; ");
  const variants = variantImages.filter((image) => outdated.has(image.tag));
  const variantFailures = await eachOfTwoAtATime(variants, buildVariant);
  // Images that lost their tag to a newer recipe; those that a container still uses stay.
  await run("docker", ["image", "prune", "--force", `--filter=label=${recipeLabel}`], { timeoutMs: 120_000 });
  return variantFailures.length > 0 ? variantFailures.join("; ") : undefined;
}

async function buildBase(image: BaseImage, mirror: string | undefined): Promise<string | undefined> {
  const startedAt = Date.now();
  const script = scriptPath("image-base.sh");
  const args = [script, `${image.major}`, image.suite, testImage(image.tag), baseRecipe(image)];
  if (mirror !== undefined) args.push(mirror);
  // Once more if it fails: it is some hundred downloads.
  const firstTry = await run("sh", args, { timeoutMs: buildDeadlineMs });
  const built = firstTry.ok ? firstTry : await run("sh", args, { timeoutMs: buildDeadlineMs });
  if (!built.ok) return `${testImage(image.tag)} could not be built: ${built.reason}`;
  sayBuilt(image.tag, startedAt);
  return undefined;
}

async function buildVariant(image: VariantImage): Promise<string | undefined> {
  const startedAt = Date.now();
  const script = readFileSync(scriptPath(image.script), "utf8");
  const environment = { ...image.environment, PGDATA: image.dataDirectory };
  const created = await run("docker", [
    "create",
    "--stop-signal=SIGINT",
    "--user=root",
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
    testImage(image.base.tag),
    "sh",
    "-c",
    script,
    "sh",
    image.dataDirectory,
  ]);
  if (!created.ok) return `${testImage(image.tag)} could not be built: ${created.reason}`;
  const container = created.stdout;
  try {
    const changed = await run("docker", ["start", "--attach", container], { timeoutMs: 120_000 });
    if (!changed.ok) return `${testImage(image.tag)} could not be built: ${changed.reason}`;
    const changes = [
      `VOLUME ${image.volume}`,
      `ENTRYPOINT ["docker-entrypoint.sh"]`,
      `CMD ["postgres"]`,
      "USER root",
      `LABEL ${recipeLabel}=${variantRecipe(image)}`,
    ];
    const flags = changes.map((change) => `--change=${change}`);
    const committed = await run("docker", ["commit", ...flags, container, testImage(image.tag)], {
      timeoutMs: 120_000,
    });
    if (!committed.ok) return `${testImage(image.tag)} could not be built: ${committed.reason}`;
    sayBuilt(image.tag, startedAt);
    return undefined;
  } finally {
    await run("docker", ["rm", "--force", "--volumes", container]);
  }
}

async function pullImages(outdated: ReadonlySet<string>): Promise<string | undefined> {
  const sources = [
    ...baseImages.map((image) => ({ tag: image.tag, official: `postgres:${image.major}` })),
    ...variantImages,
  ].filter((image) => outdated.has(image.tag));
  for (const { tag, official } of sources) {
    const pulled = await run("docker", ["pull", "--quiet", official], { timeoutMs: buildDeadlineMs });
    if (!pulled.ok) {
      return `test images need debootstrap (as root on Debian or Ubuntu) or a registry: ${pulled.reason}`;
    }
    await run("docker", ["tag", official, testImage(tag)]);
  }
  return undefined;
}

async function outdatedTags(): Promise<string[]> {
  const buildable = await canInstallPackages();
  const expected = [
    ...baseImages.map((image) => ({ tag: image.tag, recipe: baseRecipe(image) })),
    ...variantImages.map((image) => ({ tag: image.tag, recipe: variantRecipe(image) })),
  ];
  const format = `{{index .Config.Labels "${recipeLabel}"}}`;
  const outdated = await Promise.all(
    expected.map(async ({ tag, recipe }) => {
      const seen = await run("docker", ["image", "inspect", `--format=${format}`, testImage(tag)]);
      // A pulled image carries no recipe, and is as good as it gets where none can be built.
      return seen.ok && (!buildable || seen.stdout === recipe) ? [] : [tag];
    }),
  );
  return outdated.flat();
}

function baseRecipe(image: BaseImage): string {
  return hash([readFileSync(scriptPath("image-base.sh"), "utf8"), image]);
}

function variantRecipe(image: VariantImage): string {
  return hash([readFileSync(scriptPath(image.script), "utf8"), image, baseRecipe(image.base)]);
}

function hash(recipe: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
}

/** The mirror that this machine's own apt uses for Debian; undefined leaves the choice to debootstrap. */
async function debianMirror(): Promise<string | undefined> {
  const format = "--format=$(ORIGIN) $(LABEL) $(REPO_URI)";
  const targets = await run("apt-get", ["indextargets", format, "Created-By: Packages"]);
  return /^Debian Debian (\S+)/m.exec(targets.stdout)?.[1];
}

async function eachOfTwoAtATime<T>(
  items: readonly T[],
  build: (item: T) => Promise<string | undefined>,
): Promise<string[]> {
  const waiting = [...items];
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      const failure = await build(item);
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all([worker(), worker()]);
  return failures;
}

/** One builder at a time on this machine; a lock whose owner is gone is taken over. */
async function acquireLock(): Promise<(() => void) | undefined> {
  const lock = join(tmpdir(), "pgrep-kit-test-images.lock");
  const claim = `${lock}.${process.pid}`;
  writeFileSync(claim, `${process.pid}`);
  const deadline = Date.now() + lockDeadlineMs;
  let told = false;
  try {
    while (Date.now() < deadline) {
      if (!isOwnerAlive(lock)) rmSync(lock, { force: true });
      try {
        linkSync(claim, lock);
        return () => rmSync(lock, { force: true });
      } catch {
        if (!told) say("waiting for another run to finish building the test images");
        told = true;
        await delay(250);
      }
    }
    return undefined;
  } finally {
    rmSync(claim, { force: true });
  }
}

function isOwnerAlive(ownerFile: string): boolean {
  try {
    process.kill(Number(readFileSync(ownerFile, "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}

function scriptPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function sayBuilt(tag: string, startedAt: number): void {
  say(`built ${testImage(tag)} in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
}
