//! The tree of commands and their own arguments. Settings come from the table, by `flags`; acting is `command`'s.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

use crate::flags::{self, Flags};
use crate::settings::Part;

mod many;
mod resources;
mod routing;
mod runs;

pub use many::{DeadAction, Hold, Letters, Manner, Runs};
pub use resources::{
    AboutProject, AgentsAction, Concurrency, Limits, OneName, OnePreset, OneProject, OneQueue, PresetsAction,
    ProjectsAction, QueueLimits, QueuesAction, TokensAction,
};
pub use routing::{OrganizationAction, OrganizationPlaces, ProjectPlaces};
pub use runs::{LogPart, OneRun, OpsAction, Run};

/// Berth: runs containers and processes where they should run, by a queue of their own.
#[derive(Debug, Parser)]
#[command(name = "berth", version, about, arg_required_else_help = true, propagate_version = true)]
pub struct Arguments {
    /// A YAML file with settings [`BERTH_CONFIG`]
    #[arg(long, global = true, value_name = "FILE", help = "A YAML file with settings [BERTH_CONFIG]")]
    pub config: Option<String>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in this process: API, scheduler and a local agent, with no server needed
    Up(Flags<flags::Up>),
    /// Run one replica of the API
    Api(Flags<flags::Api>),
    /// Run one replica of the scheduler
    Scheduler(Flags<flags::Scheduler>),
    /// Run one replica of an agent
    Agent {
        /// Its settings
        #[command(flatten)]
        flags: Flags<flags::Agent>,
        /// End and let go of all that the agent has on its cluster instead, before it is removed; then exit
        #[arg(long)]
        drain: bool,
    },
    /// Own one process of the process executor
    #[command(hide = true)]
    Shim {
        /// The attempt's folder
        dir: PathBuf,
    },
    /// Fetch or collect files in a run's pod
    #[command(hide = true)]
    Transfer {
        /// What to do, as the Kubernetes executor writes it
        task: String,
    },
    /// Submit a polyaxonfile
    Run(ForClient<Run>),
    /// Look at runs and act on them
    Ops(ClientGroup<OpsAction>),
    /// Look at queues and change them
    Queues(ClientGroup<QueuesAction>),
    /// Look at agents and change them
    Agents(ClientGroup<AgentsAction>),
    /// Look after saved presets, which operations and queues name
    Presets(ClientGroup<PresetsAction>),
    /// Look at projects and change them
    Projects(ClientGroup<ProjectsAction>),
    /// Look at where runs go that name no queue, and change it
    Organization(ClientGroup<OrganizationAction>),
    /// Look at access tokens, make and revoke them
    Tokens(ClientGroup<TokensAction>),
    /// Keep a token for a host
    Login(ForClient<Login>),
    /// Look at settings
    Config(ConfigGroup),
    /// Ask a role on this machine whether it can do its work, by its own settings; end with 0 if it can
    Ready {
        /// Which: up, api, scheduler or agent
        #[arg(value_parser = flags::role)]
        role: Part,
    },
    /// Look after the database
    Admin(AdminGroup),
    /// Look after what must exist on the broker
    Broker(BrokerGroup),
    /// Print a completion script
    Completion {
        /// The shell
        shell: Shell,
    },
}

/// Arguments of a command that speaks to a server.
#[derive(Debug, Args)]
pub struct ForClient<T: Args> {
    /// Its settings.
    #[command(flatten)]
    pub settings: Flags<flags::Client>,
    /// Its own arguments.
    #[command(flatten)]
    pub own: T,
}

/// Subcommands that speak to a server.
#[derive(Debug, Args)]
pub struct ClientGroup<T: Subcommand> {
    /// Their settings.
    #[command(flatten)]
    pub settings: Flags<flags::Client>,
    /// What to do.
    #[command(subcommand)]
    pub action: T,
}

/// `berth login`.
#[derive(Debug, Args)]
pub struct Login {
    /// Forget the host instead
    #[arg(long)]
    pub forget: bool,
}

/// `berth config`.
#[derive(Debug, Args)]
pub struct ConfigGroup {
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What `berth config` can do.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print what each setting holds and where from, secrets hidden
    Show {
        /// Whose settings: client, up, api, scheduler, agent, admin or broker
        #[arg(default_value = "client", value_parser = flags::part)]
        part: Part,
        /// How to write it: table, json, yaml or name
        #[arg(short, long, default_value = "table")]
        output: String,
    },
}

/// `berth admin`.
#[derive(Debug, Args)]
pub struct AdminGroup {
    /// The database's settings.
    #[command(flatten)]
    pub settings: Flags<flags::Admin>,
    /// What to do.
    #[command(subcommand)]
    pub action: AdminAction,
}

/// What `berth admin` can do.
#[derive(Debug, Subcommand)]
pub enum AdminAction {
    /// Bring the database's schema up to this release
    Migrate {
        /// Only add to it, so that the release before can go on working meanwhile
        #[arg(long)]
        expand: bool,
    },
    /// Say whether the database can be reached and has this release's schema, and which migrations wait
    Check {
        /// After a restore from a backup: go on without the agents that have not told what they hold
        #[arg(long)]
        accept_restore: bool,
    },
    /// Write an access token with all rights straight into the database and print it
    Token {
        /// What it is called
        #[arg(long, default_value = "admin")]
        name: String,
        /// After how many days it expires; never, if not given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_days: Option<u32>,
    },
    /// Delete what is older than its retention
    Retention,
}

/// `berth broker`.
#[derive(Debug, Args)]
pub struct BrokerGroup {
    /// The broker's settings.
    #[command(flatten)]
    pub settings: Flags<flags::Broker>,
    /// What to do.
    #[command(subcommand)]
    pub action: BrokerAction,
}

