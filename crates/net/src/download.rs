//! Verified downloads: from the first of several addresses that has the right bytes, into the store.

use longshore_oci::{Content, Step, Store};

use crate::client::Source;
use crate::coding::Coding;
use crate::partial::{Partial, Stop};
use crate::{Attempt, Client, Failure, NetError, Url};

impl Client {
    /// Brings `content` into the store from the first of `urls` that has it; nothing is asked when the store has it.
    ///
    /// What broke off is taken up where it ended, in this run or a later one. Bytes are counted and hashed as they come:
    /// more than promised end the transfer at once, and only the right ones reach the store.
    pub fn download(
        &self,
        urls: &[Url],
        content: &Content,
        store: &Store,
        step: &dyn Step,
    ) -> Result<(), NetError> {
        self.bring(urls, content, store, step, Coding::Kept)
    }

    /// As [`Client::download`], with what a server did to the bytes for the way (`Content-Encoding`) undone; `content` is what
    /// comes of that.
    pub fn download_decoded(
        &self,
        urls: &[Url],
        content: &Content,
        store: &Store,
        step: &dyn Step,
    ) -> Result<(), NetError> {
        self.bring(urls, content, store, step, Coding::Undone)
    }

    fn bring(
        &self,
        urls: &[Url],
        content: &Content,
        store: &Store,
        step: &dyn Step,
        coding: Coding,
    ) -> Result<(), NetError> {
        if store.has(content) {
            return Ok(());
        }
        let mut sources = Vec::new();
        for url in urls {
            match self.source(url) {
                Ok(source) => sources.push((url, source)),
                Err(NetError::Offline { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if sources.is_empty() {
            return Err(urls.first().map_or(NetError::Nowhere, |url| NetError::Offline { url: url.clone() }));
        }
        let mut partial = Partial::claim(store, content)?;
        step.advance(partial.size());
        let mut attempts = Vec::new();
        for (url, source) in sources {
            match self.from(url, &source, coding, content, &mut partial, step) {
                Ok(()) => return Ok(partial.adopt(store)?),
                Err(Stop::Address(failure)) => attempts.push(Attempt { url: url.clone(), failure }),
                Err(Stop::Disk(error)) => return Err(error.into()),
            }
        }
        Err(NetError::Failed { attempts })
    }

    /// Fills `partial` from one address and verifies it.
    fn from(
        &self,
        url: &Url,
        source: &Source,
        coding: Coding,
        content: &Content,
        partial: &mut Partial,
        step: &dyn Step,
    ) -> Result<(), Stop> {
        let resumed = partial.size() > 0;
        let mut disk = None;
        let result = self.retry(|| match transfer(url, source, coding, content, partial, step) {
            Ok(()) => Ok(()),
            Err(Stop::Address(failure)) => Err(failure),
            Err(Stop::Disk(error)) => {
                disk = Some(error);
                Ok(())
            }
        });
        if let Some(error) = disk {
            return Err(Stop::Disk(error));
        }
        match result.and_then(|()| partial.verify().map_err(Failure::Different)) {
            Ok(()) => Ok(()),
            Err(failure @ Failure::Different(_)) => {
                partial.restart().map_err(|error| Stop::Disk(error.into()))?;
                // The wrong bytes may be those that were there before.
                if resumed {
                    self.from(url, source, coding, content, partial, step)
                } else {
                    Err(Stop::Address(failure))
                }
            }
            Err(failure) => Err(Stop::Address(failure)),
        }
    }
}

fn transfer(
    url: &Url,
    source: &Source,
    coding: Coding,
    content: &Content,
    partial: &mut Partial,
    step: &dyn Step,
) -> Result<(), Stop> {
    let disk = |error: std::io::Error| Stop::Disk(error.into());
    if partial.is_full() && content.size > 0 {
        return Ok(());
    }
    let mut answer = source.open(url, partial.size()).map_err(Stop::Address)?;
    if answer.media_type == "text/html" {
        return Err(Stop::Address(Failure::WebPage));
    }
    if coding == Coding::Undone && !answer.coding.is_empty() {
        // Where what we have ends in the coded bytes, nobody knows.
        if answer.start > 0 {
            answer = source.open(url, 0).map_err(Stop::Address)?;
        }
        answer = answer.with(coding).map_err(Stop::Address)?;
    }
    if let Some(found) = answer.size.filter(|size| *size != content.size) {
        return Err(Stop::Address(Failure::Size { expected: content.size, found }));
    }
    if answer.start != partial.size() {
        partial.restart().map_err(disk)?;
    }
    partial.fill(&mut answer.body, step)
}
