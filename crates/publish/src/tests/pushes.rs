//! A stack into real registries: all of it or none, whatever goes wrong on the way.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use longshore_net::Settings as Net;
use longshore_oci::{Annotations, Content, Descriptor, Index, Manifest, Platform, Silent, Store, media_type};
use longshore_registry::{At, Client, Settings};
use longshore_testkit::proxy::{Proxy, Repeat, Seen, Trouble};
use longshore_testkit::registry::{Kind, Registry, crane};

use crate::registry::{Blob, Parcel, Tagging, move_tags, send, survey};
use crate::{Error, registry};

/// Images with one layer of their own and two that all share, each for two platforms.
fn parcels(host: &str, names: &[&str], version: &str) -> Vec<Parcel> {
    let layer = |text: String| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, "file", text.as_bytes()).unwrap();
        tar.into_inner().unwrap()
    };
    let parcel = |name: &&str| {
        let mut blobs = BTreeMap::new();
        let mut manifests = Vec::new();
        let mut platforms = BTreeMap::new();
        for platform in ["linux/amd64", "linux/arm64"] {
            let layers = [
                layer("shared".repeat(1000)),
                layer(format!("shared on {platform}")),
                layer(format!("{name} {version} {platform}")),
            ];
            let diff_ids: Vec<_> = layers.iter().map(|bytes| Content::of(bytes).digest.to_string()).collect();
            let layers = layers.map(|tar| {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(&tar).unwrap();
                gzip.finish().unwrap()
            });
            let architecture = platform.trim_start_matches("linux/");
            let config = serde_json::json!({
                "architecture": architecture, "os": "linux", "config": {},
                "rootfs": { "type": "layers", "diff_ids": diff_ids }, "history": [],
            });
            let config = config.to_string().into_bytes();
            let listed =
                layers.iter().map(|bytes| Descriptor::new(media_type::LAYER_GZIP, Content::of(bytes)));
            let config_descriptor = Descriptor::new(media_type::CONFIG, Content::of(&config));
            let manifest = Manifest::new(config_descriptor, listed.collect(), Annotations::new()).to_bytes();
            let mut descriptor = Descriptor::new(media_type::MANIFEST, Content::of(&manifest));
            platforms.insert(platform.to_owned(), descriptor.digest);
            descriptor.platform = Some(platform.parse::<Platform>().unwrap());
            manifests.push((descriptor, manifest));
            blobs.extend(
                layers.into_iter().chain([config]).map(|bytes| (Content::of(&bytes), Blob::Bytes(bytes))),
            );
        }
        let index = Index::new(
            manifests.iter().map(|(descriptor, _)| descriptor.clone()).collect(),
            Annotations::new(),
        );
        let index = index.to_bytes();
        let top = Descriptor::new(media_type::INDEX, Content::of(&index));
        manifests.push((top.clone(), index));
        Parcel {
            image: (*name).to_owned(),
            repository: format!("{host}/org/{name}").parse().unwrap(),
            top,
            manifests,
            blobs,
            referrers: Vec::new(),
            unread: Vec::new(),
            tags: vec![version.to_owned(), "latest".to_owned()],
            platforms,
        }
    };
    names.iter().map(parcel).collect()
}

struct Own {
    _folder: tempfile::TempDir,
    client: Client,
}

impl Own {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // One at a time, so that each request has its number.
        let net = Net { timeout: Duration::from_secs(20), jobs: 1, ..Net::default() };
        Self { _folder: folder, client: Client::new(Settings { net, ..Settings::default() }, store) }
    }

    fn push(&self, parcels: &[Parcel]) -> Result<u64, Error> {
        let survey = survey(parcels, &Tagging::default(), &self.client)?;
        let sent = send(&survey, &self.client, &Silent)?;
        move_tags(&survey, &self.client)?;
        Ok(sent)
    }

    /// What the tags of the parcels name now.
    fn names(&self, parcels: &[Parcel]) -> Vec<Option<longshore_oci::Digest>> {
        let all = parcels.iter().flat_map(|parcel| parcel.tags.iter().map(move |tag| (parcel, tag)));
        all.map(|(parcel, tag)| {
            self.client.repository(&parcel.repository).unwrap().probe(&At::Tag(tag.clone())).unwrap()
        })
        .collect()
    }
}

