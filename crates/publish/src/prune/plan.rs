//! What is kept, and why; what goes. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::Digest;

use super::{Deployed, Stock, Tagged};
use crate::registry::fits;

/// What is kept.
#[derive(Debug, Clone, Default)]
pub struct Rules<'a> {
    /// Tags that are kept, with `*` for any characters.
    pub keep: &'a [String],
    /// So many of the newest images.
    pub newest: usize,
    /// Images made at this time (seconds since 1970) or later, and those that do not say when.
    pub since: Option<u64>,
    /// What runs somewhere.
    pub deployed: Deployed,
}

/// Why a tag is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// By this pattern.
    Pattern(String),
    /// It is among the newest.
    Newest,
    /// It is young.
    Young,
    /// It does not say when it was made, and the young are kept.
    Ageless,
    /// It runs somewhere.
    Deployed,
}

/// What becomes of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Kept(Why),
    /// It goes.
    Removed,
}

/// What becomes of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Of each tag.
    pub tags: BTreeMap<String, (Digest, Decision)>,
    /// Tags to remove whose manifest stays under another name, or in an index that stays.
    pub untag: Vec<String>,
    /// Manifests to remove, what names others before those.
    pub remove: Vec<Digest>,
    /// Bytes of these manifests alone; what blobs come free, the registry's own collection says.
    pub bytes: u64,
}

/// Decides what becomes of `stock`, whose repository is called `repository`.
pub fn plan(repository: &str, stock: &Stock, rules: &Rules<'_>) -> Plan {
    let newest = newest(stock, rules.newest);
    let mut plan = Plan::default();
    let mut roots = BTreeSet::new();
    for (tag, tagged) in &stock.tags {
        let decision = match why(repository, tag, tagged, rules, &newest) {
            Some(why) => {
                roots.insert(tagged.digest);
                Decision::Kept(why)
            }
            None => Decision::Removed,
        };
        plan.tags.insert(tag.clone(), (tagged.digest, decision));
    }
    // What runs by digest is kept although nothing calls it anything any more.
    roots.extend(stock.manifests.keys().filter(|digest| rules.deployed.has(digest)));
    let kept = reachable(stock, roots);
    plan.untag = plan
        .tags
        .iter()
        .filter(|(_, (digest, decision))| *decision == Decision::Removed && kept.contains(digest))
        .map(|(tag, _)| tag.clone())
        .collect();
    let gone: Vec<Digest> = plan
        .tags
        .values()
        .filter(|(digest, decision)| *decision == Decision::Removed && !kept.contains(digest))
        .map(|(digest, _)| *digest)
        .collect();
    plan.remove = in_order(stock, &gone, &kept);
    plan.bytes =
        plan.remove.iter().filter_map(|digest| stock.manifests.get(digest)).map(|node| node.size).sum();
    plan
}

fn why(
    repository: &str,
    tag: &str,
    tagged: &Tagged,
    rules: &Rules<'_>,
    newest: &BTreeSet<Digest>,
) -> Option<Why> {
    if rules.deployed.has(&tagged.digest) || rules.deployed.has_tag(repository, tag) {
        return Some(Why::Deployed);
    }
    if let Some(pattern) = rules.keep.iter().find(|pattern| fits(pattern, tag)) {
        return Some(Why::Pattern(pattern.clone()));
    }
    if newest.contains(&tagged.digest) {
        return Some(Why::Newest);
    }
    match (rules.since, tagged.created) {
        (Some(since), Some(created)) if created >= since => Some(Why::Young),
        (Some(_), None) => Some(Why::Ageless),
        _ => None,
    }
}

