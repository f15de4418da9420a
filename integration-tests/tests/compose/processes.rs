//! The services of the Compose file as processes of this machine: with other addresses, and all else as the file has it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use berth_integration_tests::{Role, berth};
use berth_test_servers::process::{Reaper, kill_group, spawn_group};
use berth_test_servers::{Postgres, eventually, port};
use serde_json::Value;

use super::Copy;

const LIMIT: Duration = Duration::from_secs(120);

/// Stands for the client of an engine that isn't here: runs the service `cli` by its settings, and starts nothing.
const DOCKER: &str = "#!/bin/sh
case \"$*\" in
'compose run --rm -T cli '*) shift 5; exec berth \"$@\" ;;
'compose up -d --build --wait agent') exit 0 ;;
esac
echo \"what is docker $*?\" >&2; exit 1
";

#[test]
fn its_services_run_with_what_its_set_up_made_and_a_run_succeeds() {
    let copy = Copy::new();
    assert!(copy.setup("redis").status.success());
    let world = World::new(&copy);

    let migrate = world.command("migrate").output().unwrap();
    assert!(migrate.status.success(), "{}", String::from_utf8_lossy(&migrate.stderr));
    let _control_plane = [world.start("api"), world.start("scheduler")];
    world.make_agent(&copy);
    let _agent = world.start("agent");

    world.cli(&["projects", "create", "default"]);
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart.yaml");
    let told = world.cli(&["run", "-f", quickstart.to_str().unwrap(), "--follow"]);
    assert!(told.contains("step 5 of 5"), "{told}");
}

/// The file, and where on this machine things are that it names.
struct World {
    services: Value,
    folder: tempfile::TempDir,
    /// What stands for what the file says: addresses, and folders of containers.
    stand_ins: BTreeMap<String, String>,
    _database: Postgres,
    _redis: Redis,
}

impl World {
    fn new(copy: &Copy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let services = copy.load(Some("redis,agent,cli")).unwrap()["services"].clone();
        let secrets = copy.compose().join("secrets");
        let (database, redis) = (Postgres::start(), Redis::start(folder.path(), &secrets));
        // The servers' addresses: those of other containers.
        let replace = |name: &str, change: &dyn Fn(&str) -> String| {
            let path = secrets.join(name);
            let text = change(&std::fs::read_to_string(&path).unwrap());
            std::fs::write(&path, text).unwrap();
        };
        replace("database-url", &|_| database.create_database("berth"));
        replace("broker-url", &|url| url.replace("@redis/", &format!("@127.0.0.1:{}/", redis.port)));
        let mut stand_ins = BTreeMap::from([
            ("/run/secrets".to_owned(), secrets.display().to_string()),
            ("/var/lib/berth".to_owned(), folder.path().join("data").display().to_string()),
        ]);
        let api = format!("127.0.0.1:{}", port::free());
        stand_ins.insert("api:8000".to_owned(), api.clone());
        stand_ins.insert("0.0.0.0:8000".to_owned(), api);
        for listens in ["0.0.0.0:8001", "0.0.0.0:8002", "0.0.0.0:8003"] {
            stand_ins.insert(listens.to_owned(), format!("127.0.0.1:{}", port::free()));
        }
        Self { services, folder, stand_ins, _database: database, _redis: redis }
    }

    fn settings(&self, service: &str) -> Vec<(String, String)> {
        let environment = self.services[service]["environment"].as_object().unwrap();
        let stand_in = |value: &str| {
            self.stand_ins.iter().fold(value.to_owned(), |text, (said, meant)| text.replace(said, meant))
        };
        let mut settings: Vec<(String, String)> = environment
            .iter()
            .map(|(variable, value)| (variable.clone(), stand_in(value.as_str().unwrap())))
            .collect();
        settings.push(("HOME".to_owned(), self.folder.path().display().to_string()));
        settings
    }

    fn arguments(&self, service: &str) -> Vec<String> {
        let command = self.services[service]["command"].as_array().unwrap();
        command.iter().map(|part| part.as_str().unwrap().to_owned()).collect()
    }

    fn command(&self, service: &str) -> Command {
        let mut command = Command::new(berth());
        command.args(self.arguments(service)).env_clear().envs(self.settings(service));
        command
    }

    /// Starts a service, and waits until its own health check says that it is well.
    fn start(&self, service: &str) -> Role {
        let settings = self.settings(service);
        let settings: Vec<(&str, String)> =
            settings.iter().map(|(variable, value)| (variable.as_str(), value.clone())).collect();
        let arguments = self.arguments(service);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let role = Role::start(self.folder.path(), service, &arguments, &settings);
        let test: Vec<&str> = self.services[service]["healthcheck"]["test"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_str().unwrap())
            .collect();
        assert_eq!(test[..2], ["CMD", "/berth"], "{service}");
        let check = || {
            Command::new(berth()).args(&test[2..]).env_clear().envs(self.settings(service)).output().unwrap()
        };
        let is_well = eventually(LIMIT, || check().status.success());
        assert!(is_well, "{service}: {}", String::from_utf8_lossy(&check().stderr));
        role
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let mut cli = Command::new(berth());
        let output = cli.args(arguments).env_clear().envs(self.settings("cli")).output().unwrap();
        let (text, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {text} {error}");
        text.into_owned()
    }

    /// Has agent.sh make the agent and keep its URL.
    fn make_agent(&self, copy: &Copy) {
        let programs = self.folder.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        let docker = programs.join("docker");
        std::fs::write(&docker, DOCKER).unwrap();
        std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(berth(), programs.join("berth")).unwrap();
        let mut script = Command::new(copy.compose().join("agent.sh"));
        script.env_clear().envs(self.settings("cli"));
        script.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        let output = script.output().unwrap();
        assert!(output.status.success(), "agent.sh: {}", String::from_utf8_lossy(&output.stderr));
        let url = std::fs::read_to_string(copy.compose().join("secrets/agent-broker-url")).unwrap();
        assert!(url.starts_with("redis://berth-local:"), "credentials of its own: {url}");
        let env = std::fs::read_to_string(copy.compose().join(".env")).unwrap();
        assert!(env.contains("COMPOSE_PROFILES=redis,agent"), "it comes up with the rest from now on: {env}");
    }
}

/// Redis, by the file that the set-up made.
struct Redis {
    port: u16,
    server: Child,
    _reaper: Reaper,
}

impl Redis {
    fn start(folder: &Path, secrets: &Path) -> Self {
        let port = port::free();
        let config = std::fs::read_to_string(secrets.join("redis.conf")).unwrap();
        let file = folder.join("redis.conf");
        std::fs::write(&file, config.replace("dir /data", &format!("dir {}", folder.display()))).unwrap();
        let mut server = Command::new("redis-server");
        server.arg(&file).args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        let server = spawn_group(&mut server, &folder.join("redis.log"));
        let mut reaper = Reaper::start(&folder.join("redis.reaper"));
        reaper.watch(&[server.id()]);
        Self { port, server, _reaper: reaper }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        kill_group(&mut self.server);
    }
}
