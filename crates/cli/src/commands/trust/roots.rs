//! Which trusted root is believed where nobody names a file: that of a TUF repository, refreshed once a day where there is network.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use longshore_net::{Access, Client, Settings, Url};
use longshore_oci::{Epoch, read_bounded};
use longshore_trust::{Anchor, Roots, TrustError, TufError};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::report::Failure;
use crate::settings;

/// The file of the choice, in the state folder.
const CHOICE: &str = "trusted-root.json";
/// More bytes than this are no root of a TUF repository.
const LIMIT: u64 = 1 << 20;

/// Which repository the user chose.
#[derive(Serialize, Deserialize)]
pub struct Choice {
    /// Its address.
    mirror: String,
    /// The content of its `root.json`; none where it is a copy of the public one.
    root: Option<String>,
}

impl Choice {
    /// `mirror`, by the root in a file.
    pub fn new(mirror: &str, root: Option<&Path>) -> Result<Self, Failure> {
        let read = |file: &Path| {
            let bytes = fs::File::open(file).and_then(|file| read_bounded(file, LIMIT));
            let text = String::from_utf8(bytes.map_err(Failure::Io)?);
            text.map_err(|_| wrong(format!("`{}` is not text", file.display())))
        };
        Ok(Self { mirror: mirror.to_owned(), root: root.map(read).transpose()? })
    }

    /// Where trust starts then.
    pub fn anchor(&self) -> Result<Anchor, Failure> {
        let mirror: Url = self.mirror.parse().map_err(|error| wrong(format!("{error}")))?;
        let anchor = match &self.root {
            Some(root) => Anchor::new(mirror, root.clone()),
            None => Anchor::public(Some(mirror)),
        };
        Ok(anchor.map_err(TrustError::from)?)
    }

    /// Keeps it for the commands after this one.
    pub fn keep(&self) -> Result<(), Failure> {
        let folder = settings::state()?;
        let text = serde_json::to_string(self).map_err(|error| Failure::Io(error.into()))?;
        let unfinished = folder.join(format!(".{CHOICE}.new"));
        fs::create_dir_all(&folder).map_err(Failure::Io)?;
        let mut file = fs::File::create(&unfinished).map_err(Failure::Io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Failure::Io)?;
        fs::rename(&unfinished, folder.join(CHOICE)).map_err(Failure::Io)
    }

    /// The one that was kept.
    fn kept() -> Result<Option<Self>, Failure> {
        // Without a place for state nobody can have chosen.
        let Ok(folder) = settings::state() else { return Ok(None) };
        let file: PathBuf = folder.join(CHOICE);
        let bytes = match fs::File::open(&file).and_then(|file| read_bounded(file, 2 * LIMIT)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Failure::Io)?,
        };
        let choice = serde_json::from_slice(&bytes);
        choice.map(Some).map_err(|error| wrong(format!("`{}` can't be read: {error}", file.display())))
    }
}

/// Where trust starts on this machine: as the environment says, or else as was chosen, or else with the public Sigstore.
pub fn anchor(machine: &Machine) -> Result<Anchor, Failure> {
    let (mirror, root) = (machine.settings.tuf_mirror.as_deref(), machine.settings.tuf_root.as_deref());
    match (mirror, root) {
        (Some(mirror), root) => Choice::new(mirror, root)?.anchor(),
        (None, Some(_)) => {
            Err(wrong("LONGSHORE_TUF_ROOT is set, and LONGSHORE_TUF_MIRROR is not".to_owned()))
        }
        (None, None) => match Choice::kept()? {
            Some(choice) => choice.anchor(),
            None => Ok(Anchor::public(None).map_err(TrustError::from)?),
        },
    }
}

/// What fetches it.
pub fn client(machine: &Machine) -> Result<Client, Failure> {
    // There is something else to believe, mostly: nobody should wait for long.
    let patience = Duration::from_secs(10);
    Ok(Client::new(Settings { timeout: patience, retries: 1, ..machine.network().clone() })?)
}

/// The trusted root and the services that are believed: what was fetched during the last day; what can be fetched now; what was
/// fetched before and has not expired. Of the public Sigstore, if nothing was ever fetched, what is a part of longshore.
pub fn believed(machine: &Machine) -> Result<Roots, Failure> {
    let (anchor, now) = (anchor(machine)?, machine.settings.now);
    let kept = anchor.kept(&machine.store, now);
    if let Ok(Some(roots)) = &kept
        && (roots.is_fresh(now) || machine.access == Access::Offline)
    {
        return Ok(roots.clone());
    }
    let failed = match machine.access {
        Access::Offline => None,
        Access::Online => match anchor.refresh(client(machine)?, &machine.store, now) {
            Ok(roots) => return Ok(roots),
            Err(error) => Some(error),
        },
    };
    match (kept, failed) {
        (Ok(Some(roots)), failed) => {
            if let (Some(failed), Some(seen)) = (failed, &roots.seen) {
                machine.warn(&format!("{}; the one of {} is used", all(&failed), day(seen.refreshed)));
            }
            Ok(roots)
        }
        (Ok(None), failed) if anchor.is_public() => {
            let roots = Roots::embedded();
            let newest = roots.trust_root().map_err(TrustError::from)?.newest().unwrap_or_default();
            let why = failed.map(|failed| format!("{}; ", all(&failed))).unwrap_or_default();
            machine.warn(&format!(
                "{why}the public Sigstore's trusted root as this version of longshore has it is used; the newest in it is of {newest}"
            ));
            Ok(roots)
        }
        (Ok(None), Some(failed)) => Err(TrustError::from(failed).into()),
        (Ok(None), None) => {
            Err(TrustError::from(TufError::Unknown { mirror: anchor.mirror().clone() }).into())
        }
        (Err(expired), Some(failed)) => Err(TrustError::from(expired.after(failed)).into()),
        (Err(expired), None) => Err(TrustError::from(expired).into()),
    }
}

/// The day of a moment in seconds since 1970: `2026-11-22`.
fn day(moment: u64) -> String {
    Epoch(u32::try_from(moment).unwrap_or(u32::MAX)).to_string().chars().take(10).collect()
}

/// An error with its causes, in one line.
fn all(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", all(source)),
        None => error.to_string(),
    }
}

fn wrong(message: String) -> Failure {
    Failure::Usage { message, hint: "longshore trusted-root update --mirror URL --root FILE".to_owned() }
}
