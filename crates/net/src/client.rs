//! The client: files and HTTP alike, several transfers at once, tries repeated where that may help.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fs_err as fs;

use crate::coding::Coding;
use crate::each::each;
use crate::http::{Http, broken};
use crate::proxy::Routes;
use crate::read::{self, Answer};
use crate::{Access, Attempt, Failure, NetError, Settings, Url};

/// Fetches from `http:`, `https:` and `file:` addresses; shared by all threads.
pub struct Client {
    settings: Settings,
    routes: Routes,
    /// Made at the first request: most commands need no network, and certificates take time to read.
    http: Mutex<Option<Arc<Http>>>,
}

/// Where an address leads, and that it may be read.
pub(crate) enum Source {
    File(PathBuf),
    Http(Arc<Http>),
}

impl Client {
    /// A client for `settings`. Certificates are read at the first request, and an error in them is told then.
    pub fn new(settings: Settings) -> Result<Self, NetError> {
        Ok(Self { routes: Routes::new(&settings.proxies)?, settings, http: Mutex::new(None) })
    }

    /// Whether the network may be used.
    pub fn access(&self) -> Access {
        self.settings.access
    }

    /// All of what is at `url`, which may be at most `limit` bytes. Nothing of it is verified.
    pub fn get_bounded(&self, url: &Url, limit: u64) -> Result<Vec<u8>, NetError> {
        self.get(url, limit, Coding::Kept)
    }

    /// As [`Client::get_bounded`], with what the server did to the bytes for the way (`Content-Encoding`) undone.
    pub fn get_decoded(&self, url: &Url, limit: u64) -> Result<Vec<u8>, NetError> {
        self.get(url, limit, Coding::Undone)
    }

    fn get(&self, url: &Url, limit: u64, coding: Coding) -> Result<Vec<u8>, NetError> {
        let source = self.source(url)?;
        let get = || {
            let answer = source.open(url, 0)?.with(coding)?;
            if answer.size.is_some_and(|size| size > limit) {
                return Err(Failure::TooLarge { limit });
            }
            let mut bytes = Vec::new();
            answer.body.take(limit + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            if bytes.len() as u64 > limit { Err(Failure::TooLarge { limit }) } else { Ok(bytes) }
        };
        self.retry(get)
            .map_err(|failure| NetError::Failed { attempts: vec![Attempt { url: url.clone(), failure }] })
    }

    /// [`each`] with as many transfers at once as the settings say.
    ///
    /// # Errors
    /// That of the first item in order that failed.
    pub fn each<T: Sync, R: Send, E: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> Result<R, E> + Sync,
    ) -> Result<Vec<R>, E> {
        each(self.settings.jobs, items, work)
    }

    /// Where `url` leads, if it may be read.
    pub(crate) fn source(&self, url: &Url) -> Result<Source, NetError> {
        if let Some(path) = url.file() {
            return Ok(Source::File(path));
        }
        if self.settings.access == Access::Offline {
            return Err(NetError::Offline { url: url.clone() });
        }
        let mut http = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match &*http {
            Some(made) => made.clone(),
            None => Arc::new(Http::on(&self.settings, self.routes.clone())?),
        };
        *http = Some(made.clone());
        Ok(Source::Http(made))
    }

    /// Repeats `attempt` while that may help, waiting longer each time.
    pub(crate) fn retry<T>(&self, mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut wait = Duration::from_millis(250);
        for _ in 0..self.settings.retries {
            match attempt() {
                Err(failure) if failure.is_transient() => std::thread::sleep(wait),
                other => return other,
            }
            wait *= 2;
        }
        attempt()
    }
}

impl Source {
    /// Begins to read `url`, which led here, from byte `offset` on where the server can.
    pub(crate) fn open(&self, url: &Url, offset: u64) -> Result<Answer, Failure> {
        match self {
            Self::File(path) => open_file(path, offset),
            Self::Http(http) => read::open(http, url, offset),
        }
    }
}

fn open_file(path: &Path, offset: u64) -> Result<Answer, Failure> {
    let open = || -> io::Result<_> {
        let mut file = fs::File::open(path)?;
        let size = file.metadata()?.len();
        let start = offset.min(size);
        file.seek(SeekFrom::Start(start))?;
        Ok(Answer {
            body: Box::new(file),
            start,
            size: Some(size),
            media_type: String::new(),
            coding: String::new(),
        })
    };
    open().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound,
        _ => Failure::File(error),
    })
}
