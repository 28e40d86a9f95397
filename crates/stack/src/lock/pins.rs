//! The parts of a lock's text that pin single files: `[[url]]` and `[go]`.

use std::collections::BTreeSet;

use longshore_oci::Content;
use serde::Deserialize;
use toml::Spanned;

use super::parse::File;
use super::{LockError, LockedUrl};
use crate::check::is_go_sum;

#[derive(Deserialize)]
pub(super) struct RawUrl {
    name: Spanned<String>,
    platform: Option<Spanned<String>>,
    url: String,
    size: u64,
    sha256: Spanned<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct RawGo {
    sums: Vec<Spanned<String>>,
}

pub(super) fn urls(file: &File, all: Vec<RawUrl>) -> Result<Vec<LockedUrl>, LockError> {
    let mut urls: Vec<LockedUrl> = Vec::new();
    for raw in all {
        raw.platform.as_ref().map_or(Ok(()), |platform| file.platform(platform))?;
        let content = Content { digest: file.digest(&raw.sha256)?, size: raw.size };
        let (span, name) = (raw.name.span(), raw.name.into_inner());
        let platform = raw.platform.map(Spanned::into_inner);
        if urls.iter().any(|url| url.name == name && url.platform == platform) {
            return Err(file.damaged(span, format!("url `{name}` is locked twice")));
        }
        urls.push(LockedUrl { name, platform, url: raw.url, content });
    }
    urls.sort_by(|a, b| (&a.name, &a.platform).cmp(&(&b.name, &b.platform)));
    Ok(urls)
}

pub(super) fn go_sums(file: &File, go: RawGo) -> Result<BTreeSet<String>, LockError> {
    let mut sums = BTreeSet::new();
    for line in go.sums {
        let words: Vec<_> = line.get_ref().split(' ').collect();
        let right = matches!(words[..], [path, version, sum] if !path.is_empty() && !version.is_empty() && is_go_sum(sum));
        if !right {
            return Err(file.damaged(
                line.span(),
                format!("`{}` is not a line of a `go.sum`: `MODULE VERSION h1:…=`", line.get_ref()),
            ));
        }
        sums.insert(line.into_inner());
    }
    Ok(sums)
}
