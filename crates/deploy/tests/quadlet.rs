//! Quadlet units, as podman's own generator makes services of them.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{deployment, images, rich, shown, write};
use insta::assert_snapshot;
use longshore_deploy::quadlet::{quadlet, secret_name};
use longshore_stack::model::{HealthCheck, ServiceSpec, Stack, Text};
use longshore_testkit::Tool;

#[test]
fn everything_has_its_place() {
    let (stack, images) = (rich(), images());
    let rendered = quadlet(&deployment(&stack, &images)).unwrap();
    assert_snapshot!(shown(&rendered));
}

/// The services that the generator makes of the units in `folder`: names and texts.
fn generate(folder: &Path) -> BTreeMap<String, String> {
    let text = Tool::kept("quadlet").env("QUADLET_UNIT_DIRS", folder).args(["-dryrun", "-user"]).run();
    let mut all = BTreeMap::new();
    let mut parts = text.split("---");
    parts.next();
    while let (Some(name), Some(unit)) = (parts.next(), parts.next()) {
        all.insert(name.to_owned(), unit.to_owned());
    }
    all
}

/// What systemd runs for a command of a unit: words without quotes and escapes, specifiers and variables resolved
/// (`systemd.service(5)`, "Command lines"). Unknown ones and lone `;` are no text of ours.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = command.chars().peekable();
    while let Some(first) = chars.by_ref().find(|c| !c.is_whitespace()) {
        let (mut word, mut quote, mut next) = (String::new(), None, Some(first));
        while let Some(c) = next {
            match (c, quote) {
                (c, None) if c.is_whitespace() => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(q)) if c == q => quote = None,
                ('\\', _) => word.push(match chars.next().unwrap() {
                    'n' => '\n',
                    't' => '\t',
                    c @ ('\\' | '"') => c,
                    other => panic!("\\{other} in {command}"),
                }),
                ('%', _) => match chars.next().unwrap() {
                    '%' => word.push('%'),
                    known @ ('t' | 'N' | 'n') => word.extend(['<', known, '>']),
                    other => panic!("%{other} in {command}"),
                },
                ('$', _) => {
                    assert_eq!(chars.next(), Some('$'), "a variable in {command}");
                    word.push('$');
                }
                (c, _) => word.push(c),
            }
            next = chars.next();
        }
        words.push(word);
    }
    words
}

fn start(unit: &str) -> Vec<String> {
    words(unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap())
}

fn generated(stack: &Stack) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().unwrap();
    write(&quadlet(&deployment(stack, &images())).unwrap(), folder.path());
    let units = generate(folder.path());
    (folder, units)
}

/// The values of an option in a command, each as a word of its own.
fn values<'a>(command: &'a [String], option: &str) -> Vec<&'a str> {
    let pairs = command.windows(2).filter(|pair| pair[0] == option);
    pairs.map(|pair| pair[1].as_str()).collect()
}

/// Every text comes out of the generator and systemd's reading as it was meant.
#[test]
fn podman_gets_what_was_meant() {
    let stack = rich();
    let (folder, units) = generated(&stack);
    for (name, spec) in &stack.services {
        let command = start(&units[&format!("shop.eu-{name}.service")]);
        let texts = |words: &[Text]| words.iter().map(Text::in_containers).collect::<Vec<_>>();
        let env: Vec<String> =
            spec.env.iter().map(|(name, text)| format!("{name}={}", text.in_containers())).collect();
        assert_eq!(values(&command, "--env"), env, "{name}");
        let own = spec.command.as_deref().map(texts).unwrap_or_default();
        let image = images()[&spec.image].to_string();
        let at = command.iter().position(|word| *word == image).unwrap();
        assert_eq!(command[at + 1..], own, "{name}");
        check_health(name, spec, &command);
        let user = format!("{}:{}", spec.user.uid, spec.user.gid);
        assert_eq!(values(&command, "--user"), [user]);
        for fixed in ["--read-only", "--security-opt=no-new-privileges"] {
            assert!(command.iter().any(|word| word == fixed), "{name}: no {fixed} in {command:?}");
        }
        assert_eq!(values(&command, "--cap-drop"), ["all"]);
    }
    let api = start(&units["shop.eu-api.service"]);
    let place = folder.path().join("config/api/etc/api/config.yaml");
    assert!(place.is_file());
    let mounts = values(&api, "-v");
    assert!(mounts.contains(&&*format!("{}:/etc/api/config.yaml:ro,Z", place.display())), "{mounts:?}");
    assert!(mounts.contains(&"shop.eu_api_data:/var/lib/api"), "{mounts:?}");
    assert_eq!(values(&api, "--publish"), ["[::1]:19090:9090/tcp", "127.0.0.1:18080:8080/tcp"]);
    assert_eq!(values(&api, "--network"), ["shop.eu"]);
    assert_eq!(values(&api, "--network-alias"), ["api"]);
    assert_eq!(values(&api, "--secret").len(), 2);
    assert_eq!(secret_name("shop.eu", "db_password"), "shop.eu_db_password");
}