/// What `berth broker` can do.
#[derive(Debug, Subcommand)]
pub enum BrokerAction {
    /// Print how the broker differs from what must exist there; changes nothing
    Plan(BrokerFor),
    /// Make what is missing on the broker, and agents' users what they should be
    Apply(BrokerFor),
    /// Print what must exist on the broker, for those who set it up by their own means; passwords are in it as hashes
    Export(Export),
}

/// `berth broker export`.
#[derive(Debug, Args)]
pub struct Export {
    /// In which form
    pub form: ExportForm,
    /// Whose part
    #[command(flatten)]
    pub whose: BrokerFor,
    /// keda: a Prometheus that has the scheduler's metrics, to scale by what could start as well
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
}

/// A form of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportForm {
    /// A definitions file, for `rabbitmqctl import_definitions`
    Rabbitmq,
    /// The lines of a Redis ACL file
    RedisAcl,
    /// KEDA's objects for each agent, as YAML
    Keda,
}

/// Whose part of the broker.
#[derive(Debug, Args)]
pub struct BrokerFor {
    /// An agent, with its queues, beside those in the database: AGENT=QUEUE,QUEUE; repeatable
    #[arg(long = "for", value_name = "AGENT=QUEUE,...")]
    pub agents: Vec<String>,
}

/// A shell that completion is known for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Shell {
    /// GNU Bash
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_are_read_as_they_are_documented() {
        for line in [
            "berth up --listen 127.0.0.1:0 --data-dir d",
            "berth api --database-url postgres://h/d --broker-url amqp://h --listen 0.0.0.0:80",
            "berth scheduler --database-url-file f --broker-url redis://h --metrics-listen 127.0.0.1:1",
            "berth agent --name eu --broker-url redis://h --executor process",
            "berth run -f a.yaml -f b.yaml -p p -q eu/gpu -P lr=0.1 -P x=y --follow -o json",
            "berth run -f a.yaml --dry-run",
            "berth ops ls -o name -p p -q status:running --limit 5",
            "berth ops logs -f 0123456789abcdef0123456789abcdef",
            "berth ops statuses -w 01234567-89ab-cdef-0123-456789abcdef --host http://h",
            "berth queues create eu/gpu --concurrency none --priority -1",
            "berth queues pause gpu --reason x --until 10m",
            "berth queues drain eu/gpu --until 2026-12-01T06:00:00Z",
            "berth agents cordon eu --reason disks --until 2h",
            "berth agents drain eu",
            "berth agents credentials eu --retire -o json",
            "berth broker export keda --broker-url redis://h --for eu=default,gpu --prometheus http://p:9090",
            "berth queues purge eu/gpu --preview",
            "berth queues move gpu eu/gpu -q tags:night --yes",
            "berth ops stop 0123456789abcdef0123456789abcdef",
            "berth ops stop -q queue:gpu,status:queued --yes --reason outage",
            "berth ops move --to eu/gpu -q tags:night --preview",
            "berth ops reprioritize --priority 9 0123456789abcdef0123456789abcdef",
            "berth queues dead ls --reasons -q queue:eu/gpu",
            "berth queues dead replay 0123456789abcdef0123456789abcdef",
            "berth queues dead replay -q reason:poison --preview",
            "berth queues dead drop --all --yes --reason cleaned",
            "berth queues update eu/gpu --defaults gpu.yaml",
            "berth agents cordon eu --off",
            "berth agents update eu --defaults none",
            "berth presets create gpu -f gpu.yaml --tags a,b",
            "berth ops get 0123456789abcdef0123456789abcdef --origins",
            "berth tokens create ci --scopes a,b --expires-days 30",
            "berth login --host http://h --token-file f",
            "berth config show agent -o yaml",
            "berth admin token --database-url postgres://h/d --name root",
            "berth broker plan --broker-url redis://h --for eu=default,gpu",
            "berth completion fish",
            "berth --config f up",
            "berth up --config f",
        ] {
            Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn repeated_labels_are_one_list() {
        let line = "berth up --label a=b --label c=d";
        let Command::Up(flags) = Arguments::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("not up");
        };
        assert_eq!(flags.given["labels"], "a=b,c=d");
    }

    #[test]
    fn bad_flags_are_refused_with_what_is_allowed() {
        for (line, text) in [
            ("berth", "Usage: berth"),
            ("berth launch", "unrecognized subcommand 'launch'"),
            ("berth up --lisen x", "unexpected argument '--lisen' found"),
            ("berth run", "--file <FILE>"),
            ("berth run -f a --dry-run --follow", "cannot be used with"),
            ("berth ops get 12", "`12` is not a UUID: 32 hex digits, with or without dashes"),
            ("berth ops ls --limit 0", "0 is not in 1..=1000"),
            ("berth queues get A/b", "`A` is not a name: use 1 to 63 of a-z, 0-9 and `-`"),
            ("berth queues create a --concurrency lots", "use a whole number, or none"),
            ("berth ops reprioritize -q name:a --priority 10", "10 is not in 0..=9"),
            ("berth ops stop", "required arguments were not provided:\n  <UUID>"),
            ("berth queues dead drop", "required arguments were not provided:\n  <UUID>"),
            ("berth agents create -x", "unexpected argument '-x' found"),
            ("berth tokens create t --expires-days 0", "0 is not in 1..=36500"),
            ("berth config show everything", "use one of: client, up, api, scheduler, agent, admin, broker"),
            ("berth completion tcsh", "[possible values: bash, zsh, fish]"),
        ] {
            let error = Arguments::try_parse_from(line.split(' ')).map(drop).unwrap_err().to_string();
            assert!(error.contains(text), "{line}: {error}");
        }
    }
}
