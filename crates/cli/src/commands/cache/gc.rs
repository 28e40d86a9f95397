//! `longshore cache gc`: what was used longest ago leaves the store.

use longshore_oci::Progress;
use longshore_oci::upkeep::{Bounds, Census, Freed, Plan};
use serde_json::json;

use super::time;
use crate::args::{Age, Gc, Global, Size};
use crate::limit::Limit;
use crate::report::{Failure, bytes, plural, print, print_json};
use crate::settings::Settings;

/// Where nothing is said and no limit is set: what was not used for a month.
const MONTH: Age = Age(30 * 24 * 60 * 60);

pub fn run(args: &Gc, global: &Global, settings: &Settings, progress: &dyn Progress) -> Result<(), Failure> {
    let bounds = bounds(args, settings)?;
    let (census, freed) = match args.dry_run {
        true => {
            let store = super::open(&settings.store, progress)?;
            let census = Census::take(&store)?;
            let freed = Freed::of(&Plan::of(&census, &bounds));
            (census, freed)
        }
        false => {
            let alone = super::alone(&settings.store, progress)?;
            let census = Census::take(alone.store())?;
            let freed = alone.carry_out(&census, &Plan::of(&census, &bounds), progress)?;
            (census, freed)
        }
    };
    let left = census.size().saturating_sub(freed.bytes);
    if global.json {
        print_json(&json!({
            "dry_run": args.dry_run,
            "records": freed.records,
            "blobs": freed.blobs,
            "folders": freed.folders,
            "unfinished": freed.unfinished,
            "useless": freed.useless,
            "bytes": freed.bytes,
            "left": left,
        }));
        return Ok(());
    }
    let verb = if args.dry_run { "would free" } else { "freed" };
    print(&match freed.bytes {
        0 => format!("nothing to remove; the store takes {}", bytes(left)),
        _ => format!("{verb} {}: {}; {} stay", bytes(freed.bytes), words(&freed), bytes(left)),
    });
    Ok(())
}

fn bounds(args: &Gc, settings: &Settings) -> Result<Bounds, Failure> {
    let limit = Limit::of(settings)?.map(|limit| Size(limit.most()));
    let (size, age) = match (args.max_size, args.older_than) {
        (None, None) => (limit, Some(MONTH).filter(|_| limit.is_none())),
        given => given,
    };
    let since = age.map(|Age(age)| time(settings.now.saturating_sub(age)));
    Ok(Bounds { size: size.map(|Size(size)| size), since, now: Some(time(settings.now)) })
}

/// What was removed, in words.
fn words(freed: &Freed) -> String {
    let all = [
        (freed.records, "record"),
        (freed.blobs, "blob"),
        (freed.folders, "folder"),
        (freed.unfinished, "unfinished thing"),
        (freed.useless, "useless file"),
        (freed.shared, "shared file"),
    ];
    let some = all.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, noun)| plural(count, noun)).collect::<Vec<_>>().join(", ")
}
