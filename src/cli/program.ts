/** The command tree: words, options and help. No logic: each action loads its command when it is called for. */
import { Command, CommanderError, Option } from "commander";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { addOtherWords, oneOf } from "./other-words.ts";
import { EXIT } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Runs the command line and answers the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  let form: unknown;
  const program = build((result) => {
    code = result;
  });
  program.hook("preAction", (_, command) => {
    form = command.opts()["output"];
  });
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    // Help and version were asked for; everything else that commander stops at is a mistake on the command line.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    if (!(error instanceof CommanderError)) await reportFailure(error, form === "json");
    // Monitoring would take the usual code for "critical".
    const lag = program.commands.find((command) => command.name() === "lag");
    if (lag !== undefined && verbOf(argv) === "lag")
      return (await import("./commands/lag.ts")).misused(error, lag.opts());
    if (error instanceof CommanderError) return EXIT.usage;
    return exitCodeOf(error);
  }
}

/** The first word that is neither an option nor the value of one; whether the rest can be read does not matter. */
function verbOf(argv: readonly string[]): string | undefined {
  return argv
    .slice(2)
    .find((word, index, words) => !word.startsWith("-") && words[index - 1] !== "--cluster");
}

type Finish = (code: number) => void;

function build(finish: Finish): Command {
  const program = new Command("pgrep-kit");
  program
    .description("Run PostgreSQL streaming replication so that you can see it, break it and trust it.")
    .version(VERSION, "--version", "print the version")
    .option("--cluster <file>", "the cluster's file; otherwise the nearest pgrep-kit.yaml from here upwards")
    .helpOption("-h, --help", "explain a command")
    .configureHelp({
      subcommandTerm: termOf,
      showGlobalOptions: true,
      // That there is a version is no part of what a command does.
      visibleGlobalOptions: (command) =>
        command === program ? [] : program.options.filter((option) => option.long === "--cluster"),
    })
    .helpCommand(false)
    .showHelpAfterError("(pgrep-kit --help lists the commands)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "error:   ")) })
    .exitOverride();
  examples(program, "pgrep-kit init --nodes 3 --sample ecommerce", "pgrep-kit status --watch");
  // What a person does most comes first.
  program.commandsGroup("Make:");
  addMaking(program, finish);
  program.commandsGroup("Look:");
  addLooking(program, finish);
  program.commandsGroup("Change:");
  addChanging(program, finish);
  program.commandsGroup("Run:");
  addServers(program, finish);
  program.commandsGroup("Reach:");
  addReaching(program, finish);
  for (const command of program.commands)
    command.showHelpAfterError(`(pgrep-kit ${command.name()} --help explains it)`);
  addOtherWords(program);
  return program;
}

function addMaking(program: Command, finish: Finish): void {
  const init = program
    .command("init")
    .summary("make a cluster: its file, a primary and its standbys")
    .description(
      "Writes pgrep-kit.yaml here, makes a primary and its standbys, and waits until every standby streams.",
    )
    .option("--name <name>", "name of the cluster (default: demo)")
    .option("--nodes <number>", "how many nodes, the primary included (default: 3)")
    .addOption(new Option("--runtime <runtime>", "where the nodes live").choices(["docker", "process"]))
    .option("--postgres <major>", "major version of PostgreSQL")
    .option("--image <image>", "image for Docker, in place of postgres:<major>")
    .addOption(modeOption())
    .option("--acks <number>", "how many standbys confirm each commit")
    .addOption(new Option("--sample <sample>", "load sample data").choices(["ecommerce"]))
    .addOption(dryRun())
    .action(async (options, command) =>
      finish(await (await import("./commands/init.ts")).init(options, command.optsWithGlobals())),
    );
  examples(init, "pgrep-kit init", "pgrep-kit init --nodes 3 --mode quorum --sample ecommerce");
  const destroy = program
    .command("destroy")
    .summary("remove the cluster and all its data")
    .description("Removes every node with its data, and the state folder. pgrep-kit.yaml stays.")
    .addOption(yes())
    .addOption(dryRun())
    .action(async (options, command) =>
      finish(await (await import("./commands/destroy.ts")).destroy(options, command.optsWithGlobals())),
    );
  examples(destroy, "pgrep-kit destroy --dry-run", "pgrep-kit destroy --yes");
}

function addServers(program: Command, finish: Finish): void {
  const up = program
    .command("up")
    .summary("bring the cluster to what its file says")
    .description(
      "Makes what is missing, starts what is down, attaches what does not stream, and applies changed settings.",
    )
    .addOption(allowBlocking())
    .addOption(dryRun())
    .action(async (options, command) =>
      finish(await (await import("./commands/up.ts")).up(options, command.optsWithGlobals())),
    );
  examples(up, "pgrep-kit up", "pgrep-kit up --dry-run");
  const down = program
    .command("down")
    .summary("stop every server cleanly; the data stays")
    .description(
      "Stops every server cleanly, the primary first, so that each standby has received everything. The data stays, and pgrep-kit up starts them again.",
    )
    .addOption(dryRun())
    .action(async (options, command) =>
      finish(await (await import("./commands/down.ts")).down(options, command.optsWithGlobals())),
    );
  examples(down, "pgrep-kit down", "pgrep-kit down --dry-run");
  const restart = program
    .command("restart")
    .summary("restart the servers one after another, the primary last")
    .description(
      "Restarts the standbys one by one, each streaming again before the next, then the primary. While the primary is away nobody can write.",
    )
    .argument("[node]", "only this node")
    .addOption(yes())
    .addOption(dryRun())
    .action(async (node, options, command) =>
      finish(await (await import("./commands/restart.ts")).restart(node, options, command.optsWithGlobals())),
    );
  examples(restart, "pgrep-kit restart pg2", "pgrep-kit restart --yes");
}

function addChanging(program: Command, finish: Finish): void {
  const mode: Command = program
    .command("mode")
    .summary("show or change what a commit waits for, on the live cluster")
    .description(
      "Without an argument or option: what commits wait for now. With one: changes it without a restart and without dropping a connection, and proves it. The file is changed as well, and what is not named stays as the file says.",
    )
    .addArgument(
      program
        .createArgument("[mode]", "async, sync (FIRST) or quorum (ANY); otherwise as the file says")
        .argParser((word) => oneOf(mode, "mode", ["async", "sync", "quorum"])(word)),
    )
    .option("--acks <number>", "how many standbys confirm each commit (default: as the file says)")
    .addOption(
      new Option("--commit <level>", "what a standby confirms (default: as the file says)").choices([
        "remote_write",
        "on",
        "remote_apply",
      ]),
    )
    .option(
      "--among <nodes>",
      "the only standbys that may confirm, separated by commas; all: every one (default: as the file says)",
    )
    .addOption(allowBlocking())
    .addOption(dryRun())
    .addOption(output())
    .action(async (wanted, options, command) =>
      finish(await (await import("./commands/mode.ts")).mode(wanted, options, command.optsWithGlobals())),
    );
  examples(mode, "pgrep-kit mode quorum", "pgrep-kit mode sync --acks 2 --commit remote_apply");
  const add = program
    .command("add-standby")
    .summary("add a standby to the file and to the cluster")
    .description(
      "Writes the node into the file, copies it from the primary, and waits until it streams. Nothing else is restarted. Run again, it goes on from where it was interrupted.",
    )
    .argument("<node>", "name of the new node")
    .option("--upstream <node>", "receive from this standby in place of the primary (a cascade)")
    .option("--priority <number>", "the greater one is preferred among equals")
    .option("--delay <duration>", "replay so much later, such as 1h: time to catch a mistake")
    .addOption(dryRun())
    .action(async (node, options, command) =>
      finish(
        await (
          await import("./commands/add-standby.ts")
        ).addStandby(node, options, command.optsWithGlobals()),
      ),
    );
  examples(add, "pgrep-kit add-standby pg4", "pgrep-kit add-standby pg5 --upstream pg2");
  const remove = program
    .command("remove-standby")
    .summary("remove a standby from the file and from the cluster, with its data and its slot")
    .description(
      "Takes the node out of the file and out of what commits wait for, then removes its server, its data and the slot that kept WAL for it. Refused for the primary, and while another node receives from it or the others are too few to confirm commits.",
    )
    .argument("<node>", "the node to remove")
    .addOption(yes())
    .addOption(dryRun())
    .action(async (node, options, command) =>
      finish(
        await (
          await import("./commands/remove-standby.ts")
        ).removeStandby(node, options, command.optsWithGlobals()),
      ),
    );
  examples(remove, "pgrep-kit remove-standby pg4 --dry-run", "pgrep-kit remove-standby pg4 --yes");
}

function addLooking(program: Command, finish: Finish): void {
  const status = program
    .command("status")
    .summary("nodes, roles, positions, lag, slots, and what a failover would lose now")
    .description(
      "Looks at every node and prints where it stands, then a verdict, what a failover would lose now, and what to do next. Changes nothing. Exit code 0 when healthy, 1 when not.",
    )
    .option("-w, --watch", "look again and again")
    .addOption(interval())
    .addOption(output())
    .action(async (options, command) =>
      finish(await (await import("./commands/status.ts")).status(options, command.optsWithGlobals())),
    );
  examples(status, "pgrep-kit status --watch", "pgrep-kit status -o json");
  const lag = program
    .command("lag")
    .summary("how far each standby is behind, in bytes and in time; exit codes for monitoring")
    .description("Exit code 0 OK, 1 warning, 2 critical, 3 unknown, as Nagios and its like expect.")
    .option("-w, --watch", "look again and again; a line of JSON each time when piped")
    .option("--warn <threshold>", "bytes, a time, or both: 16MB, 1s, 16MB,1s")
    .option("--crit <threshold>", "likewise")
    .addOption(interval())
    .addOption(output())
    .action(async (options, command) =>
      finish(await (await import("./commands/lag.ts")).lag(options, command.optsWithGlobals())),
    );
  examples(lag, "pgrep-kit lag --watch", "pgrep-kit lag --warn 16MB,1s --crit 256MB,60s");
  const doctor = program
    .command("doctor")
    .summary("check the machine and the cluster; each finding comes with its remedy")
    .description(
      "Checks this machine and, where there is one, the cluster: engine, versions, disks, ports, settings, slots, passwords. Changes nothing. Exit code 1 when a check failed; warnings alone leave it 0.",
    )
    .addOption(output())
    .action(async (options, command) =>
      finish(await (await import("./commands/doctor.ts")).doctor(options, command.optsWithGlobals())),
    );
  examples(doctor, "pgrep-kit doctor", "pgrep-kit doctor -o json");
  const history = program
    .command("history")
    .summary("what was asked, seen, decided and done")
    .description(
      "Prints the journal of the commands that changed something: what was asked, what was seen, what was decided on it, each step and how it ended.",
    )
    .option("-n, --last <number>", "only so many of the newest commands", "10")
    .addOption(output())
    .action(async (options, command) =>
      finish(await (await import("./commands/history.ts")).history(options, command.optsWithGlobals())),
    );
  examples(history, "pgrep-kit history", "pgrep-kit history --last 1 -o json");
}

function addReaching(program: Command, finish: Finish): void {
  const uri = program
    .command("uri")
    .summary("print a complete connection URI, password included")
    .description(
      "Prints a connection URI for an application, of the primary unless said otherwise. The password is in it: that is what it is for, so keep it out of logs.",
    )
    .addOption(nodeOption())
    .addOption(roleOption())
    .option("--admin", "as superuser, in place of the application's role")
    .action(async (options, command) =>
      finish(await (await import("./commands/uri.ts")).uri(options, command.optsWithGlobals())),
    );
  examples(uri, 'DATABASE_URL="$(pgrep-kit uri)" npm start', "pgrep-kit uri --role standby");
  const psql = program
    .command("psql")
    .summary("open psql as superuser, on the primary unless said otherwise")
    .description("Opens psql as superuser. Everything after -- goes to psql; so do -c and -f.")
    .addOption(nodeOption())
    .addOption(roleOption())
    .argument("[arguments...]", "for psql itself")
    .allowUnknownOption()
    .action(async (rest, options, command) =>
      finish(await (await import("./commands/psql.ts")).psql(rest, options, command.optsWithGlobals())),
    );
  examples(psql, "pgrep-kit psql -c 'select * from pg_stat_replication'", "pgrep-kit psql --node pg3");
  const logs = program
    .command("logs")
    .summary("the log of a node's server")
    .description("Prints the newest lines of what a node's PostgreSQL has logged, whether it runs or not.")
    .argument("<node>", "whose log")
    .option("-f, --follow", "go on as it grows")
    .option("-n, --lines <number>", "only so many of the newest lines", "100")
    .action(async (node, options, command) =>
      finish(await (await import("./commands/logs.ts")).logs(node, options, command.optsWithGlobals())),
    );
  examples(logs, "pgrep-kit logs pg1 --follow", "pgrep-kit logs pg2 -n 20");
}

/** A command's name and arguments; that it has options goes without saying. */
function termOf(command: Command): string {
  const names = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [command.name(), ...names].join(" ");
}

function examples(command: Command, first: string, second: string): void {
  command.addHelpText("after", `\nExamples:\n  $ ${first}\n  $ ${second}`);
}

const dryRun = (): Option => new Option("--dry-run", "show what would be done, and change nothing");
const yes = (): Option => new Option("-y, --yes", "do not ask");
const output = (): Option =>
  new Option("-o, --output <form>", "form of the output").choices(["table", "json", "yaml"]).default("table");
const interval = (): Option =>
  new Option("--interval <seconds>", "pause between two looks, with --watch").default("1");
const nodeOption = (): Option => new Option("--node <node>", "this node").conflicts("role");
const roleOption = (): Option =>
  new Option("--role <role>", "a node of this role").choices(["primary", "standby"]);
const modeOption = (): Option =>
  new Option("--mode <mode>", "what a commit waits for").choices(["async", "sync", "quorum"]);
const allowBlocking = (): Option =>
  new Option("--allow-blocking", "even if no standby could confirm, so that every commit would wait");