/// As podman reads `--health-cmd`: an array of JSON with several words, or words after `CMD`.
fn check_health(name: &str, spec: &ServiceSpec, command: &[String]) {
    let given = values(command, "--health-cmd");
    let Some(health) = &spec.health else { return assert!(given.is_empty(), "{name}: {given:?}") };
    let words: Vec<String> = match given[0].strip_prefix("CMD ") {
        Some(words) => words.split_whitespace().map(str::to_owned).collect(),
        None => serde_json::from_str::<Vec<String>>(given[0]).unwrap(),
    };
    assert!(given[0].starts_with("CMD ") || words.len() > 1, "{name}: podman would run {words:?} in a shell");
    match &health.check {
        HealthCheck::Exec { command } => {
            assert_eq!(words, command.iter().map(Text::in_containers).collect::<Vec<_>>());
        }
        _ => assert_eq!(words[0], "/usr/libexec/longshore-probe"),
    }
    assert!(command.iter().any(|word| word == "--sdnotify=healthy"), "{name}");
}

/// systemd starts things in the order of their needs, and jobs end.
#[test]
fn systemd_knows_the_order() {
    let (_folder, units) = generated(&rich());
    let has = |unit: &str, line: &str| {
        let text = &units[&format!("shop.eu-{unit}.service")];
        assert!(text.lines().any(|other| other == line), "no `{line}` in {text}");
    };
    for line in [
        "Requires=shop.eu-db.service",
        "After=shop.eu-db.service",
        "Requires=shop.eu-migrate.service",
        "After=shop.eu-migrate.service",
        "Wants=shop.eu-cache.service",
        "Requires=shop.eu_net-network.service",
        "Requires=shop.eu_api_data-volume.service",
        "Type=notify",
        "Restart=always",
        "TimeoutStopSec=30",
    ] {
        has("api", line);
    }
    for line in ["Type=oneshot", "RemainAfterExit=yes", "Restart=on-failure"] {
        has("migrate", line);
    }
    has("seed", "Restart=no");
    assert!(units["shop.eu-api.service"].contains("WantedBy=default.target"));
    assert!(!units["shop.eu-probe.service"].contains("WantedBy"));
    assert!(units["shop.eu_net-network.service"].contains("podman network create --ignore shop.eu\n"));
}

/// systemd itself reads the services; podman is not where they expect it.
#[test]
fn systemd_takes_them() {
    let (_folder, units) = generated(&rich());
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &units {
        fs_err::write(folder.path().join(name), text.replace("/usr/bin/podman", "/bin/true")).unwrap();
    }
    for name in units.keys() {
        let output = Tool::new("systemd-analyze")
            .args(["--user", "--man=no", "--recursive-errors=no", "verify"])
            .arg(folder.path().join(name))
            .env("XDG_RUNTIME_DIR", folder.path())
            .output();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.trim().is_empty(), "{name}: {said}");
    }
}

/// The generator refuses keys that podman doesn't know, so what passed above has none.
#[test]
fn the_generator_is_strict() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a.container"), "[Container]\nImage=docker.io/a\nHealthCmdd=x\n")
        .unwrap();
    let output = Tool::kept("quadlet").env("QUADLET_UNIT_DIRS", folder.path()).arg("-dryrun").output();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("unsupported key 'HealthCmdd'"));
}

#[test]
fn what_it_can_not_say() {
    let images = images();
    let wrong = |change: fn(&mut ServiceSpec)| {
        let mut stack = rich();
        change(stack.services.get_mut("api").unwrap());
        quadlet(&deployment(&stack, &images)).unwrap_err()
    };
    let empty = wrong(|api| api.command = Some(vec![Text::from("--name"), Text::from("")]));
    let expected = "service `api` has the argument \"\", which podman's generator can't put into a unit";
    assert_eq!(empty.to_string(), expected);
    assert!(empty.hint().unwrap().contains("`--name=`"));
    let end = wrong(|api| api.command = Some(vec![Text::from(";")]));
    assert!(end.to_string().contains("the argument \";\""));
    let path = wrong(|api| api.scratch[0].path = "/var/100%".try_into().unwrap());
    assert_eq!(path.to_string(), "service `api` sees `/var/100%`, and a unit can't say a path with '%'");
    let health = wrong(|api| {
        let check = HealthCheck::Exec { command: vec![Text::from("/bin/is it")] };
        api.health.as_mut().unwrap().check = check;
    });
    assert!(health.to_string().contains("\"/bin/is it\""));
}

/// Why the two words above are refused: the generator loses what comes after, systemd ends the command.
#[test]
fn words_that_the_generator_loses() {
    let folder = tempfile::tempdir().unwrap();
    let unit = "[Container]\nImage=docker.io/a\nExec=one \"\" two\n";
    fs_err::write(folder.path().join("a.container"), unit).unwrap();
    fs_err::write(folder.path().join("b.container"), unit.replace("\"\"", "\";\"")).unwrap();
    let units = generate(folder.path());
    let line =
        |name: &str| units[name].lines().find(|line| line.starts_with("ExecStart=")).unwrap().to_owned();
    assert!(line("a.service").ends_with(" one"), "{}", line("a.service"));
    assert!(line("b.service").ends_with(" one ; two"), "{}", line("b.service"));
}
