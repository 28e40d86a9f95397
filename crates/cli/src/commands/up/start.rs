//! Starting the supervisor, a process of its own that holds nothing of the pipeline; or telling the one that lives.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use longshore_deploy::run::client;
use longshore_deploy::run::{Ask, Changes, Error, Life, Place, Plan, Said};
use serde_json::Value;

use crate::report::Failure;

/// One that is ending is waited for so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes that a supervisor says before it can be asked.
const MOST: u64 = 1 << 20;

/// What became of it.
pub enum Started {
    /// Nothing ran before.
    Anew,
    /// What ran before was changed.
    Updated(Changes),
}

/// Has a supervisor run `plan`, which starts those of `also` anew in any case.
pub fn start(place: &Place, plan: &Plan, also: &BTreeSet<String>) -> Result<Started, Failure> {
    let began = Instant::now();
    loop {
        match place.look()? {
            Life::Lives => {}
            Life::None | Life::Killed => {
                plan.write(place)?;
                return spawn(place).map(|()| Started::Anew);
            }
        }
        match update(place, plan, also) {
            // It is beginning or ending.
            Err(Error::NotRunning | Error::Answer { .. }) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            other => return Ok(Started::Updated(other?)),
        }
    }
}

/// Has the supervisor that there is run `plan`, or go on with what it runs where it refuses that.
pub fn update(place: &Place, plan: &Plan, also: &BTreeSet<String>) -> Result<Changes, Error> {
    let before = Plan::read(place).ok();
    plan.write(place)?;
    match client::one(place, Ask::Update { also: also.clone() }) {
        Ok(Said::Updated(changes)) => Ok(changes),
        Ok(_) => Err(Error::Answer { source: std::io::ErrorKind::InvalidData.into() }),
        Err(error) => {
            // Others are to find there what runs.
            if let (Error::Refused { .. }, Some(before)) = (&error, before) {
                before.write(place)?;
            }
            Err(error)
        }
    }
}

fn spawn(place: &Place) -> Result<(), Failure> {
    let log = fs_err::File::create(place.said()).map_err(Failure::Io)?;
    // This very program, also when its file has been replaced since.
    let mut command = Command::new("/proc/self/exe");
    command.args(["--json", "supervise"]).arg(place.folder());
    // Nothing of the environment concerns it, and what is secret there is not to stay with it.
    command.env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(log.into_parts().0));
    let mut child = command.spawn().map_err(Failure::Io)?;
    let Some(stdout) = child.stdout.take() else { return Ok(()) };
    let mut stdout = BufReader::new(stdout.take(MOST));
    let mut said = String::new();
    stdout.read_line(&mut said).map_err(Failure::Io)?;
    if said.trim_end() == "ready" {
        return Ok(());
    }
    stdout.read_to_string(&mut said).map_err(Failure::Io)?;
    let status = child.wait().map_err(Failure::Io)?;
    let failed: Value = serde_json::from_str(&said).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let causes = failed["caused_by"].as_array().into_iter().flatten().filter_map(text).collect();
    let message = text(&failed["error"]).unwrap_or_else(|| {
        let last = fs_err::read_to_string(place.said()).unwrap_or_default();
        format!("the supervisor ended with {status}: {}", last.trim_end())
    });
    Err(Error::Refused { message, causes, hint: text(&failed["hint"]) }.into())
}
