//! `longshore verify`: whether those vouch for images who must.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_net::each;
use longshore_publish::copy::{Referrers, Whole, fetch};
use longshore_publish::registry::Parcel;
use longshore_trust::key::PublicKey;
use longshore_trust::policy::{Evaluation, Policy, Timestamp, Trusted, Vouched};
use longshore_trust::{Expected, Signer, TrustError};
use serde_json::{Value, json};

use super::judge::{Judge, POLICY, reasons};
use super::subjects;
use crate::args::{Global, Log, Verify};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, print, print_json};

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
    let whole = Whole { platform: None, referrers: Referrers::Beside };
    let evaluated = each(registries.jobs(), &subjects, |subject| {
        let parcel = fetch(&subject.place, whole.clone(), &registries, &*machine.progress)?;
        let evaluation = judge.judge(&parcel, &subject.place, &registries)?;
        Ok::<_, Failure>((parcel, evaluation))
    })?;
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name.as_str()).collect();
    let mut refused = Vec::new();
    for (name, (_, evaluation)) in names.iter().zip(&evaluated) {
        if !evaluation.is_accepted() {
            refused.push(((*name).to_owned(), reasons(evaluation)));
        }
    }
    let accepted = names.iter().zip(&evaluated).filter(|(_, (_, evaluation))| evaluation.is_accepted());
    if global.json && refused.is_empty() {
        let rows: Vec<Value> =
            accepted.map(|(name, (parcel, evaluation))| row(name, parcel, evaluation)).collect();
        print_json(&json!({ "verified": rows }));
    } else if !global.json {
        for (name, (parcel, evaluation)) in accepted {
            print(&format!("{}  {name}: {}", parcel.top.digest, accepted_as(evaluation)));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Refused { images: refused }) }
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
    let file = args.policy.clone().unwrap_or_else(|| folder.join(POLICY));
    if args.policy.is_none() && !file.exists() {
        return Err(Failure::Usage {
            message: "nothing says who is believed: there is no `policy.toml`".to_owned(),
            hint: "longshore verify --key cosign.pub, or `--identity WHO --issuer URL`".to_owned(),
        });
    }
    Ok(Policy::read(&file)?)
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

fn row(name: &str, parcel: &Parcel, evaluation: &Evaluation) -> Value {
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
    json!({ "image": name, "digest": parcel.top.digest, "signed": signed, "attested": attested })
}