/// The newest images: by time, then by their greatest tag.
fn newest(stock: &Stock, count: usize) -> BTreeSet<Digest> {
    let mut images: BTreeMap<Digest, (Option<u64>, &str)> = BTreeMap::new();
    for (tag, tagged) in &stock.tags {
        let image = images.entry(tagged.digest).or_insert((tagged.created, tag));
        if compare(tag, image.1).is_gt() {
            image.1 = tag;
        }
    }
    let mut images: Vec<_> = images.into_iter().collect();
    images.sort_by(|(a_digest, (a_time, a_tag)), (b_digest, (b_time, b_tag))| {
        b_time.cmp(a_time).then_with(|| compare(b_tag, a_tag)).then_with(|| a_digest.cmp(b_digest))
    });
    images.into_iter().take(count).map(|(digest, _)| digest).collect()
}

/// Numbers in tags by their value: `1.10` is more than `1.9`, and `1.0` more than `1.0-rc1`.
fn compare(a: &str, b: &str) -> Ordering {
    let (a_base, a_pre) = a.split_once('-').map_or((a, None), |(base, pre)| (base, Some(pre)));
    let (b_base, b_pre) = b.split_once('-').map_or((b, None), |(base, pre)| (base, Some(pre)));
    parts(a_base, b_base).then_with(|| match (a_pre, b_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => parts(a, b),
    })
}

