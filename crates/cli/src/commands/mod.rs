//! The commands, one file each: thin, each a sentence over the pipeline.

mod build;
pub mod cache;
mod check;
mod completions;
mod copy;
mod down;
mod exec;
mod generate;
mod init;
mod layouts;
mod load;
pub mod lock;
mod login;
mod logs;
mod man;
mod nix_builder;
mod plan;
mod prune;
mod ps;
mod pull;
mod push;
mod rebuild;
mod reference;
mod restart;
mod save;
mod sbom;
mod schema;
mod secrets;
mod serve;
mod shell;
mod show;
mod stats;
mod supervise;
mod trust;
mod up;
mod update;
mod vendor;
mod why;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;

use longshore_oci::{Progress, Trust};
use longshore_sources::nix::{self, Graph};

use crate::args::{Cli, Command, Global};
use crate::limit::Limit;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failed, Failure, note, progress};
use crate::settings;

/// Runs what the command line asks for; once more when the store turns out to have lost something that can be remade.
pub fn run(cli: &Cli) -> Result<(), Failed> {
    let progress = progress(&cli.global);
    // The machine's, once a command has opened its store.
    let limit = OnceCell::new();
    let done = match attempt(cli, Trust::Records, &progress, &limit) {
        Err(failed) if failed.failure.missing().is_some() => {
            let what =
                format!("{}; the store has lost it, so what lacks a file is unpacked again", failed.failure);
            note(&what, &cli.global);
            attempt(cli, Trust::Blobs, &progress, &limit)
        }
        other => other,
    };
    if let Some(limit) = limit.get() {
        limit.hold(&cli.global, &*progress);
    }
    done
}

fn attempt(
    cli: &Cli,
    trust: Trust,
    progress: &Arc<dyn Progress>,
    limit: &OnceCell<Limit>,
) -> Result<(), Failed> {
    let folder = cli.global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    // Which profile hints must name is known once the stack file has been read.
    let profile = OnceCell::new();
    let project = || -> Result<Project, Failure> {
        let mut project = Project::open(&folder, cli.global.profile(), &cli.global)?;
        if let Some(file) = settings::nix_graph() {
            // A build of Nix is for one system.
            let graph = Graph::read(&file).map_err(nix::Error::from)?;
            project.stack.platforms.retain(|platform| graph.knows(platform));
        }
        profile.get_or_init(|| project.profile.clone());
        Ok(project)
    };
    let machine_for = |global: &Global| {
        let machine = Machine::open(global, trust, Arc::clone(progress))?;
        if let Some(held) = Limit::of(&machine.settings)? {
            limit.get_or_init(|| held);
        }
        Ok(machine)
    };
    let machine = || machine_for(&cli.global);
    let done = match &cli.command {
        Command::Init(args) => init::run(args, &folder),
        Command::Check => return check::run(&cli.global, &folder),
        Command::Lock(args) => lock::run(args, &cli.global, &project()?, &machine()?),
        Command::Update(args) => update::run(args, &cli.global, &project()?, &machine()?),
        Command::Build(args) => build::run(args, &cli.global, &project()?, &machine()?),
        Command::Rebuild(args) => rebuild::run(args, &cli.global, &project()?, &machine()?),
        Command::Shell(args) => shell::run(args, &cli.global, &project()?, &machine()?),
        Command::Load(args) => load::run(args, &cli.global, &project()?, &machine()?),
        Command::Save(args) => save::run(args, &cli.global, &project()?, &machine()?),
        Command::Push(args) => push::run(args, &cli.global, &project()?, &machine()?),
        Command::Pull(args) => {
            // References say by themselves what they are: only what was pushed needs the stack.
            let project = if args.references.is_empty() { Some(project()?) } else { None };
            pull::run(args, &cli.global, project.as_ref(), &folder, &machine()?)
        }
        Command::Copy(args) => copy::run(args, &cli.global, &folder, &machine()?),
        Command::Serve(args) => serve::run(args, &cli.global, &project()?, &machine()?),
        Command::Prune(args) => prune::run(args, &cli.global, &project()?, &machine()?),
        Command::Login(args) => login::login(args, &cli.global, &machine()?),
        Command::Logout(args) => login::logout(args, &cli.global, &machine()?),
        Command::Keygen(args) => trust::keygen(args, &cli.global, &folder),
        Command::Sign(args) => trust::sign(args, &cli.global, &project, &machine()?),
        Command::Attest(args) => trust::attest(args, &cli.global, &project, &machine()?),
        Command::Verify(args) => trust::verify(args, &cli.global, &project, &folder, &machine()?),
        Command::TrustedRoot(args) => trust::trusted_root(args, &cli.global, &machine()?),
        Command::Generate(args) => generate::run(args, &cli.global, &project()?, &machine()?),
        Command::Up(args) => up::run(args, &cli.global, &project()?, &machine()?),
        Command::Ps => ps::run(&cli.global, &folder),
        Command::Logs(args) => logs::run(args, &cli.global, &folder),
        Command::Exec(args) => exec::run(args, &cli.global, &folder),
        Command::Restart(args) => restart::run(args, &cli.global, &folder),
        Command::Stats => stats::run(&cli.global, &folder),
        Command::Down(args) => down::run(args, &cli.global, &folder),
        Command::Secrets(args) => secrets::run(args, &cli.global, &project()?),
        Command::Supervise(args) => supervise::run(args),
        Command::NixBuilder => nix_builder::run(),
        Command::Vendor(args) => return vendor::run(args, &cli.global, &folder, &machine_for),
        Command::Show(args) => show::run(args, &cli.global, &project()?, &machine()?),
        Command::Why(args) => why::run(args, &cli.global, &project()?, &machine()?),
        Command::Plan(args) => plan::run(args, &cli.global, &project()?, &machine()?),
        Command::Sbom(args) => sbom::run(args, &cli.global, &project()?, &machine()?),
        Command::Cache(args) => cache::run(args, &cli.global, &**progress),
        Command::Schema => schema::run(),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::Reference(args) => {
            reference::run(args);
            Ok(())
        }
    };
    done.map_err(|failure| Failed::of(failure, profile.into_inner().flatten()))
}
