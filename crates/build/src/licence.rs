//! Which licence of SPDX's list a text is.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use spdx::detection::{LicenseEntry, Store, TextData};

/// How much of a text must be a licence's (Sørensen–Dice over pairs of words): names and years differ, terms do not.
const ALIKE: f32 = 0.95;

/// So much nearer than the next it must be: some licences are others with a few words changed.
const APART: f32 = 0.02;

/// The identifier of the licence whose text this is; none where it is none's, not quite, or as much another's.
pub fn identify(text: &str) -> Option<String> {
    let text = TextData::new(text);
    let score = |entry: &LicenseEntry| {
        let texts = std::iter::once(&entry.original).chain(&entry.alternates);
        texts.map(|one| one.match_score(&text)).fold(0.0, f32::max)
    };
    let mut alike: Vec<(f32, &String)> = known().iter().map(|(name, entry)| (score(entry), name)).collect();
    alike.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    let [(best, name), (next, _), ..] = alike[..] else { return None };
    // The text is the same whether later versions may be chosen: that is said elsewhere, if it is.
    let name = || name.strip_suffix("-or-later").map_or_else(|| name.clone(), |name| format!("{name}-only"));
    (best >= ALIKE && best - next >= APART).then(name)
}

/// Free licences with their texts, by identifier: the list has many that are one of these with a few words for one work.
fn known() -> &'static BTreeMap<String, LicenseEntry> {
    static KNOWN: OnceLock<BTreeMap<String, LicenseEntry>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let store = Store::load_inline().unwrap_or_default();
        let entry = |(name, entry): (&String, &LicenseEntry)| {
            let copy = LicenseEntry {
                original: entry.original.clone(),
                aliases: Vec::new(),
                headers: Vec::new(),
                alternates: entry.alternates.clone(),
            };
            (name.clone(), copy)
        };
        let free = |name: &str| {
            let id = spdx::license_id(name);
            id.is_some_and(|id| id.is_osi_approved() || id.is_fsf_free_libre())
        };
        store.iter().filter(|(name, _)| free(name)).map(entry).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::identify;

    const MIT: &str = "Copyright (c) 2013 The Somebody Authors\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this \
        software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation \
        the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom \
        the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be \
        included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS \
        OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO \
        EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT \
        OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.";

    #[test]
    fn texts_are_known_whoever_wrote_their_name_above() {
        assert_eq!(identify(MIT).as_deref(), Some("MIT"));
        let other = MIT.replace("free of charge", "for a fee").replace("without restriction", "with care");
        assert_ne!(identify(&other.repeat(2)).as_deref(), Some("MIT"));
        for text in ["", "All rights reserved.", "See https://example.org/licence"] {
            assert_eq!(identify(text), None, "{text}");
        }
    }
}
