//! `longshore sign` and `attest`: statements about images, signed and put beside them.

use std::path::Path;

use longshore_net::each;
use longshore_oci::{Content, Descriptor, Digest, Reference, read_bounded};
use longshore_publish::copy::{Place, Referrers, Whole, deliver, fetch};
use longshore_publish::registry::{Blob, Parcel, Referrer, Tagging};
use longshore_registry::{At, Client as Registries};
use longshore_trust::attachment::{Attachment, Older, OlderLayer, appended};
use longshore_trust::statement::predicate_type;
use longshore_trust::{Signing, Statement, TrustError};
use serde_json::{Value, json};

use super::author::Signer;
use super::documents::Documents;
use super::read_back::ReadBack;
use super::{Subject, repository, subjects};
use crate::args::{self, Attest, Global, Sign};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, plural, print, print_json};

/// More bytes than this are no predicate.
const LIMIT: u64 = 48 << 20;

pub fn sign(
    args: &Sign,
    global: &Global,
    project: &dyn Fn() -> Result<Project, Failure>,
    machine: &Machine,
) -> Result<(), Failure> {
    let say = |subject: Digest, _: &Parcel| Statement::signature(subject);
    let older = args.legacy.then_some(Older::Signatures);
    let subjects = subjects(&args.images, project)?;
    said(&subjects, &args.author, older, &say, global, machine, "signed")
}

pub fn attest(
    args: &Attest,
    global: &Global,
    project: &dyn Fn() -> Result<Project, Failure>,
    machine: &Machine,
) -> Result<(), Failure> {
    let kind = predicate_type(&args.kind).map_err(|reason| Failure::Usage {
        message: reason,
        hint: "longshore attest --type slsa-provenance --predicate FILE".to_owned(),
    })?;
    let bytes = fs_err::File::open(&args.predicate)
        .and_then(|file| read_bounded(file, LIMIT))
        .map_err(Failure::Io)?;
    let predicate: Value = serde_json::from_slice(&bytes).map_err(|error| Failure::Usage {
        message: format!("`{}` is no JSON document: {error}", args.predicate.display()),
        hint: "longshore attest --type slsa-provenance --predicate FILE".to_owned(),
    })?;
    let say = |subject: Digest, parcel: &Parcel| Statement {
        subject,
        name: Some(repository(&parcel.repository)),
        predicate_type: kind.clone(),
        predicate: predicate.clone(),
    };
    let older = args.legacy.then_some(Older::Attestations);
    let subjects = subjects(&args.images, project)?;
    said(&subjects, &args.author, older, &say, global, machine, "attested")
}

type Say<'a> = dyn Fn(Digest, &Parcel) -> Statement + Sync + 'a;

/// Says something of images, and of what each names, all by one author.
fn said(
    subjects: &[Subject],
    author: &args::Author,
    older: Option<Older>,
    say: &Say<'_>,
    global: &Global,
    machine: &Machine,
    done: &str,
) -> Result<(), Failure> {
    if older.is_some() {
        subjects.iter().try_for_each(|subject| with_tags(subject).map(drop))?;
    }
    let (signer, witnesses) = Signer::new(author, machine)?;
    let registries = machine.registries();
    let whole = Whole { platform: None, referrers: Referrers::Left };
    // Before anything is signed, and before an identity is spent: what can't be found can't be signed.
    let parcels = each(registries.jobs(), subjects, |subject| {
        Ok::<_, Failure>(fetch(&subject.place, whole.clone(), &registries, &*machine.progress)?)
    })?;
    let signing = Signing::begin(&signer.author(), witnesses.as_ref())?;
    let pairs: Vec<(&Subject, &Parcel)> = subjects.iter().zip(&parcels).collect();
    // A layout's index and an older tag are read, added to and written: two at once would lose what one of them added.
    let in_layout = subjects.iter().any(|subject| matches!(subject.place, Place::Layout { .. }));
    let jobs = if in_layout || older.is_some() { 1 } else { registries.jobs() };
    each(jobs, &pairs, |(subject, parcel)| {
        let manifests: Vec<Descriptor> =
            parcel.manifests.iter().map(|(descriptor, _)| descriptor.clone()).collect();
        let attached = each(registries.jobs(), &manifests, |manifest| {
            let statement = say(manifest.digest, parcel);
            let bundle = signing.sign(&statement)?;
            let layer =
                older.map(|older| older_layer(older, &signing, &statement, &bundle, parcel)).transpose()?;
            Ok::<_, Failure>((Attachment::new(&bundle, &statement.predicate_type, manifest), layer))
        })?;
        let mut signed = Parcel::clone(parcel);
        let mut layers = Vec::new();
        for (manifest, (attachment, layer)) in manifests.iter().zip(attached) {
            attach(&mut signed, attachment);
            layers.extend(layer.map(|layer| (manifest.digest, layer)));
        }
        put(subject, signed, machine, &registries)?;
        let appended = |older| {
            layers.iter().try_for_each(|(digest, layer)| append(subject, older, digest, layer, &registries))
        };
        older.map_or(Ok(()), appended)
    })?;
    report(subjects, &parcels, global, done);
    Ok(())
}

