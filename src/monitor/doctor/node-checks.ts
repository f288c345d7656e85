/** Checks of what the nodes stand on: image, disk, ports, and things of the same name that are somebody else's. */
import { formatBytes } from "../../core/diagnose/units.ts";
import { listed } from "../../core/listed.ts";
import { type Check, bad, good, judged, onCluster, problem, unseen, unseenServers } from "./check.ts";
import { type ClusterFacts, type DoctorFacts, serversOf } from "./facts.ts";
import { TIGHT_BYTES, roomProblem } from "./machine-checks.ts";

const MB = 1024 * 1024;

export const NODE_CHECKS: readonly Check[] = [
  { id: "image", group: "Nodes", title: "Image", run: image },
  { id: "foreign-things", group: "Nodes", title: "Names", run: foreignThings },
  { id: "servers", group: "Nodes", title: "Servers", run: onCluster(servers) },
  { id: "node-disk", group: "Nodes", title: "Disk of the nodes", run: onCluster(nodeDisk) },
  { id: "node-ports", group: "Nodes", title: "Ports", run: onCluster(nodePorts) },
];

function image({ cluster }: DoctorFacts) {
  if (cluster === null || cluster.image === null) return null;
  if (!cluster.host.seen) return unseen("the engine does not answer");
  const { source, major } = cluster.host.value;
  if (source !== cluster.image) {
    const running = serversOf(cluster).length > 0;
    const text = `the image ${cluster.image} is not on this machine`;
    const remedy = {
      advice: "pgrep-kit up pulls it where it can. By hand, or name another one under image: in the file:",
      command: `docker pull ${cluster.image}`,
    };
    // A container needs its image no more; only the next one does.
    return running ? bad("warning", `${text} any more`, remedy) : bad("warning", text, remedy);
  }
  if (major !== null && major !== cluster.spec.postgres) {
    const text = `the image ${source} holds PostgreSQL ${major}, the file says ${cluster.spec.postgres}`;
    return bad("fail", text, `Write postgres: ${major} into the file, or name another image.`);
  }
  return good(`${source} is present`);
}

function foreignThings({ cluster }: DoctorFacts) {
  if (cluster === null || cluster.spec.runtime !== "docker") return null;
  if (!cluster.host.seen) return unseen("the engine does not answer");
  const { inTheWay } = cluster;
  if (inTheWay === null) return good("no volume of another cluster is in the way");
  return bad("fail", inTheWay.message, inTheWay.hint ?? inTheWay.detail ?? "Give this cluster another name.");
}

function servers(cluster: ClusterFacts) {
  const { spec, made } = cluster;
  if (made === null) return null;
  const resting = made.diagnosis.verdict === "stopped" || made.diagnosis.verdict === "empty";
  if (resting) {
    const text = made.diagnosis.verdict === "stopped" ? "the cluster is shut down" : "no node has data yet";
    return bad("warning", text, { command: "pgrep-kit up" });
  }
  const running = spec.nodes.filter(({ name }) => {
    const kind = made.observation.nodes[name]?.kind;
    return kind === "primary" || kind === "standby";
  });
  // A server that answers one question and not the other is no sound one, and nothing was learnt of it.
  const mute = running.filter(({ name }) => made.health[name] === undefined).map(({ name }) => name);
  const problems = mute.map((name) =>
    problem("warning", name, `${name} runs, but did not answer in time`, {
      command: `pgrep-kit logs ${name}`,
    }),
  );
  const down = unseenServers(cluster);
  const all = listed(running.map(({ name }) => name));
  return { problems, good: `${all} ${running.length === 1 ? "answers" : "answer"}`, unseen: down };
}

function nodeDisk(cluster: ClusterFacts) {
  const { spec, made } = cluster;
  if (made === null) return null;
  const known = spec.nodes.flatMap(({ name }) => {
    const free = made.freeBytes[name];
    return typeof free === "number" ? [{ name, free }] : [];
  });
  const blind = spec.nodes.map(({ name }) => name).filter((name) => !known.some((one) => one.name === name));
  const problems = known.flatMap(({ name, free }) => {
    const health = made.health[name];
    const keepMb = Number(health?.settings["max_slot_wal_keep_size"] ?? -1);
    // Slots may keep that much before they give up, and then there must still be room.
    const limit = keepMb > 0 && (health?.slots.length ?? 0) > 0 ? keepMb * MB + TIGHT_BYTES / 4 : TIGHT_BYTES;
    return roomProblem(name, `the place of ${name}'s data`, free, limit);
  });
  const least = Math.min(...known.map(({ free }) => free));
  const text = known.length === 0 ? "" : `${formatBytes(least)} free where it is least`;
  const why = blind.length === 0 ? null : `it cannot be told for ${listed(blind)} while no server runs there`;
  return { problems, good: text, unseen: why };
}

function nodePorts({ made }: ClusterFacts) {
  if (made === null) return null;
  const problems = made.takenPorts.map(({ node, port }) => {
    const remedy = {
      advice: `Find the program (lsof -i :${port} does it as well) and end it; then pgrep-kit up.`,
      command: `ss -ltnp 'sport = :${port}'`,
    };
    return problem(
      "fail",
      node,
      `port ${port} of ${node}, which is down, is held by another program`,
      remedy,
    );
  });
  return judged(problems, "no port of a node is held by another program");
}
