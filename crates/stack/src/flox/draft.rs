//! A first stack file for an environment: its services as images and services, and in comments what people have to say themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use longshore_oci::Platform;
use toml::Value;

use super::lock::system;
use super::manifest::Service;
use super::shell::is_name;
use super::variables::{Unresolved, Variables};
use super::{Environment, FloxError};
use crate::check::RESERVED;

/// A stack file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its text.
    pub text: String,
    /// The images in it.
    pub images: Vec<String>,
    /// What could not be taken of the environment, each a sentence; the text has a comment for each.
    pub left_out: Vec<String>,
}

/// Shells by the names of their packages, and what runs a line in them.
const SHELLS: [(&str, &str); 4] =
    [("bash", "bash"), ("bash-interactive", "bash"), ("dash", "dash"), ("busybox", "sh")];

/// A stack called `stack` of `environment`, which is in `folder` beside the stack file.
pub fn draft(environment: &Environment, stack: &str, folder: &str) -> Result<Draft, FloxError> {
    let locked = environment.systems();
    let platforms = Platform::SUPPORTED.iter().filter_map(|(name, _)| name.parse::<Platform>().ok());
    let platforms: Vec<Platform> =
        platforms.filter(|on| system(on).is_some_and(|system| locked.contains(system))).collect();
    // Where there is none, the usual one says what is wrong.
    let usual = || Platform { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: None };
    let first = platforms.first().cloned().unwrap_or_else(usual);
    let outputs = environment.outputs(&first)?;
    let shell = SHELLS
        .iter()
        .find(|(package, _)| outputs.iter().any(|output| output.name_and_version().0 == *package));
    let mut writer = Writer {
        environment,
        shell: shell.map(|(_, program)| *program),
        whole: environment.speaks_of_its_folder().then(|| format!("/opt/{stack}")),
        text: String::new(),
        images: Vec::new(),
        left_out: Vec::new(),
    };
    let platforms: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    writer.head(stack, &platforms, folder);
    writer.images(stack);
    Ok(Draft { text: writer.text, images: writer.images, left_out: writer.left_out })
}

impl Environment {
    /// Whether anything in it needs `$FLOX_ENV`.
    fn speaks_of_its_folder(&self) -> bool {
        let manifest = self.manifest();
        let hook = manifest.hook.iter().filter_map(|hook| hook.on_activate.as_ref());
        let services = manifest.services.all.values();
        let services = services.flat_map(|service| {
            service.vars.iter().flatten().map(|(_, value)| value).chain([&service.command])
        });
        manifest.vars.values().chain(hook).chain(services).any(|text| {
            text.split("FLOX_ENV")
                .skip(1)
                .any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        })
    }
}

struct Writer<'a> {
    environment: &'a Environment,
    /// What runs a line of shell in the image.
    shell: Option<&'static str>,
    /// The folder with everything, where something needs one.
    whole: Option<String>,
    text: String,
    images: Vec<String>,
    left_out: Vec<String>,
}

