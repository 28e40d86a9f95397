//! `longshore trusted-root`: fetches the trusted root anew, chooses where it comes from, and shows who is in it.

use std::path::Path;

use fs_err as fs;
use longshore_oci::Epoch;
use longshore_trust::{Member, Roots, Seen, TrustError, TrustRoot};
use serde_json::{Value, json};

use super::roots::{Choice, anchor, believed, client};
use crate::args::{Global, TrustedRoot, TrustedRootCommand, UpdateRoot};
use crate::machine::Machine;
use crate::report::services::columns;
use crate::report::{Failure, print, print_json};

pub fn run(args: &TrustedRoot, global: &Global, machine: &Machine) -> Result<(), Failure> {
    match &args.command {
        TrustedRootCommand::Update(args) => update(args, global, machine),
        TrustedRootCommand::Show(args) => show(args.file.as_deref(), global, machine),
    }
}

fn update(args: &UpdateRoot, global: &Global, machine: &Machine) -> Result<(), Failure> {
    let choice =
        args.mirror.as_deref().map(|mirror| Choice::new(mirror, args.root.as_deref())).transpose()?;
    let anchor = match &choice {
        Some(choice) => choice.anchor()?,
        None => anchor(machine)?,
    };
    let fetched = anchor.refresh(client(machine)?, &machine.store, machine.settings.now);
    let roots = fetched.map_err(TrustError::from)?;
    if let Some(choice) = choice {
        choice.keep()?;
        if machine.settings.tuf_mirror.is_some() {
            machine.warn("LONGSHORE_TUF_MIRROR is set, and goes before what was chosen");
        }
    }
    if let Some(file) = &args.output {
        fs::write(file, &roots.trusted_root).map_err(Failure::Io)?;
    }
    if global.json {
        print_json(&json!({ "seen": roots.seen.as_ref().map(seen_json), "file": args.output }));
        return Ok(());
    }
    print(&origin(&roots));
    if let Some(file) = &args.output {
        print(&format!("written to {}", file.display()));
    }
    Ok(())
}

fn show(file: Option<&Path>, global: &Global, machine: &Machine) -> Result<(), Failure> {
    let (root, from, seen) = match file {
        Some(file) => (TrustRoot::read(file)?, format!("`{}`", file.display()), None),
        None => {
            let roots = believed(machine)?;
            (roots.trust_root().map_err(TrustError::from)?, origin(&roots), roots.seen)
        }
    };
    let members = root.members();
    if global.json {
        print_json(&json!({ "seen": seen.as_ref().map(seen_json), "members": members }));
        return Ok(());
    }
    let kinds = [
        ("certificates", &members.certificate_authorities),
        ("log of certificates", &members.certificate_logs),
        ("log of signatures", &members.logs),
        ("timestamps", &members.timestamp_authorities),
    ];
    let rows =
        kinds.into_iter().flat_map(|(kind, members)| members.iter().map(move |member| row(kind, member)));
    let head = ["what", "where", "whose", "from", "until"].map(str::to_owned);
    print(&from);
    print(&columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    Ok(())
}

fn row(kind: &str, member: &Member) -> [String; 5] {
    let day = |time: &Option<String>| time.iter().flat_map(|time| time.chars().take(10)).collect();
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect();
    let whose = plain(member.organization.as_deref().unwrap_or_default());
    [kind.to_owned(), plain(&member.url), whose, day(&member.from), day(&member.until)]
}

/// Where a trusted root is from, and how long it counts.
fn origin(roots: &Roots) -> String {
    match &roots.seen {
        None => "the public Sigstore, as this version of longshore has it".to_owned(),
        Some(seen) => {
            let (refreshed, expires) = times(seen);
            format!("{}, fetched {refreshed}, believed until {expires}", seen.mirror)
        }
    }
}

fn seen_json(seen: &Seen) -> Value {
    let (refreshed, expires) = times(seen);
    json!({ "mirror": seen.mirror.to_string(), "refreshed": refreshed, "expires": expires })
}

fn times(seen: &Seen) -> (String, String) {
    let refreshed = Epoch(u32::try_from(seen.refreshed).unwrap_or(u32::MAX));
    let expires = Epoch(u32::try_from(seen.expires).unwrap_or(u32::MAX));
    (refreshed.to_string(), expires.to_string())
}