fn tops(parcels: &[Parcel]) -> Vec<Option<longshore_oci::Digest>> {
    parcels.iter().flat_map(|parcel| parcel.tags.iter().map(|_| Some(parcel.top.digest))).collect()
}

/// Whether crane finds the image whole.
fn valid(parcel: &Parcel, tag: &str) {
    crane().args(["validate", "--remote", &format!("{}:{tag}", parcel.repository.name())]).run();
}

#[test]
fn shared_layers_are_sent_once_and_what_is_there_is_not_sent() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let own = Own::new();
        let first = parcels(&registry.host(), &["api", "web"], "1");
        let unique: BTreeMap<Content, ()> =
            first.iter().flat_map(|parcel| parcel.blobs.keys().map(|content| (*content, ()))).collect();
        let manifests: u64 = first.iter().flat_map(|p| p.manifests.iter().map(|(d, _)| d.size)).sum();
        let expected = unique.keys().map(|content| content.size).sum::<u64>() + manifests;
        assert_eq!(own.push(&first).unwrap(), expected, "{kind:?}");
        assert_eq!(own.push(&first).unwrap(), 0, "{kind:?}");
        // A new version of all, whose own layers alone are new; configurations and manifests too.
        let second = parcels(&registry.host(), &["api", "web"], "2");
        let new: u64 = second
            .iter()
            .flat_map(|p| p.blobs.keys())
            .filter(|c| !unique.contains_key(c))
            .map(|c| c.size)
            .sum();
        let manifests: u64 = second.iter().flat_map(|p| p.manifests.iter().map(|(d, _)| d.size)).sum();
        assert_eq!(own.push(&second).unwrap(), new + manifests, "{kind:?}");
        for parcel in first.iter().chain(&second) {
            valid(parcel, &parcel.tags[0]);
        }
        assert_eq!(own.names(&second), tops(&second), "{kind:?}");
    }
}

#[test]
fn what_the_image_before_names_is_not_asked_for_and_sent_again_where_it_is_lost() {
    for kind in [Kind::Docker, Kind::Distribution] {
        let registry = Registry::start(kind);
        let proxy = Proxy::new(&registry.host());
        let own = Own::new();
        own.push(&parcels(&proxy.host(), &["web"], "1")).unwrap();
        proxy.heal();
        own.push(&parcels(&proxy.host(), &["web"], "2")).unwrap();
        let asked = |seen: &&Seen| seen.method == "HEAD" && seen.path.contains("/blobs/");
        // Of four layers on each platform, and their configurations, those that are new.
        assert_eq!(proxy.seen().iter().filter(asked).count(), 4, "{kind:?}: {:?}", proxy.seen());

        let third = parcels(&proxy.host(), &["web"], "3");
        let second = parcels(&proxy.host(), &["web"], "2");
        let shared = third[0].blobs.keys().find(|content| second[0].blobs.contains_key(content)).unwrap();
        registry.lose("org/web", &shared.digest.to_string());
        own.push(&third).unwrap();
        assert_eq!(own.names(&third), tops(&third), "{kind:?}");
        valid(&third[0], "3");
    }
}

/// Every trouble at every request of a push, with each registry.
#[test]
#[ignore = "takes minutes: ./x test --long"]
fn one_trouble_at_any_request_and_no_tag_is_half_moved() {
    troubled(&Kind::ALL, 1);
}

/// The same with one registry, at some of the requests.
#[test]
fn one_trouble_at_some_requests_and_no_tag_is_half_moved() {
    troubled(&[Kind::Distribution], 7);
}

