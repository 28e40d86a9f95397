//! `longshore copy`: an image from one place to another.

use std::path::Path;

use longshore_publish::copy::{Place, Referrers, Whole, deliver, fetch};
use longshore_publish::registry::{Parcel, Tagging};
use serde_json::json;

use super::trust::Judge;
use crate::args::{Copy, Global};
use crate::machine::Machine;
use crate::report::{Failure, bytes, print, print_json, published_json};

pub fn run(args: &Copy, global: &Global, folder: &Path, machine: &Machine) -> Result<(), Failure> {
    let client = machine.registries();
    let whole = Whole {
        platform: args.platform.clone(),
        referrers: if args.no_referrers { Referrers::Left } else { Referrers::Along },
    };
    let parcel = fetch(&args.from, whole, &client, &*machine.progress)?;
    if let Some(judge) = Judge::of(folder, machine)? {
        // What goes along is the user's choice; what vouches for the image is looked at all the same.
        match args.no_referrers {
            true => judge.require_at(&fetched(&args.from, &parcel), &client, machine)?,
            false => judge.require(&parcel, &args.from, &client)?,
        }
    }
    let referrers = parcel.referrers.len();
    let published = deliver(parcel, &args.to, &Tagging::default(), &client, &*machine.progress)?;
    if global.json {
        print_json(&json!({
            "from": args.from.to_string(),
            "to": args.to.to_string(),
            "referrers": referrers,
            "published": published_json(&published),
        }));
        return Ok(());
    }
    for image in &published.images {
        print(&format!("{}  {}", image.identity.digest(), image.name));
    }
    let along = if referrers == 0 { String::new() } else { format!(", with {referrers} that refer to it") };
    let (sent, kept) = (bytes(published.bytes_sent), bytes(published.bytes_skipped));
    print(&format!("copied to {}{along}: {sent} sent, {kept} there already", args.to));
    Ok(())
}

/// Where what was fetched is, whatever the name names by now.
fn fetched(from: &Place, parcel: &Parcel) -> Place {
    match from {
        Place::Registry(reference) => Place::Registry(reference.with_digest(parcel.top.digest)),
        other => other.clone(),
    }
}
