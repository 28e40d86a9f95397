//! Tags (distribution specification, end-8 and end-9).

use longshore_net::{Failure, Method, header};
use serde::Deserialize;

use crate::Error;
use crate::auth::Scope;
use crate::exchange::{Ask, Target};
use crate::repository::Repository;

/// Most bytes of one page.
const PAGE: u64 = 16 << 20;
/// Most pages that are read.
const PAGES: usize = 10_000;

#[derive(Deserialize)]
struct Page {
    // Some registries say `null` for none.
    tags: Option<Vec<String>>,
}

impl Repository {
    /// Every tag, sorted; none where there is no such repository.
    ///
    /// # Errors
    /// When the registry does not answer as the specification has it.
    pub fn tags(&self) -> Result<Vec<String>, Error> {
        let way = self.origin()?;
        let what = format!("the tags of `{}`", way.name);
        let malformed =
            |reason: String| Error::Malformed { host: way.registry.host.clone(), what: what.clone(), reason };
        let mut ask =
            Ask::new(Method::GET, &way.name, "tags/list?n=1000", Scope::pull(&way.name), what.clone());
        let mut tags = Vec::new();
        for _ in 0..PAGES {
            let response = match way.registry.ask(&ask) {
                Err(error) if error.is_not_found() => return Ok(Vec::new()),
                other => other?,
            };
            if response.media_type() == "text/html" {
                return Err(Error::WebPage { host: way.registry.host.clone(), what });
            }
            let next = response.header(header::LINK).and_then(next_page).map(str::to_owned);
            let bytes = response.bytes(PAGE).map_err(|failure| match failure {
                Failure::TooLarge { limit } => malformed(format!("a page has more than {limit} bytes")),
                failure => Error::Unreachable { host: way.registry.host.clone(), failure },
            })?;
            let page: Page = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
            tags.extend(page.tags.unwrap_or_default());
            let Some(next) = next else {
                tags.sort();
                tags.dedup();
                return Ok(tags);
            };
            ask.target = Target::At(way.registry.onward(&next, &what)?);
        }
        Err(malformed(format!("it has more than {PAGES} pages")))
    }

    /// Removes a tag, and not what it names.
    ///
    /// # Errors
    /// When the registry refuses: many know no deletion of tags alone.
    pub fn delete_tag(&self, tag: &str) -> Result<(), Error> {
        let way = self.origin()?;
        let scope = Scope::delete(&way.name);
        let ask =
            Ask::new(Method::DELETE, &way.name, &format!("manifests/{tag}"), scope, format!("tag `{tag}`"));
        way.registry.ask(&ask).map(drop)
    }
}

/// The address of `</v2/x/tags/list?last=b>; rel="next"` (RFC 8288).
fn next_page(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    parameters.contains("rel=\"next\"").then_some(address)
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn links_to_the_next_page() {
        for (link, expected) in [
            ("</v2/x/tags/list?n=2&last=b>; rel=\"next\"", Some("/v2/x/tags/list?n=2&last=b")),
            ("<x>; rel=\"prev\"", None),
            ("x", None),
            ("<x", None),
        ] {
            assert_eq!(next_page(link), expected);
        }
    }
}