fn parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let number = |text: &mut &[u8]| {
                let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
                let digits = &text[..end];
                *text = &text[end..];
                let start = digits.iter().position(|c| *c != b'0').unwrap_or(digits.len());
                (digits.len() - start, digits[start..].to_vec())
            };
            number(&mut a).cmp(&number(&mut b))
        } else {
            (a, b) = (&a[1..], &b[1..]);
            x.cmp(y)
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// All that `roots` lead to: what indexes name, and what refers to any of it.
fn reachable(stock: &Stock, roots: BTreeSet<Digest>) -> BTreeSet<Digest> {
    let mut kept = BTreeSet::new();
    let mut left: Vec<Digest> = roots.into_iter().collect();
    while let Some(digest) = left.pop() {
        if kept.insert(digest)
            && let Some(node) = stock.manifests.get(&digest)
        {
            left.extend(node.children.iter().chain(&node.referrers));
        }
    }
    // The tags that hold their lists, and signatures under tags.
    kept.extend(
        stock.companions.values().filter(|c| kept.contains(&c.of)).map(|c| c.digest).collect::<Vec<_>>(),
    );
    kept
}

/// What goes with `gone`: what only it names or what refers to it, after what names it.
fn in_order(stock: &Stock, gone: &[Digest], kept: &BTreeSet<Digest>) -> Vec<Digest> {
    let mut all: BTreeSet<Digest> = BTreeSet::new();
    let mut left: Vec<Digest> = gone.to_vec();
    while let Some(digest) = left.pop() {
        if !kept.contains(&digest)
            && all.insert(digest)
            && let Some(node) = stock.manifests.get(&digest)
        {
            left.extend(node.children.iter().chain(&node.referrers));
        }
    }
    let companions = stock
        .companions
        .values()
        .filter(|companion| all.contains(&companion.of) && !kept.contains(&companion.digest));
    all.extend(companions.map(|companion| companion.digest).collect::<Vec<_>>());
    // How many of those that go name it, directly or not: none first.
    let mut order = Vec::new();
    let mut waiting = all;
    while !waiting.is_empty() {
        let own = stock.companions.values().filter(|companion| waiting.contains(&companion.of));
        let named: BTreeSet<Digest> = waiting
            .iter()
            .filter_map(|digest| stock.manifests.get(digest))
            .flat_map(|node| node.children.iter().chain(&node.referrers).copied())
            .chain(own.map(|companion| companion.digest))
            .collect();
        let mut free: Vec<Digest> =
            waiting.iter().filter(|digest| !named.contains(digest)).copied().collect();
        if free.is_empty() {
            // Nothing can name itself by its digest; whoever claims so gets no order.
            free = waiting.iter().copied().collect();
        }
        waiting.retain(|digest| !free.contains(digest));
        order.extend(free);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::stock::{Companion, Node};
    use super::*;

    fn d(name: &str) -> Digest {
        Digest::of(name.as_bytes())
    }

    /// Tags with times, and indexes of two children, one of which two indexes share; a signature on `new`.
    fn stock() -> Stock {
        let mut stock = Stock::default();
        for (tag, name, created) in [
            ("1.9", "old", Some(100_000)),
            ("1.10", "new", Some(200_000)),
            ("latest", "new", Some(200_000)),
            ("ci-7", "ci", None),
        ] {
            stock.tags.insert(tag.to_owned(), Tagged { digest: d(name), created });
        }
        for (name, children) in [("old", ["a", "b"]), ("new", ["b", "c"]), ("ci", ["e", "f"])] {
            let children = children.map(d).into();
            stock.manifests.insert(d(name), Node { children, size: 10, ..Node::default() });
        }
        for name in ["a", "b", "c", "e", "f", "signature"] {
            stock.manifests.insert(d(name), Node { size: 1, ..Node::default() });
        }
        stock.manifests.get_mut(&d("old")).unwrap().referrers.insert(d("signature"));
        stock.companions.insert("sha256-x".to_owned(), Companion { digest: d("list"), of: d("old") });
        stock.manifests.insert(d("list"), Node { size: 5, ..Node::default() });
        stock
    }

    fn removed(rules: &Rules<'_>) -> Vec<Digest> {
        plan("r/x", &stock(), rules).remove
    }

    #[test]
    fn what_a_kept_index_names_is_kept_and_signatures_go_with_their_image() {
        let keep = ["latest".to_owned(), "ci-*".to_owned()];
        let plan = plan("r/x", &stock(), &Rules { keep: &keep, ..Rules::default() });
        let mut expected: Vec<Digest> = ["a", "signature", "list"].map(d).into();
        let mut rest = plan.remove[1..].to_vec();
        (expected.sort(), rest.sort());
        assert_eq!(plan.remove[0], d("old"), "an index goes before what it names");
        assert_eq!(rest, expected, "`b` is in the index that stays");
        assert_eq!(plan.untag, ["1.10"], "its manifest stays as `latest`");
        assert_eq!(plan.tags["latest"].1, Decision::Kept(Why::Pattern("latest".to_owned())));
    }

    #[test]
    fn the_newest_are_kept_by_time_then_by_version() {
        assert!(!removed(&Rules { newest: 2, ..Rules::default() }).contains(&d("old")));
        let removed = removed(&Rules { newest: 1, ..Rules::default() });
        assert!(removed.contains(&d("old")) && removed.contains(&d("ci")) && !removed.contains(&d("new")));
        for (less, more) in [
            ("1.9", "1.10"),
            ("1.0-rc1", "1.0"),
            ("1.0-rc2", "1.0-rc10"),
            ("a", "b"),
            ("1", "1.1"),
            ("007", "8"),
        ] {
            assert_eq!(compare(less, more), Ordering::Less, "{less} {more}");
        }
    }

    #[test]
    fn the_young_are_kept_and_those_that_do_not_say() {
        let plan = plan("r/x", &stock(), &Rules { since: Some(150_000), ..Rules::default() });
        assert_eq!(plan.tags["1.10"].1, Decision::Kept(Why::Young));
        assert_eq!(plan.tags["ci-7"].1, Decision::Kept(Why::Ageless));
        assert_eq!(plan.tags["1.9"].1, Decision::Removed);
    }

    #[test]
    fn what_runs_is_kept() {
        let mut deployed = Deployed::default();
        deployed.read(&format!("image: r/x@{}\nimage: r/x:ci-7", d("a")));
        let removed = removed(&Rules { deployed, ..Rules::default() });
        assert!(!removed.contains(&d("a")) && !removed.contains(&d("ci")) && removed.contains(&d("old")));
    }

    #[test]
    fn nothing_to_keep_leaves_nothing() {
        let plan = plan("r/x", &stock(), &Rules::default());
        assert_eq!(plan.remove.len(), stock().manifests.len());
        assert_eq!(plan.bytes, 3 * 10 + 6 + 5);
    }
}