/// Has `parcel` take along what hangs on it.
pub fn attach(parcel: &mut Parcel, attachment: Attachment) {
    parcel.blobs.extend(attachment.blobs.into_iter().map(|bytes| (Content::of(&bytes), Blob::Bytes(bytes))));
    let Attachment { subject, entry, manifest, .. } = attachment;
    parcel.referrers.push(Referrer { subject, entry, bytes: manifest });
}

/// Puts what hangs on an image where the image is.
fn put(subject: &Subject, parcel: Parcel, machine: &Machine, registries: &Registries) -> Result<(), Failure> {
    let place = match &subject.place {
        // By digest: no name moves.
        Place::Registry(reference) => Place::Registry(reference.with_digest(parcel.top.digest)),
        other => other.clone(),
    };
    deliver(parcel, &place, &Tagging::default(), registries, &*machine.progress)?;
    Ok(())
}

fn older_layer(
    older: Older,
    signing: &Signing<'_>,
    statement: &Statement,
    bundle: &longshore_trust::Bundle,
    parcel: &Parcel,
) -> Result<OlderLayer, TrustError> {
    match older {
        Older::Attestations => OlderLayer::attestation(bundle, &statement.predicate_type),
        Older::Signatures => {
            let payload = OlderLayer::payload(&statement.subject, &repository(&parcel.repository));
            signing.sign_older(payload)
        }
    }
}

/// Where an image is, if that has tags.
fn with_tags(subject: &Subject) -> Result<&Reference, Failure> {
    match &subject.place {
        Place::Registry(reference) => Ok(reference),
        _ => Err(Failure::Usage {
            message: format!("`--legacy` writes tags of a registry, and `{}` is in none", subject.name),
            hint: "leave `--legacy` out".to_owned(),
        }),
    }
}

/// Appends a layer to an older tag.
fn append(
    subject: &Subject,
    older: Older,
    digest: &Digest,
    layer: &OlderLayer,
    registries: &Registries,
) -> Result<(), Failure> {
    let repository = registries.repository(with_tags(subject)?)?;
    let tag = older.tag(digest);
    let before = match repository.manifest(&At::Tag(tag.clone())) {
        Err(error) if error.is_not_found() => None,
        other => Some(other?),
    };
    let before = before.map(|found| {
        serde_json::from_slice(&found.bytes).map_err(|error| Failure::Usage {
            message: format!("`{tag}` of {} can't be understood: {error}", repository.name()),
            hint: "leave `--legacy` out".to_owned(),
        })
    });
    let (manifest, config) = appended(before.transpose()?.as_ref(), &layer.descriptor);
    for bytes in [&layer.bytes, &config] {
        let content = Content::of(bytes);
        if !repository.has_blob(&content)? {
            let open = |from: u64| {
                let start = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Ok(Box::new(&bytes[start..]) as Box<dyn std::io::Read>)
            };
            repository.upload(&content, &open, None, &longshore_oci::Silent)?;
        }
    }
    Ok(repository.tag(&tag, longshore_oci::media_type::MANIFEST, &manifest.to_bytes())?)
}

fn report(subjects: &[Subject], parcels: &[Parcel], global: &Global, done: &str) {
    if global.json {
        let rows = subjects.iter().zip(parcels).map(|(subject, parcel)| {
            let digests: Vec<String> =
                parcel.manifests.iter().map(|(manifest, _)| manifest.digest.to_string()).collect();
            json!({ "image": subject.name, "digest": parcel.top.digest, "manifests": digests })
        });
        print_json(&json!({ done: rows.collect::<Vec<_>>() }));
        return;
    }
    for (subject, parcel) in subjects.iter().zip(parcels) {
        let others = parcel.manifests.len() - 1;
        let with = if others == 0 {
            String::new()
        } else {
            format!(", and {} below it", plural(others, "manifest"))
        };
        print(&format!("{}  {done} {}{with}", parcel.top.digest, subject.name));
    }
}

/// Signs `parcels` before they go anywhere, and what `documents` say of them: `push --sign` and `--attest`. Returns what holds it to
/// what it should be.
pub fn sign_parcels(
    parcels: &mut [Parcel],
    author: &args::Author,
    documents: Option<&Documents<'_>>,
    trusted_root: Option<&Path>,
    machine: &Machine,
) -> Result<Option<ReadBack>, Failure> {
    let (signer, witnesses) = Signer::new(author, machine)?;
    let mut read_back = ReadBack::new(&signer, author, trusted_root, machine)?;
    let signing = Signing::begin(&signer.author(), witnesses.as_ref())?;
    for parcel in parcels {
        let mut said = Vec::new();
        for (manifest, _) in &parcel.manifests {
            said.push((manifest.clone(), Statement::signature(manifest.digest)));
            for statement in documents.iter().flat_map(|documents| documents.about(parcel, manifest)) {
                said.push((manifest.clone(), statement));
            }
        }
        let attached = each(machine.jobs().get(), &said, |(manifest, statement)| {
            let bundle = signing.sign(statement)?;
            Ok::<_, Failure>(Attachment::new(&bundle, &statement.predicate_type, manifest))
        })?;
        for attachment in attached {
            read_back.iter_mut().for_each(|read_back| read_back.expect(&attachment));
            attach(parcel, attachment);
        }
    }
    Ok(read_back)
}
