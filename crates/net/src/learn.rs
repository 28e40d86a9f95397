//! Downloads whose content nobody knows yet: what came is the answer, to be pinned.

use std::io::{Read as _, Write as _};

use longshore_oci::{Content, Step, Store};

use crate::client::Source;
use crate::http::broken;
use crate::partial::Stop;
use crate::{Attempt, Client, Failure, NetError, Url};

impl Client {
    /// Brings what is at `url` into the store, at most `limit` bytes, and says what it is. Nothing of it is verified.
    pub fn learn(&self, url: &Url, limit: u64, store: &Store, step: &dyn Step) -> Result<Content, NetError> {
        let source = self.source(url)?;
        let mut disk = None;
        let learnt = self.retry(|| match transfer(url, &source, limit, store, step) {
            Ok(content) => Ok(Some(content)),
            Err(Stop::Address(failure)) => Err(failure),
            Err(Stop::Disk(error)) => {
                disk = Some(error);
                Ok(None)
            }
        });
        if let Some(error) = disk {
            return Err(error.into());
        }
        let failed = |failure| NetError::Failed { attempts: vec![Attempt { url: url.clone(), failure }] };
        learnt.map_err(failed)?.ok_or(NetError::Nowhere)
    }
}

fn transfer(url: &Url, source: &Source, limit: u64, store: &Store, step: &dyn Step) -> Result<Content, Stop> {
    let mut answer = source.open(url, 0).map_err(Stop::Address)?;
    if answer.media_type == "text/html" {
        return Err(Stop::Address(Failure::WebPage));
    }
    let mut writer = store.writer().map_err(Stop::Disk)?;
    let (mut buffer, mut seen) = (vec![0; 1 << 16], 0);
    loop {
        let read = answer.body.read(&mut buffer).map_err(|error| Stop::Address(broken(&error)))?;
        if read == 0 {
            break;
        }
        seen += read as u64;
        if seen > limit {
            return Err(Stop::Address(Failure::TooLarge { limit }));
        }
        writer.write_all(&buffer[..read]).map_err(|error| Stop::Disk(error.into()))?;
        step.advance(read as u64);
    }
    if let Some(expected) = answer.size.filter(|size| *size != seen) {
        let reason = format!("the connection ended after {seen} of {expected} bytes");
        return Err(Stop::Address(Failure::Connection { reason }));
    }
    writer.commit().map_err(Stop::Disk)
}