impl Writer<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// What could not be taken, as a comment and for the report.
    fn leave_out(&mut self, sentence: String) {
        sentence.lines().for_each(|line| self.line(format!("# {line}")));
        self.left_out.push(sentence);
    }

    fn head(&mut self, stack: &str, platforms: &[String], folder: &str) {
        let name = &self.environment.name;
        self.line(format!(
            "# Made of the Flox environment `{name}`. `longshore schema` prints what may stand here."
        ));
        self.line(format!("\n[stack]\nname = {}\nplatforms = {}", quoted(stack), list(platforms)));
        self.line("\n# What the environment installs is in every image; images share its layers.");
        self.line("[image-defaults]");
        let folder = quoted(folder);
        match self.whole.clone() {
            None => self.line(format!("contents = [{{ flox = {folder} }}]")),
            Some(whole) => {
                self.line("# The programs in /bin, and everything in the folder that `$FLOX_ENV` is.");
                let whole = quoted(&format!("{whole}/"));
                self.line(format!("contents = [{{ flox = {folder} }}, {{ flox = {folder}, to = {whole} }}]"));
            }
        }
        let environment = self.environment;
        let (mut variables, unresolved) = Variables::of(environment.manifest(), self.whole.as_deref());
        let hook = environment.manifest().hook.as_ref().and_then(|hook| hook.on_activate.as_deref());
        if let Some(Err(impure)) = hook.map(|script| variables.activate(script)) {
            self.leave_out(format!(
                "The environment's hook is left out, since it {}: `{}`. Say in `env` what programs need of it.",
                impure.does, impure.line
            ));
            self.line("allow = [\"flox-hook\"]");
        }
        self.user();
        let names: Vec<String> = variables.exported().into_keys().map(|name| format!("`{name}`")).collect();
        if !names.is_empty() {
            self.line(format!("# These variables come with the environment: {}.", names.join(", ")));
        }
        self.unresolved(&unresolved);
    }

    /// A user by name has no number, which images need.
    fn user(&mut self) {
        let user = self.environment.config().and_then(|config| config.user.as_deref());
        let Some(user) = user.filter(|user| !user.starts_with(|c: char| c.is_ascii_digit())) else { return };
        let name = user.split(':').next().unwrap_or_default();
        if name == "root" {
            self.leave_out("The environment's containers run as root; these run as user `app`.".to_owned());
            self.line("user = { name = \"app\", uid = 65532 }");
        } else {
            self.line(format!("user = {{ name = {}, uid = 10001 }}", quoted(&host_name(name))));
        }
    }

    fn unresolved(&mut self, unresolved: &[(String, Unresolved)]) {
        let said: BTreeMap<&str, &str> = unresolved.iter().map(|(name, _)| (name.as_str(), "")).collect();
        for (name, why) in unresolved {
            self.leave_out(format!("Variable `{name}` {why}: say in `env` what it is."));
        }
        if !said.is_empty() {
            let all: Vec<_> = said.keys().map(|name| format!("{} = \"\"", key(name))).collect();
            self.line(format!("env = {{ {} }}", all.join(", ")));
        }
    }

    fn images(&mut self, stack: &str) {
        let services = &self.environment.manifest().services.all;
        let here = |service: &Service| {
            let systems = service.systems.as_ref();
            systems.is_none_or(|systems| systems.iter().any(|system| system.ends_with("-linux")))
        };
        let mut taken = BTreeSet::new();
        for (name, service) in services.iter().filter(|(_, service)| here(service)) {
            self.service(name, service, &mut taken);
        }
        for (name, _) in services.iter().filter(|(_, service)| !here(service)) {
            self.line("");
            self.leave_out(format!("Service `{name}` does not run on Linux."));
        }
        if self.images.is_empty() {
            self.image(stack, None);
        }
    }

    /// An image with what the environment installs; `command` where it starts something of its own.
    fn image(&mut self, name: &str, command: Option<&[String]>) {
        self.line(format!("\n[image.{}]", key(name)));
        match command {
            Some(command) => self.line(format!("command = {}", list(command))),
            None if self.environment.config().is_some_and(|config| config.cmd.is_some()) => {
                self.line("# `cmd` of the environment's `[containerize.config]` is its command.");
            }
            None => self.line("# It starts nothing yet: command = [\"/bin/program\", \"argument\"]"),
        }
        self.images.push(name.to_owned());
    }

    fn service(&mut self, written: &str, service: &Service, taken: &mut BTreeSet<String>) {
        let mut name = host_name(written);
        while !taken.insert(name.clone()) {
            name.push('2');
        }
        let (variables, _) = Variables::of(self.environment.manifest(), self.whole.as_deref());
        let hook = self.environment.manifest().hook.as_ref().and_then(|hook| hook.on_activate.as_deref());
        let mut variables = variables;
        // A hook that can't be told sets nothing, and what counts on it needs a shell.
        hook.map(|script| variables.activate(script).is_ok());
        let (own, odd): (BTreeMap<_, _>, BTreeMap<_, _>) =
            service.vars.clone().unwrap_or_default().into_iter().partition(|(name, _)| is_name(name));
        let command = match (variables.with(&own).arguments(&service.command), self.shell) {
            (Ok(command), _) => Ok(command),
            (Err(_), Some(shell)) => {
                Ok(vec![shell.to_owned(), "-c".to_owned(), service.command.trim().to_owned()])
            }
            (Err(impure), None) => Err(impure),
        };
        match command {
            Ok(command) => {
                self.image(&name, Some(&command));
                self.notes(written, service);
                for name in odd.keys() {
                    self.leave_out(format!(
                        "Service `{written}` has a variable that can't be one: `{name}`."
                    ));
                }
                self.line(format!("\n[service.{name}]"));
                if !own.is_empty() {
                    let env: Vec<_> = own
                        .iter()
                        .map(|(name, value)| format!("{} = {}", key(name), quoted(&escaped(value))))
                        .collect();
                    self.line(format!("env = {{ {} }}", env.join(", ")));
                }
            }
            Err(impure) => {
                self.line("");
                self.leave_out(format!(
                    "Service `{written}` needs a shell, since it {}, and the environment installs none: `{}`. Install one (`flox install bash`) and begin again, or say its program and arguments: [image.{name}] command = [\"/bin/program\"], and [service.{name}].",
                    impure.does,
                    impure.line
                ));
            }
        }
    }

    /// What a container has no use for.
    fn notes(&mut self, name: &str, service: &Service) {
        if service.is_daemon == Some(true) {
            self.leave_out(format!(
                "Service `{name}` goes into the background, which ends its container: say how it stays in the foreground."
            ));
        }
        if service.shutdown.as_ref().is_some_and(|shutdown| shutdown.command.is_some()) {
            self.leave_out(format!(
                "Service `{name}` is stopped by a command in Flox, and by `stop-signal` here."
            ));
        }
        if service.depends_on.is_some() {
            self.leave_out(format!("Service `{name}` depends on others: say which in `needs`."));
        }
    }
}

/// A service's name as a host's name: lower-case letters, digits and single `-`, beginning with a letter.
fn host_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().take(50) {
        match c {
            c if c.is_ascii_alphabetic() => name.push(c.to_ascii_lowercase()),
            c if c.is_ascii_digit() && !name.is_empty() => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('-');
    match name {
        "" => "service".to_owned(),
        name if RESERVED.contains(&name) => format!("{name}-service"),
        name => name.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(items: &[String]) -> String {
    Value::from(items.to_vec()).to_string()
}

fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

/// A text that a template leaves as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min() {
        let _ = write!(escaped, "{}{{{{ '{}' }}}}", &rest[..at], &rest[at..at + 2]);
        rest = &rest[at + 2..];
    }
    escaped + rest
}
