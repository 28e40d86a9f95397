//! `betrace-backend`: everything is set by the environment; see `docs/configuration.md`.

use std::process::ExitCode;

use betrace_backend::config::Config;
use betrace_backend::run;

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|argument| argument == "--version") {
        println!("betrace-backend {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let result =
        Config::from_environment(&environment.collect()).map_err(run::Error::from).and_then(run::run);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("betrace-backend: {error}");
            ExitCode::FAILURE
        }
    }
}
