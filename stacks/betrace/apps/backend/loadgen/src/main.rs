//! `betrace-loadgen`: traces for a BeTrace backend, or for the collector before it.

mod api;
mod examples;
mod load;
mod otlp;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The backend's HTTP interface.
    #[arg(long, global = true, default_value = "http://127.0.0.1:12011")]
    api: String,
    /// Where spans go: OTLP over gRPC.
    #[arg(long, global = true, default_value = "http://127.0.0.1:12012")]
    otlp: String,
    /// The backend's API key, where it has one.
    #[arg(long, global = true, env = "BETRACE_API_KEY", hide_env_values = true)]
    key: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the example rules and sends, for each, a trace that keeps it and one that breaks it.
    Examples {
        /// The folder of the examples.
        #[arg(default_value = "rules")]
        folder: PathBuf,
    },
    /// Sends as many traces as asked, or as many as are taken, and says how it went.
    Load(load::Load),
}

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let api = api::Api { url: arguments.api, key: arguments.key.clone() };
    let receiver = otlp::Receiver { url: arguments.otlp, key: arguments.key };
    let run = async move {
        match arguments.command {
            Command::Examples { folder } => examples::send(&api, &receiver, &folder).await,
            Command::Load(load) => load::run(&api, &receiver, load).await,
        }
    };
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("betrace-loadgen: {error}");
            ExitCode::FAILURE
        }
    }
}
