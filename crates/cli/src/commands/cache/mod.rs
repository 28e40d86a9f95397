//! `longshore cache`: the content store of this machine, looked at and kept in order.

mod carry;
mod gc;
mod size;
mod verify;

use std::path::Path;
use std::time::{Duration, SystemTime};

use longshore_oci::upkeep::Alone;
use longshore_oci::{Progress, Store};

use crate::args::{Cache, CacheCommand, Global};
use crate::limit::Limit;
use crate::report::Failure;
use crate::settings::Settings;

pub fn run(args: &Cache, global: &Global, progress: &dyn Progress) -> Result<(), Failure> {
    let settings = Settings::read(global.jobs)?;
    match &args.command {
        CacheCommand::Size => size::run(global, &settings, progress),
        CacheCommand::Gc(args) => gc::run(args, global, &settings, progress),
        CacheCommand::Verify(args) => verify::run(args, global, &settings, progress),
        CacheCommand::Export(args) => carry::export(args, global, &settings, progress),
        CacheCommand::Import(args) => {
            carry::import(args, global, &settings, progress)?;
            if let Some(limit) = Limit::of(&settings)? {
                limit.hold(global, progress);
            }
            Ok(())
        }
    }
}

/// The store, once nobody removes anything from it.
pub fn open(root: &Path, progress: &dyn Progress) -> Result<Store, Failure> {
    if let Some(store) = Store::try_open(root)? {
        return Ok(store);
    }
    let what = "until another longshore has tidied the store";
    Ok(progress.during("Waiting", what, None, |_| Store::open(root))?)
}

/// The store, once nobody else uses it.
fn alone(root: &Path, progress: &dyn Progress) -> Result<Alone, Failure> {
    if let Some(alone) = Alone::try_now(root)? {
        return Ok(alone);
    }
    let what = "until no other longshore uses the store";
    Ok(progress.during("Waiting", what, None, |_| Alone::wait(root))?)
}

/// The time that many seconds after 1970.
pub fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
