//! The package lists of suites: which there are, fetched by digest, decompressed within bounds.

use std::io::{self, Read};

use longshore_oci::{Content, Digest, read_bounded};

use super::{Archives, Suite};
use crate::deb::Error;
use longshore_net::{NetError, Url};

/// No package list is larger, decompressed; trixie's largest has 57 MB.
const LIMIT: u64 = 512 << 20;
/// No decompressor may use more memory.
const MEMORY: u64 = 256 << 20;

/// How lists are compressed, best first.
const FORMS: [(&str, Form); 4] =
    [(".xz", Form::Xz), (".zst", Form::Zstd), (".gz", Form::Gzip), ("", Form::Plain)];

#[derive(Debug, Clone, Copy)]
enum Form {
    Xz,
    Zstd,
    Gzip,
    Plain,
}

/// One package list.
pub(super) struct List<'a> {
    pub(super) suite: &'a Suite,
    /// Below the suite's folder.
    file: String,
    form: Form,
    content: Content,
}

/// The lists of `suites` for `architecture`, in the order in which apt reads them.
pub(super) fn wanted<'a>(suites: &'a [Suite], architecture: &str) -> Result<Vec<List<'a>>, Error> {
    let mut all = Vec::new();
    for suite in suites {
        for component in &suite.spec.components {
            let own = find(suite, component, architecture);
            let shared = if suite.release.has_all_apart() { find(suite, component, "all") } else { None };
            if own.is_none() && shared.is_none() {
                return Err(Error::NoPackages {
                    source_name: suite.source.clone(),
                    suite: suite.locked.suite.clone(),
                    component: component.clone(),
                    architecture: architecture.to_owned(),
                });
            }
            all.extend(own.into_iter().chain(shared));
        }
    }
    Ok(all)
}

fn find<'a>(suite: &'a Suite, component: &str, architecture: &str) -> Option<List<'a>> {
    FORMS.iter().find_map(|(end, form)| {
        let file = format!("{component}/binary-{architecture}/Packages{end}");
        let content = *suite.release.file(&file)?;
        Some(List { suite, file, form: *form, content })
    })
}

/// Names everything that decides what the index holds.
pub(super) fn key(lists: &[List], architecture: &str) -> Digest {
    let mut text = format!("{architecture}\n");
    for list in lists {
        text += &format!("{}\n{}\n{}\n", list.suite.source, list.suite.locked.suite, list.content.digest);
    }
    Digest::of(text.as_bytes())
}

impl List<'_> {
    /// The list's text, fetched where the store does not have it.
    pub(super) fn read(&self, archives: &Archives) -> Result<Vec<u8>, Error> {
        self.fetch(archives).map_err(|error| Error::List {
            source_name: self.suite.source.clone(),
            suite: self.suite.locked.suite.clone(),
            file: self.file.clone(),
            error: Box::new(error),
        })?;
        let blob = archives.store.open_blob(&self.content)?;
        self.decompress(blob).map_err(|error| Error::Decompress {
            source_name: self.suite.source.clone(),
            suite: self.suite.locked.suite.clone(),
            file: self.file.clone(),
            error,
        })
    }

    fn fetch(&self, archives: &Archives) -> Result<(), NetError> {
        if archives.store.has(&self.content) {
            return Ok(());
        }
        let what = format!("{} {} {}", self.suite.source, self.suite.locked.suite, self.file);
        archives.progress.during("Fetching", &what, Some(self.content.size), |step| {
            archives.client.download(&self.addresses(), &self.content, archives.store, step)
        })
    }

    /// By digest where offered: under its name, a list may be newer already than the release file.
    fn addresses(&self) -> Vec<Url> {
        let by_hash = self.file.rsplit_once('/').filter(|_| self.suite.release.has_by_hash());
        let by_hash =
            by_hash.map(|(folder, _)| format!("{folder}/by-hash/SHA256/{}", self.content.digest.hex()));
        let names: Vec<_> = by_hash.into_iter().chain([self.file.clone()]).collect();
        let folders = self.suite.archives.iter().map(|url| url.join("dists").join(&self.suite.locked.suite));
        folders.flat_map(|folder| names.iter().map(|name| folder.join(name)).collect::<Vec<_>>()).collect()
    }

    fn decompress(&self, blob: impl Read) -> io::Result<Vec<u8>> {
        match self.form {
            Form::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(MEMORY, liblzma::stream::CONCATENATED)?;
                read_bounded(liblzma::read::XzDecoder::new_stream(blob, stream), LIMIT)
            }
            Form::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(blob), LIMIT),
            Form::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(blob)?;
                decoder.window_log_max(27)?;
                read_bounded(decoder, LIMIT)
            }
            Form::Plain => read_bounded(blob, LIMIT),
        }
    }
}