fn troubled(kinds: &[Kind], step: usize) {
    let through = |kind: Kind, trouble: Trouble| {
        let registry = Registry::start(kind);
        let proxy = Proxy::new(&registry.host());
        for at in (0..).step_by(step) {
            let own = Own::new();
            let version = format!("{at}");
            let parcels = parcels(&proxy.host(), &["api", "web"], &version);
            let before = own.names(&parcels);
            let own = Own::new();
            // Not the greeting.
            proxy.trouble(at + 1, trouble, Repeat::Once);
            let pushed = own.push(&parcels);
            let requests = proxy.seen().len();
            proxy.heal();
            match pushed {
                Ok(_) => assert_eq!(own.names(&parcels), tops(&parcels), "{kind:?} {trouble:?} at {at}"),
                Err(error) => {
                    assert_eq!(own.names(&parcels), before, "{kind:?} {trouble:?} at {at}: {error}");
                    own.push(&parcels).unwrap();
                    assert_eq!(own.names(&parcels), tops(&parcels), "{kind:?} {trouble:?} at {at}");
                }
            }
            for parcel in &parcels {
                valid(parcel, &version);
            }
            // Past the last request, nothing went wrong.
            if requests <= at + 1 {
                break;
            }
        }
    };
    // Most of it is waiting.
    std::thread::scope(|scope| {
        for &kind in kinds {
            for trouble in Trouble::ALL {
                let through = &through;
                scope.spawn(move || through(kind, trouble));
            }
        }
    });
}

#[test]
fn a_push_that_dies_moves_no_tag_and_the_next_one_goes_on() {
    let registry = Registry::start(Kind::Distribution);
    let proxy = Proxy::new(&registry.host());
    let own = Own::new();
    let all = || parcels(&proxy.host(), &["api", "web"], "1");
    let mut sent = 0;
    for at in [5, 12, 20, 30] {
        proxy.trouble(at, Trouble::CutBefore, Repeat::Always);
        let error = own.push(&all()).unwrap_err();
        assert!(error.hint().unwrap().contains("run the same command again"), "{error}");
        proxy.heal();
        assert_eq!(own.names(&all()), [None, None, None, None]);
    }
    sent += own.push(&all()).unwrap();
    let whole: u64 = all().iter().map(Parcel::size).sum();
    assert!(sent < whole, "{sent} of {whole}: what came through before is not sent again");
    assert_eq!(own.names(&all()), tops(&all()));
}

#[test]
fn two_pushes_at_once_both_end_whole() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let versions = ["1", "2"].map(|version| parcels(&registry.host(), &["api", "web"], version));
        std::thread::scope(|scope| {
            for parcels in &versions {
                scope.spawn(|| Own::new().push(parcels).unwrap());
            }
        });
        for parcel in versions.iter().flatten() {
            valid(parcel, &parcel.tags[0]);
            valid(parcel, "latest");
        }
    }
}

#[test]
fn immutable_tags_stay() {
    let registry = Registry::start(Kind::Docker);
    let own = Own::new();
    own.push(&parcels(&registry.host(), &["api"], "1")).unwrap();
    let mut changed = parcels(&registry.host(), &["api"], "other");
    changed[0].tags = vec!["1".to_owned()];
    let tagging = Tagging { immutable: vec!["1*".to_owned()] };
    let error = registry::survey(&changed, &tagging, &own.client).err().unwrap();
    assert!(
        matches!(&error, Error::Immutable { reference, .. } if reference.ends_with("/org/api:1")),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("longshore push --force"));
    let there =
        own.client.repository(&changed[0].repository).unwrap().probe(&At::Digest(changed[0].top.digest));
    assert_eq!(there.unwrap(), None, "nothing was sent");
    // The same image under the same name is no move.
    registry::survey(&parcels(&registry.host(), &["api"], "1"), &tagging, &own.client).unwrap();
}

#[test]
fn tags_that_moved_before_one_could_not_are_moved_back() {
    let registry = Registry::start(Kind::Distribution);
    let own = Own::new();
    let old = parcels(&registry.host(), &["api", "web"], "1");
    own.push(&old).unwrap();
    let proxy = Proxy::answering(
        &registry.host(),
        Box::new(|seen| {
            let refused = seen.method == "PUT" && seen.path == "/v2/org/web/manifests/latest";
            refused.then(|| "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_owned())
        }),
    );
    let new = parcels(&proxy.host(), &["api", "web"], "2");
    let error = own.push(&new).unwrap_err();
    assert_eq!(error.to_string(), "not all tags could be moved; none has moved");
    // `2` named nothing before, and can't be taken away alone everywhere: here it can.
    assert_eq!(own.names(&old), tops(&old), "`latest` is what it was");
}
