//! `longshore cache export` and `import`: the store goes from one machine to another.

use std::io::{BufReader, BufWriter, Write, stdin, stdout};
use std::path::Path;

use fs_err as fs;
use longshore_oci::Progress;
use longshore_oci::layout::AtomicFile;
use longshore_oci::upkeep::Bounds;
use longshore_oci::upkeep::archive::{self, Exported};
use serde_json::json;

use super::time;
use crate::args::{ExportStore, Global, ImportStore};
use crate::report::{Failure, bytes, note, plural, print, print_json};
use crate::settings::Settings;

/// The archive's name in a folder.
const NAME: &str = "longshore-store.tar";
/// Bytes that are read or written at once.
const PIECE: usize = 1 << 18;

pub fn export(
    args: &ExportStore,
    global: &Global,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let store = super::open(&settings.store, progress)?;
    let bounds = Bounds {
        size: args.max_size.map(|size| size.0),
        since: args.newer_than.map(|age| time(settings.now.saturating_sub(age.0))),
        now: None,
    };
    let piped = args.to == Path::new("-");
    let (exported, place) = if piped {
        let mut to = BufWriter::with_capacity(PIECE, stdout().lock());
        (archive::export(&store, &bounds, &mut to, progress)?, "standard output".to_owned())
    } else {
        let path = if args.to.is_dir() { args.to.join(NAME) } else { args.to.clone() };
        let mut to = BufWriter::with_capacity(PIECE, AtomicFile::create(&path).map_err(Failure::Io)?);
        let exported = archive::export(&store, &bounds, &mut to, progress)?;
        to.flush().map_err(Failure::Io)?;
        let file = to.into_inner().map_err(|error| Failure::Io(error.into_error()))?;
        file.commit().map_err(Failure::Io)?;
        (exported, path.display().to_string())
    };
    let Exported { blobs, records, bytes: size } = exported;
    let text =
        format!("{} and {} ({}) in `{place}`", plural(blobs, "blob"), plural(records, "record"), bytes(size));
    match (piped, global.json) {
        // The output is the archive.
        (true, _) => note(&text, global),
        (false, true) => {
            print_json(&json!({ "place": place, "blobs": blobs, "records": records, "bytes": size }));
        }
        (false, false) => print(&text),
    }
    Ok(())
}

pub fn import(
    args: &ImportStore,
    global: &Global,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let store = super::open(&settings.store, progress)?;
    let now = time(settings.now);
    let done = match args.from == Path::new("-") {
        true => archive::import(&store, BufReader::with_capacity(PIECE, stdin().lock()), now, progress),
        false => {
            let file = fs::File::open(&args.from).map_err(Failure::Io)?;
            archive::import(&store, BufReader::with_capacity(PIECE, file), now, progress)
        }
    }?;
    if global.json {
        print_json(&json!({
            "blobs": done.blobs,
            "records": done.records,
            "bytes": done.bytes,
            "known": done.known,
            "left": done.left,
        }));
        return Ok(());
    }
    print(&format!(
        "took {} and {} ({}); {} were there",
        plural(done.blobs, "blob"),
        plural(done.records, "record"),
        bytes(done.bytes),
        done.known
    ));
    if done.left > 0 {
        note(&format!("{} left, whose blobs are not in the archive", plural(done.left, "record")), global);
    }
    Ok(())
}
