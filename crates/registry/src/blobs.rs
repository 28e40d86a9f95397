//! Blobs: whether they are there, and fetching them (distribution specification, end-2).

use std::io;

use longshore_net::{Failure, Method, Partial, Stop, header};
use longshore_oci::{Content, Step, Verify};

use crate::Error;
use crate::auth::Scope;
use crate::exchange::Ask;
use crate::repository::{By, Repository, Way};

impl Repository {
    /// Whether the blob is there, with the right size where the registry says it.
    ///
    /// # Errors
    /// When the registry does not say.
    pub fn has_blob(&self, content: &Content) -> Result<bool, Error> {
        let way = self.origin()?;
        match way.registry.ask(&way.blob_ask(Method::HEAD, content)) {
            Err(error) if error.is_not_found() => Ok(false),
            other => Ok(other?.size.is_none_or(|size| size == content.size)),
        }
    }

    /// Brings the blob into the store; nothing is asked when it is there. What broke off is taken up where it ended, in this
    /// run or a later one.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Different`] when the registry sends other bytes, or more.
    pub fn fetch_blob(&self, content: &Content, step: &dyn Step) -> Result<(), Error> {
        if self.store.has(content) {
            return Ok(());
        }
        let mut partial = Partial::claim(&self.store, content)?;
        step.advance(partial.size());
        let partial_cell = std::cell::RefCell::new(&mut partial);
        self.read(By::Digest, |way| way.fetch(content, &mut partial_cell.borrow_mut(), step))?;
        Ok(partial.adopt(&self.store)?)
    }
}

impl Way {
    pub(crate) fn blob_ask(&self, method: Method, content: &Content) -> Ask<'_> {
        let path = format!("blobs/{}", content.digest);
        Ask::new(method, &self.name, &path, Scope::pull(&self.name), format!("blob {}", content.digest))
    }

    /// Fills `partial` from here, and verifies it.
    fn fetch(&self, content: &Content, partial: &mut Partial, step: &dyn Step) -> Result<(), Error> {
        let mut resumed = partial.size() > 0;
        let mut wait = std::time::Duration::from_millis(250);
        let mut tries = 0;
        loop {
            let error = match self.transfer(content, partial, step) {
                Ok(()) => match partial.verify() {
                    Ok(()) => return Ok(()),
                    Err(reason) => self.different(content, reason),
                },
                Err(error) => error,
            };
            match &error {
                Error::Different { .. } => {
                    partial.restart().map_err(disk)?;
                    // The wrong bytes may be those that were there before.
                    if !resumed {
                        return Err(error);
                    }
                    resumed = false;
                }
                _ if error.is_transient() && tries < 3 => {
                    self.registry.pause(error, wait)?;
                    wait *= 2;
                    tries += 1;
                }
                _ => return Err(error),
            }
        }
    }

    fn transfer(&self, content: &Content, partial: &mut Partial, step: &dyn Step) -> Result<(), Error> {
        if partial.is_full() && content.size > 0 {
            return Ok(());
        }
        let mut ask = self.blob_ask(Method::GET, content);
        if partial.size() > 0 {
            ask.headers.push((header::RANGE, format!("bytes={}-", partial.size())));
        }
        let response = match self.registry.attempt(&ask) {
            // What we have is not the beginning of what the registry has: begin anew.
            Err(Error::Status { status: 416, .. }) if partial.size() > 0 => {
                partial.restart().map_err(disk)?;
                ask.headers.clear();
                self.registry.attempt(&ask)?
            }
            other => other?,
        };
        let host = || self.registry.host.clone();
        if response.media_type() == "text/html" {
            return Err(Error::WebPage { host: host(), what: ask.what });
        }
        let failed = |failure| Error::Unreachable { host: host(), failure };
        let (start, size) = response.span(partial.size()).map_err(failed)?;
        if let Some(size) = size.filter(|size| *size != content.size) {
            let failure = Failure::Size { expected: content.size, found: size };
            return Err(Error::Malformed { host: host(), what: ask.what, reason: failure.to_string() });
        }
        if start != partial.size() {
            partial.restart().map_err(disk)?;
        }
        let mut body = response.body;
        partial.fill(&mut body, step).map_err(|stop| match stop {
            Stop::Disk(error) => error.into(),
            Stop::Address(Failure::Different(reason)) => self.different(content, reason),
            Stop::Address(failure) => failed(failure),
        })
    }

    fn different(&self, content: &Content, reason: Verify) -> Error {
        let what = format!("blob {}", content.digest);
        Error::Different { host: self.registry.host.clone(), what, reason: Box::new(reason) }
    }
}

fn disk(error: io::Error) -> Error {
    Error::Store(error.into())
}
