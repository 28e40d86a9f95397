//! Sending: blobs, then what names them, then what refers to that; and reading it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use longshore_net::each;
use longshore_oci::{Content, Progress, Silent, Step};
use longshore_registry::{At, Client, Mounted};

use super::parcel::Blob;
use super::survey::{Mount, Survey, Surveyed};
use crate::Error;

/// Sends what `survey` found missing, without giving it a name, and reads it back. Returns the bytes of blobs and manifests that
/// were sent.
///
/// # Errors
/// When something can't be sent, or what is read back is not it. What was sent stays, and the next survey finds it.
pub fn send(survey: &Survey<'_>, client: &Client, progress: &dyn Progress) -> Result<u64, Error> {
    let jobs = client.jobs();
    let sent = AtomicU64::new(0);
    let step = progress.begin(
        "Pushing",
        "blobs",
        Some(survey.uploads.iter().map(|(content, _)| content.size).sum()),
    );
    let done = blobs(survey, client, &*step, &sent);
    if done.is_err() {
        step.fail();
    }
    done?;
    drop(step);
    each(jobs, &survey.parcels, |surveyed| manifests(surveyed, jobs, &sent))?;
    Ok(sent.into_inner())
}

fn blobs(survey: &Survey<'_>, client: &Client, step: &dyn Step, sent: &AtomicU64) -> Result<(), Error> {
    let jobs = client.jobs();
    let upload = |content: &Content, at: usize, begun| -> Result<(), Error> {
        // Only what a parcel has was surveyed.
        let Some(blob) = survey.blob(content) else { return Ok(()) };
        let repository = &survey.parcels[at].repository;
        let mut begun = begun;
        let from = match blob {
            Blob::Remote(from) => Some(Arc::clone(from)),
            Blob::Taken(_, from) => Some(Arc::new(client.repository(from)?)),
            Blob::Bytes(_) | Blob::File(_) => None,
        };
        if let Some(from) = from.filter(|from| repository.is_beside(from)) {
            match repository.mount(content, &from)? {
                Mounted::Yes => return Ok(()),
                Mounted::No(upload) => begun = Some(upload),
            }
        }
        let blob = blob.here(content, client.store(), &Silent)?;
        repository.upload(content, &|offset| blob.open(offset), begun, step)?;
        sent.fetch_add(content.size, Ordering::Relaxed);
        Ok(())
    };
    each(jobs, &survey.uploads, |(content, at)| upload(content, *at, None))?;
    each(jobs, &survey.mounts, |Mount { content, from, to }| {
        let repository = &survey.parcels[*to].repository;
        match repository.mount(content, &survey.parcels[*from].repository)? {
            Mounted::Yes => Ok(()),
            // Some registries keep the blobs of all repositories together, and say that they do not mount.
            Mounted::No(_) if repository.has_blob(content)? => Ok(()),
            Mounted::No(begun) => upload(content, *to, Some(begun)),
        }
    })?;
    Ok(())
}

fn manifests(surveyed: &Surveyed<'_>, jobs: usize, sent: &AtomicU64) -> Result<(), Error> {
    let repository = &surveyed.repository;
    let missing: Vec<_> =
        surveyed.manifests.iter().filter_map(|&at| surveyed.parcel.manifests.get(at)).collect();
    // Indexes come last, and name what is there by then.
    let (last, first) = match missing.split_last() {
        Some((last, first)) if last.0.digest == surveyed.parcel.top.digest => (Some(*last), first),
        _ => (None, &missing[..]),
    };
    let put = |(descriptor, bytes): &(longshore_oci::Descriptor, Vec<u8>)| -> Result<(), Error> {
        repository.put_manifest(&descriptor.media_type, bytes)?;
        sent.fetch_add(descriptor.size, Ordering::Relaxed);
        Ok(())
    };
    each(jobs, first, |manifest| put(manifest))?;
    last.map_or(Ok(()), put)?;
    for referrer in &surveyed.parcel.referrers {
        repository.put_referrer(&referrer.subject.digest, &referrer.entry, &referrer.bytes)?;
    }
    // By digest, so that what comes back can only be what was sent.
    each(jobs, &missing, |(descriptor, _)| repository.manifest(&At::Digest(descriptor.digest)).map(drop))?;
    Ok(())
}
