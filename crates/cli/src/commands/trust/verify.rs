//! `longshore verify`: whether those vouch for images who must.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_net::each;
use longshore_oci::{Digest, Reference};
use longshore_publish::copy::{Place, Referrers, Whole, fetch};
use longshore_registry::Client as Registries;
use longshore_trust::key::PublicKey;
use longshore_trust::policy::{Evaluation, Policy, Timestamp, Trusted, Vouched};
use longshore_trust::{Evidence, Expected, Signer, TrustError};
use serde_json::{Value, json};

use super::evidence::gather;
use super::judge::{Judge, reasons};
use super::{Subject, bundles, subjects};
use crate::args::{Global, Log, Verify};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, print, print_json};

/// An image, and what there is to say whose it is.
struct Found {
    repository: Reference,
    digest: Digest,
    evidence: Vec<Evidence>,
}

pub fn run(
    args: &Verify,
    global: &Global,
    project: &dyn Fn() -> Result<Project, Failure>,
    folder: &Path,
    machine: &Machine,
) -> Result<(), Failure> {
    let policy = policy(args, folder)?;
    let judge = Judge::new(policy, args.trusted_root.as_deref(), machine)?;
    let registries = machine.registries();
    let subjects = subjects(&args.images, project)?;
    let all = each(registries.jobs(), &subjects, |subject| match &args.bundle_dir {
        Some(folder) => beside(subject, folder),
        None => found(subject, &registries, machine),
    })?;
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for (subject, found) in subjects.iter().zip(&all) {
        let evaluation = judge.weigh(&found.repository, &found.digest, &found.evidence);
        match evaluation.is_accepted() {
            true => accepted.push((&subject.name, found, evaluation)),
            false => refused.push((subject.name.clone(), reasons(&evaluation))),
        }
    }
    for (_, found, _) in &accepted {
        export(args, found, machine)?;
    }
    if global.json && refused.is_empty() {
        let rows = accepted.iter().map(|(name, found, evaluation)| row(name, &found.digest, evaluation));
        print_json(&json!({ "verified": rows.collect::<Vec<Value>>() }));
    } else if !global.json {
        for (name, found, evaluation) in &accepted {
            print(&format!("{}  {name}: {}", found.digest, accepted_as(evaluation)));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Refused { images: refused }) }
}

/// What is beside `subject` where it is.
fn found(subject: &Subject, registries: &Registries, machine: &Machine) -> Result<Found, Failure> {
    let whole = Whole { platform: None, referrers: Referrers::Beside };
    let parcel = fetch(&subject.place, whole, registries, &*machine.progress)?;
    let evidence = gather(&parcel, &subject.place, registries)?;
    Ok(Found { repository: parcel.repository, digest: parcel.top.digest, evidence })
}

/// What is in `folder` about `subject`; nobody else is asked.
fn beside(subject: &Subject, folder: &Path) -> Result<Found, Failure> {
    let named = match &subject.place {
        Place::Registry(reference) => reference.digest.map(|digest| (reference.clone(), digest)),
        _ => None,
    };
    let (repository, digest) = named.ok_or_else(|| Failure::Usage {
        message: format!("with `--bundle-dir` nobody is asked what `{}` is now", subject.name),
        hint: "name it by digest: `REGISTRY/NAME@sha256:…`".to_owned(),
    })?;
    Ok(Found { repository, digest, evidence: bundles::read(folder, &digest)? })
}

/// `--export`.
fn export(args: &Verify, found: &Found, machine: &Machine) -> Result<(), Failure> {
    let Some(folder) = &args.export else { return Ok(()) };
    let bundles = found.evidence.iter().filter_map(|evidence| match evidence {
        Evidence::Bundle(bundle) => Some(&**bundle),
        Evidence::Older { .. } | Evidence::Unreadable(_) => None,
    });
    let written = bundles::write(folder, &found.digest, bundles)?;
    if written.len() < found.evidence.len() {
        let name = found.repository.with_digest(found.digest);
        machine
            .warn(&format!("{name} has signatures in the older form, which are no bundles and stay behind"));
    }
    Ok(())
}

/// The policy that the arguments name, or make.
fn policy(args: &Verify, folder: &Path) -> Result<Policy, Failure> {
    let log = |usually| {
        args.log.map_or(usually, |log| match log {
            Log::Required => Expected::Logged,
            Log::Ignored => Expected::Unlogged,
        })
    };
    let mut signers = BTreeMap::new();
    for path in &args.keys {
        let key = PublicKey::read(path).map_err(TrustError::from)?;
        let signer = Signer::Key(Box::new(key));
        let trusted = Trusted { signer, log: log(Expected::Unlogged), timestamp: Timestamp::Ignored };
        signers.insert(format!("`{}`", path.display()), trusted);
    }
    if let (Some(identity), Some(issuer)) = (&args.identity, &args.issuer) {
        let signer = Signer::Identity { identity: identity.clone(), issuer: issuer.clone() };
        let trusted = Trusted { signer, log: log(Expected::Logged), timestamp: Timestamp::Ignored };
        signers.insert(identity.clone(), trusted);
    }
    if !signers.is_empty() {
        return Ok(Policy::signed_by(signers));
    }
    let policy = match &args.policy {
        Some(file) => Some(Policy::read(file)?),
        None => Policy::of(folder)?,
    };
    policy.ok_or_else(|| Failure::Usage {
        message: "nothing says who is believed: there is no `policy.toml`".to_owned(),
        hint: "longshore verify --key cosign.pub, or `--identity WHO --issuer URL`".to_owned(),
    })
}

fn accepted_as(evaluation: &Evaluation) -> String {
    let Evaluation::Accepted { signed: Some(vouched), attested } = evaluation else {
        return "accepted, and nothing was asked of it".to_owned();
    };
    let mut text = format!("signed by {}", who(vouched));
    for attested in attested {
        text += &format!("; {} by {}", attested.predicate_type, who(&attested.by));
    }
    text
}

fn who(vouched: &Vouched) -> String {
    let mut text = match &vouched.checked.certificate {
        Some(certificate) => format!("{} ({})", certificate.identity, certificate.issuer),
        None => format!("the key {}", vouched.signer),
    };
    text += if vouched.checked.logged { ", in the log" } else { ", no log asked" };
    text
}

fn row(name: &str, digest: &Digest, evaluation: &Evaluation) -> Value {
    let vouched = |vouched: &Vouched| {
        let certificate = vouched.checked.certificate.as_ref().map(|certificate| {
            json!({ "identity": certificate.identity, "issuer": certificate.issuer, "source": certificate.source })
        });
        json!({
            "signer": vouched.signer,
            "certificate": certificate,
            "logged": vouched.checked.logged,
            "times": vouched.checked.times,
        })
    };
    let (signed, attested) = match evaluation {
        Evaluation::Accepted { signed, attested } => (signed.as_ref().map(vouched), attested.as_slice()),
        _ => (None, &[][..]),
    };
    let attested: Vec<Value> =
        attested.iter().map(|one| json!({ "type": one.predicate_type, "by": vouched(&one.by) })).collect();
    json!({ "image": name, "digest": digest, "signed": signed, "attested": attested })
}
