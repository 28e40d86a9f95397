//! Sending: blobs, then what names them, then what refers to that; and reading it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use longshore_net::each;
use longshore_oci::{Content, Descriptor, Progress, Silent, Step};
use longshore_registry::{At, Client, Mounted, Upload};

use super::parcel::Blob;
use super::survey::{Mount, Survey, Surveyed};
use crate::Error;

/// Sends what `survey` found missing, without giving it a name, and reads it back. Returns the bytes of blobs and manifests that
/// were sent.
///
/// # Errors
/// When something can't be sent, or what is read back is not it. What was sent stays, and the next survey finds it.
pub fn send(survey: &Survey<'_>, client: &Client, progress: &dyn Progress) -> Result<u64, Error> {
    let sending = Sending { survey, client, sent: AtomicU64::new(0) };
    let bytes = survey.uploads.iter().map(|(content, _)| content.size).sum();
    progress.during("Pushing", "blobs", Some(bytes), |step| sending.blobs(step))?;
    each(client.jobs(), &survey.parcels, |surveyed| match sending.manifests(surveyed) {
        // It names a blob that the registry has lost, though what was there before names it too; or one that another push puts
        // there at the same time, and that the registry has only half.
        Err(Error::Registry(error)) if error.is_refusal() => {
            sending.lost(surveyed)?;
            sending.manifests(surveyed)
        }
        other => other,
    })?;
    Ok(sending.sent.into_inner())
}

struct Sending<'a> {
    survey: &'a Survey<'a>,
    client: &'a Client,
    /// Bytes so far.
    sent: AtomicU64,
}

impl Sending<'_> {
    fn blobs(&self, step: &dyn Step) -> Result<(), Error> {
        let (survey, jobs) = (self.survey, self.client.jobs());
        each(jobs, &survey.uploads, |(content, at)| self.upload(&survey.parcels[*at], content, None, step))?;
        each(jobs, &survey.mounts, |Mount { content, from, to }| {
            let to = &survey.parcels[*to];
            match to.repository.mount(content, &survey.parcels[*from].repository)? {
                Mounted::Yes => Ok(()),
                // Some registries keep the blobs of all repositories together, and say that they do not mount.
                Mounted::No(_) if to.repository.has_blob(content)? => Ok(()),
                Mounted::No(begun) => self.upload(to, content, Some(begun), step),
            }
        })?;
        Ok(())
    }

    /// Sends a blob; `begun` is an upload of it that was begun already.
    fn upload(
        &self,
        to: &Surveyed<'_>,
        content: &Content,
        mut begun: Option<Upload>,
        step: &dyn Step,
    ) -> Result<(), Error> {
        // Only what a parcel has was surveyed.
        let Some(blob) = self.survey.blob(content) else { return Ok(()) };
        let from = match blob {
            Blob::Remote(from) => Some(Arc::clone(from)),
            Blob::Taken(_, from) => Some(Arc::new(self.client.repository(from)?)),
            Blob::Bytes(_) | Blob::File(_) => None,
        };
        if let Some(from) = from.filter(|from| to.repository.is_beside(from)) {
            match to.repository.mount(content, &from)? {
                Mounted::Yes => return Ok(()),
                Mounted::No(upload) => begun = Some(upload),
            }
        }
        let blob = blob.here(content, self.client.store(), &Silent)?;
        to.repository.upload(content, &|offset| blob.open(offset), begun, step)?;
        self.sent.fetch_add(content.size, Ordering::Relaxed);
        Ok(())
    }

    /// Sends those blobs that are believed to be there and are not.
    fn lost(&self, surveyed: &Surveyed<'_>) -> Result<(), Error> {
        let believed = |content: &&Content| self.survey.believed.iter().any(|(known, _)| known == *content);
        let believed: Vec<_> = surveyed.parcel.blobs.keys().filter(believed).copied().collect();
        let there = each(self.client.jobs(), &believed, |content| surveyed.repository.has_blob(content))?;
        let lost: Vec<_> = believed.into_iter().zip(there).filter(|(_, there)| !there).collect();
        each(self.client.jobs(), &lost, |(content, _)| self.upload(surveyed, content, None, &Silent))?;
        Ok(())
    }

    fn manifests(&self, surveyed: &Surveyed<'_>) -> Result<(), Error> {
        let (repository, jobs) = (&surveyed.repository, self.client.jobs());
        let missing: Vec<_> =
            surveyed.manifests.iter().filter_map(|&at| surveyed.parcel.manifests.get(at)).collect();
        // Indexes come last, and name what is there by then.
        let (last, first) = match missing.split_last() {
            Some((last, first)) if last.0.digest == surveyed.parcel.top.digest => (Some(*last), first),
            _ => (None, &missing[..]),
        };
        let put = |(descriptor, bytes): &(Descriptor, Vec<u8>)| -> Result<(), Error> {
            repository.put_manifest(&descriptor.media_type, bytes)?;
            self.sent.fetch_add(descriptor.size, Ordering::Relaxed);
            Ok(())
        };
        each(jobs, first, |manifest| put(manifest))?;
        last.map_or(Ok(()), put)?;
        // Those that are there, too: whether a list names them is another matter.
        for (at, referrer) in surveyed.parcel.referrers.iter().enumerate() {
            repository.put_referrer(&referrer.subject.digest, &referrer.entry, &referrer.bytes)?;
            if surveyed.referrers.contains(&at) {
                self.sent.fetch_add(referrer.entry.size, Ordering::Relaxed);
            }
        }
        // By digest, so that what comes back can only be what was sent.
        each(jobs, &missing, |(descriptor, _)| {
            repository.manifest(&At::Digest(descriptor.digest)).map(drop)
        })?;
        Ok(())
    }
}
