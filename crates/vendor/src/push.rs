//! The artifact in a registry.

use std::io::Read;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use longshore_oci::{Content, Progress, Store, media_type};
use longshore_registry::Repository;

use crate::{Error, Plan, Sent};

/// Sends `plan` to `repository` and calls it `tag`: blobs that are not there, `jobs` at once, then the manifest, and the tag last. What
/// broke off goes on where it ended when it is sent again.
pub fn push(
    plan: &Plan,
    repository: &Repository,
    tag: &str,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Sent, Error> {
    let (config, manifest) = (plan.config(), plan.manifest());
    let sent = AtomicU64::new(0);
    let send = |title: &str, content: &Content, open: &longshore_registry::Source<'_>| -> Result<(), Error> {
        if repository.has_blob(content)? {
            return Ok(());
        }
        progress.during("Pushing", title, Some(content.size), |step| {
            repository.upload(content, open, None, step)
        })?;
        sent.fetch_add(content.size, Ordering::Relaxed);
        Ok(())
    };
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), Error> {
        while let Some(layer) = plan.layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let open = |from: u64| layer.open(store, from);
            let done = send(layer.title(), &layer.descriptor.content(), &open);
            if done.is_err() {
                // The others end with what they are at.
                next.store(plan.layers.len(), Ordering::Relaxed);
            }
            done?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let open = |from: u64| {
        let rest = config.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
        Ok(Box::new(rest) as Box<dyn Read>)
    };
    send("list of inputs", &Content::of(&config), &open)?;
    let content = repository.put_manifest(media_type::MANIFEST, &manifest)?;
    repository.tag(tag, media_type::MANIFEST, &manifest)?;
    Ok(Sent { manifest: content.digest, bytes: sent.into_inner() })
}
