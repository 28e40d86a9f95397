//! Locking and fetching against repositories that behave and misbehave.

#![allow(clippy::unwrap_used, reason = "a broken assumption of a test fails it")]
#![allow(clippy::disallowed_methods, reason = "real archives are judged by the real clock")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_net::{Access, Client, Failure, Settings};
use longshore_oci::{Epoch, Silent, Store};
use longshore_sources::deb::fetch::{Fetched, fetch};
use longshore_sources::deb::lock::{Locked, Refresh, lock};
use longshore_sources::deb::mirror::Mirrors;
use longshore_sources::deb::release::{ReleaseError, date};
use longshore_sources::deb::repository::Archives;
use longshore_sources::deb::{Error, SuiteProblem};
use longshore_stack::lock::Lock;
use longshore_stack::model::{
    AptLocation, AptSource, ContentSpec, Expired, ImageSpec, Keyring, PackageRequest, SourceSpec, Stack,
    UserSpec,
};
use longshore_testkit::apt::{Package, Repository, Suite};
use longshore_testkit::http::{Fault, Server, Times};

const RULES: u32 = 1;

/// A machine with a stack on it.
struct Machine {
    folder: tempfile::TempDir,
    store: Store,
    stack: Stack,
    mirrors: Mirrors,
    settings: Settings,
}

impl Machine {
    /// With one source per repository, `r0` and so on, and no images.
    fn new(repositories: &[&Repository]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let sources = repositories.iter().enumerate().map(|(at, repository)| {
            let source = AptSource {
                location: AptLocation::Url(repository.url()),
                suites: vec!["stable".to_owned()],
                components: vec!["main".to_owned()],
                keyring: Keyring::Path(repository.key().public().to_string_lossy().into_owned()),
                signed_by: vec![],
                prefer: BTreeMap::new(),
                snapshots: vec![],
                expired: Expired::Refuse,
            };
            (format!("r{at}"), SourceSpec::Apt(source))
        });
        let stack = Stack {
            name: "test".to_owned(),
            profile: None,
            repository: "test".to_owned(),
            version: None,
            epoch: Epoch(0),
            platforms: vec!["linux/amd64".parse().unwrap()],
            sources: sources.collect(),
            builds: BTreeMap::new(),
            urls: BTreeMap::new(),
            images: BTreeMap::new(),
            services: BTreeMap::new(),
            secrets: BTreeMap::new(),
            layers: Default::default(),
            publish: longshore_stack::model::PublishSpec::default(),
            cache: None,
            nix: longshore_stack::model::NixSpec { caches: Vec::new(), trusted_keys: Vec::new() },
        };
        let settings = Settings { retries: 1, ..Settings::default() };
        Self { folder, store, stack, mirrors: Mirrors::default(), settings }
    }

    fn image(mut self, name: &str, packages: &[(&str, &str)]) -> Self {
        let request = |(source, package): &(&str, &str)| {
            ContentSpec::Package(PackageRequest {
                source: (*source).to_owned(),
                package: (*package).to_owned(),
            })
        };
        self.stack.images.insert(name.to_owned(), image(packages.iter().map(request).collect()));
        self
    }

    fn source(&mut self) -> &mut AptSource {
        let SourceSpec::Apt(source) = self.stack.sources.values_mut().next().unwrap();
        source
    }

    fn with<T>(&self, work: impl FnOnce(&Archives) -> T) -> T {
        let client = Client::new(self.settings.clone()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        work(&Archives {
            client: &client,
            store: &self.store,
            mirrors: &self.mirrors,
            folder: self.folder.path(),
            now,
            progress: &Silent,
        })
    }

    fn lock(&self, previous: Option<&Lock>, refresh: &Refresh) -> Result<Locked, Error> {
        self.with(|archives| lock(archives, &self.stack, previous, refresh, RULES))
    }

    fn first_lock(&self) -> Lock {
        self.lock(None, &Refresh::Missing).unwrap().lock
    }

    fn fetch(&self, lock: &Lock) -> Result<Vec<Fetched>, Error> {
        let ids: Vec<_> = lock.packages.keys().cloned().collect();
        self.with(|archives| fetch(archives, &self.stack, lock, &ids))
    }
}

fn image(contents: Vec<ContentSpec>) -> ImageSpec {
    ImageSpec {
        base: None,
        contents,
        user: UserSpec {
            name: "app".into(),
            uid: 1,
            gid: 1,
            home: "/".into(),
            shell: "/usr/sbin/nologin".into(),
        },
        users: vec![],
        entrypoint: vec![],
        command: vec![],
        env: BTreeMap::new(),
        workdir: None,
        labels: BTreeMap::new(),
        ports: BTreeMap::new(),
        stop_signal: None,
        writable: vec![],
        alternatives: BTreeMap::new(),
        certificates: vec![],
        keep: vec![],
        allow: vec![],
        max_layers: 40,
        healthcheck: None,
    }
}

/// `name version` of each package in the lock.
fn versions(lock: &Lock) -> Vec<String> {
    lock.packages.keys().map(|id| format!("{} {}", id.name, id.version)).collect()
}

/// A package with some incompressible weight.
fn package(name: &str, version: &str) -> Package {
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    Package::new(name, version).file(&format!("usr/share/{name}"), bytes)
}

fn problem(error: &Error) -> &SuiteProblem {
    let Error::Suite { problems, .. } = error else { panic!("{error}") };
    &problems[0].problem
}

#[test]
fn locks_and_fetches_by_digest() {
    let app = package("app", "1.0").depends("lib");
    let repository = Repository::new(&[app.clone(), package("lib", "2.0"), package("other", "1")]);
    let machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]).image("empty", &[]);
    let lock = machine.first_lock();
    assert_eq!(versions(&lock), ["app 1.0", "lib 2.0"]);
    assert_eq!(lock.packages.values().next().unwrap().depends, ["lib"]);
    assert_eq!(lock.closures.len(), 2);
    assert_eq!(lock.releases[0].signed_by, [repository.key().fingerprint()]);
    assert_eq!(date::print(lock.releases[0].date), "2025-11-15 12:00:00 UTC");
    assert!(lock.stale(&machine.stack).is_empty(), "{:?}", lock.stale(&machine.stack));
    assert_eq!(repository.requests("dists/stable/main/binary-amd64/Packages.xz"), 0, "by-hash is offered");

    let fetched = machine.fetch(&lock).unwrap();
    assert_eq!(machine.store.read_blob(fetched[0].content()).unwrap(), app.deb());
    assert_eq!(fetched[0].id().name, "app");

    // All is there: nothing is asked for again.
    let before = repository.total_requests();
    let again = machine.lock(Some(&lock), &Refresh::Missing).unwrap();
    assert_eq!((again.lock, again.notes), (lock.clone(), vec![]));
    machine.fetch(&lock).unwrap();
    assert_eq!(repository.total_requests(), before);
    // An update asks for the release file only.
    assert_eq!(machine.lock(Some(&lock), &Refresh::All).unwrap().lock, lock);
    assert_eq!(repository.total_requests(), before + 1);
}

#[test]
fn a_detached_signature_will_do() {
    let repository = Repository::new(&[package("app", "1.0")]);
    fs_err::remove_file(repository.path().join("dists/stable/InRelease")).unwrap();
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    let lock = machine.first_lock();
    assert_eq!(repository.requests("dists/stable/Release.gpg"), 1);
    machine.settings.access = Access::Offline;
    assert_eq!(machine.lock(Some(&lock), &Refresh::All).unwrap().lock, lock);
}

#[test]
fn two_repositories_each_with_its_own_key() {
    let (first, second) =
        (Repository::new(&[package("lib", "1.0")]), Repository::new(&[package("app", "3").depends("lib")]));
    let machine = Machine::new(&[&first, &second]).image("web", &[("r1", "app")]);
    let lock = machine.first_lock();
    let ids: Vec<_> = lock.packages.keys().map(ToString::to_string).collect();
    assert_eq!(ids, ["r0/lib=1.0:amd64", "r1/app=3:amd64"]);
    assert_ne!(lock.releases[0].signed_by, lock.releases[1].signed_by);
    machine.fetch(&lock).unwrap();

    // One's key is none for the other.
    let mut machine = machine;
    machine.source().keyring = Keyring::Path(second.key().public().to_string_lossy().into_owned());
    let error = machine.lock(None, &Refresh::Missing).unwrap_err();
    assert!(
        matches!(problem(&error), SuiteProblem::OpenPgp(_))
            && error.to_string().contains("not in the keyring"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("keyring"));
}

#[test]
fn a_cut_connection_is_taken_up_again() {
    let app = package("app", "1.0");
    let repository = Repository::new(std::slice::from_ref(&app));
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    let lock = machine.first_lock();
    repository.fault(&app.pool_path(), Fault::Truncate(70_000), Times::First(1));
    machine.fetch(&lock).unwrap();
    assert_eq!(repository.requests(&app.pool_path()), 2);

    // Across runs too: what came of it is kept.
    let content = lock.packages.values().next().unwrap().content;
    fs_err::remove_file(machine.store.blob_path(&content.digest)).unwrap();
    machine.settings.retries = 0;
    repository.fault(&app.pool_path(), Fault::Truncate(70_000), Times::Always);
    let error = machine.fetch(&lock).unwrap_err();
    assert!(matches!(error, Error::Fetch { .. }) && error.hint().is_some(), "{error}");
    let partial = machine.store.partial(&content.digest);
    assert_eq!(fs_err::metadata(&partial).unwrap().len(), 70_000);
    // The rest comes in one more cut of the same size and a last piece.
    machine.fetch(&lock).unwrap_err();
    assert_eq!(fs_err::metadata(&partial).unwrap().len(), 140_000);
    repository.heal();
    machine.fetch(&lock).unwrap();
    assert!(machine.store.has(&content) && !partial.exists());

    // A damaged beginning is noticed and fetched anew, not blamed on the mirror.
    fs_err::remove_file(machine.store.blob_path(&content.digest)).unwrap();
    fs_err::write(&partial, vec![7; 5000]).unwrap();
    machine.fetch(&lock).unwrap();
    assert_eq!(machine.store.read_blob(&content).unwrap(), app.deb());
}

#[test]
fn a_mirror_that_is_down_for_a_moment_is_asked_again() {
    let repository = Repository::new(&[package("app", "1.0")]);
    repository.fault("dists/stable/InRelease", Fault::Unavailable, Times::First(1));
    Machine::new(&[&repository]).image("web", &[("r0", "app")]).first_lock();
    assert_eq!(repository.requests("dists/stable/InRelease"), 2);
}

#[test]
fn lying_mirrors() {
    let app = package("app", "1.0");
    let repository = Repository::new(std::slice::from_ref(&app));
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    let lock = machine.first_lock();
    let content = lock.packages.values().next().unwrap().content;
    let mut wrong = app.deb();
    wrong[100] ^= 1;
    let long = [app.deb(), b"more".to_vec()].concat();
    for (what, bytes) in [("wrong", wrong), ("too long", long), ("web page", b"<html>Log in</html>".to_vec())]
    {
        repository.fault(&app.pool_path(), Fault::Replace(bytes), Times::Always);
        let error = machine.fetch(&lock).unwrap_err();
        let Error::Mismatch { id, expected, attempt } = &error else { panic!("{what}: {error}") };
        assert_eq!((id.name.as_str(), *expected), ("app", content), "{what}");
        let seen = matches!(attempt.failure, Failure::Different(_))
            || matches!(attempt.failure, Failure::Size { .. });
        assert!(seen, "{what}: {error}");
        assert!(error.hint().unwrap().contains("longshore update app"));
        assert!(!machine.store.has(&content), "{what}");
    }
    // Another mirror that is right makes up for it.
    let good = Repository::new(std::slice::from_ref(&app));
    machine.mirrors.chosen.insert("r0".to_owned(), vec![good.url()]);
    machine.fetch(&lock).unwrap();

    // The same for package lists: a wrong one is not read.
    let other = Repository::new(&[package("app", "6.6.6")]);
    let list = fs_err::read(other.path().join("dists/stable/main/binary-amd64/Packages.xz")).unwrap();
    let machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    let own = fs_err::read(repository.path().join("dists/stable/main/binary-amd64/Packages.xz")).unwrap();
    let digest = longshore_oci::Digest::of(&own).hex();
    for path in [format!("by-hash/SHA256/{digest}"), "Packages.xz".to_owned()] {
        let path = format!("dists/stable/main/binary-amd64/{path}");
        repository.fault(&path, Fault::Replace(list.clone()), Times::Always);
    }
    let error = machine.lock(None, &Refresh::Missing).unwrap_err();
    assert!(matches!(error, Error::List { .. }), "{error}");
}

#[test]
fn a_mirror_with_a_bad_release_file_is_passed_over() {
    let app = package("app", "1.0");
    let (good, bad) =
        (Repository::new(std::slice::from_ref(&app)), Repository::new(&[package("app", "6.6.6")]));
    let empty = tempfile::tempdir().unwrap();
    let nothing = Server::new(empty.path());
    let mut machine = Machine::new(&[&good]).image("web", &[("r0", "app")]);
    machine.mirrors.chosen.insert("r0".to_owned(), vec![nothing.url(), bad.url()]);
    let lock = machine.first_lock();
    assert_eq!(versions(&lock), ["app 1.0"]);
    machine.fetch(&lock).unwrap();
}

#[test]
fn old_release_files_are_refused() {
    let until = Some("Sun, 16 Nov 2025 12:00:00 UTC".to_owned());
    let repository =
        Repository::with_suite(&[package("app", "1.0")], Suite { valid_until: until, ..Suite::default() });
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    let error = machine.lock(None, &Refresh::Missing).unwrap_err();
    assert!(matches!(problem(&error), SuiteProblem::Release(ReleaseError::Expired { .. })), "{error}");
    assert!(error.hint().unwrap().contains("allow-expired"));
    machine.source().expired = Expired::Accept;
    let mut lock = machine.first_lock();

    lock.releases[0].date += 1;
    let error = machine.lock(Some(&lock), &Refresh::All).unwrap_err();
    assert!(matches!(problem(&error), SuiteProblem::Release(ReleaseError::Rollback { .. })), "{error}");

    machine.source().suites = vec!["other".to_owned()];
    let dists = repository.path().join("dists");
    fs_err::rename(dists.join("stable"), dists.join("other")).unwrap();
    let error = machine.lock(None, &Refresh::Missing).unwrap_err();
    assert!(matches!(problem(&error), SuiteProblem::Release(ReleaseError::OtherSuite { .. })), "{error}");
}

#[test]
fn what_the_archive_dropped() {
    let old = package("app", "1.0");
    let repository = Repository::new(&[old.clone(), package("lib", "1")]);
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app"), ("r0", "lib")]);
    let lock = machine.first_lock();
    repository.publish(&[package("app", "1.1"), package("lib", "1")]);
    // A mirror that can't be reached proves nothing.
    machine.mirrors.chosen.insert("r0".to_owned(), vec!["http://127.0.0.1:1/".to_owned()]);
    let error = machine.fetch(&lock).unwrap_err();
    let text = error.to_string();
    assert!(matches!(&error, Error::Gone { replacement: Some(version), .. } if version == "1.1"), "{text}");
    assert!(text.contains("`app` 1.0") && text.contains("replaced by 1.1"), "{text}");
    assert!(error.hint().unwrap().contains("longshore update app"));

    // A snapshot still has it.
    let snapshots = tempfile::tempdir().unwrap();
    let path = snapshots.path().join(date::stamp(lock.releases[0].date)).join(old.pool_path());
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, old.deb()).unwrap();
    let server = Server::new(snapshots.path());
    machine.source().snapshots = vec![format!("{}/{{timestamp}}/", server.url())];
    machine.fetch(&lock).unwrap();

    // A lock that must be made anew for another reason moves on, in every image, and says so.
    let machine = machine.image("second", &[("r0", "lib")]);
    let moved = machine.lock(Some(&lock), &Refresh::Missing).unwrap();
    assert_eq!(versions(&moved.lock), ["app 1.1", "lib 1"]);
    assert_eq!(moved.notes, ["`app` 1.0 → 1.1 (the archive no longer has 1.0)"]);
}

#[test]
fn versions_are_held_until_asked() {
    let at = |version: &str| {
        [
            package("app", version).depends(&format!("lib (>= {version})")),
            package("lib", version),
            package("tool", version),
            package("data", version).depends(&format!("lib (= {version})")),
        ]
    };
    let repository = Repository::new(&at("1"));
    let machine = Machine::new(&[&repository]).image("web", &[("r0", "app"), ("r0", "tool")]);
    let lock = machine.first_lock();
    repository.publish(&[at("1"), at("2")].concat());

    let machine = machine.image("more", &[("r0", "app")]);
    let held = machine.lock(Some(&lock), &Refresh::Missing).unwrap();
    assert_eq!(versions(&held.lock), ["app 1", "lib 1", "tool 1"]);
    let names = |list: &[&str]| {
        Refresh::Packages(list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>())
    };
    let lib = machine.lock(Some(&held.lock), &names(&["lib"])).unwrap();
    assert_eq!(versions(&lib.lock), ["app 1", "lib 2", "tool 1"]);
    // A new version brings what it needs, and no more.
    let app = machine.lock(Some(&held.lock), &names(&["app"])).unwrap();
    assert_eq!(versions(&app.lock), ["app 2", "lib 2", "tool 1"]);
    let all = machine.lock(Some(&held.lock), &Refresh::All).unwrap();
    assert_eq!(versions(&all.lock), ["app 2", "lib 2", "tool 2"]);
    let error = machine.lock(Some(&held.lock), &names(&["nothing"])).unwrap_err();
    assert!(matches!(error, Error::NotLocked { .. }), "{error}");

    // What needs exactly the old version moves along.
    let repository = Repository::new(&at("1"));
    let machine = Machine::new(&[&repository]).image("web", &[("r0", "data")]);
    let lock = machine.first_lock();
    repository.publish(&[at("1"), at("2")].concat());
    let lib = machine.lock(Some(&lock), &names(&["lib"])).unwrap();
    assert_eq!(versions(&lib.lock), ["data 2", "lib 2"]);
}

#[test]
fn providers_are_told() {
    let repository = Repository::new(&[
        package("app", "1").depends("awk"),
        package("mawk", "1").field("Provides", "awk"),
        package("gawk", "1").field("Provides", "awk"),
    ]);
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    let locked = machine.lock(None, &Refresh::Missing).unwrap();
    let (taken, other) = if versions(&locked.lock).contains(&"gawk 1".to_owned()) {
        ("gawk", "mawk")
    } else {
        ("mawk", "gawk")
    };
    assert_eq!(locked.notes, [format!("`awk` → `{taken}`, also: `{other}`")]);
    machine.source().prefer.insert("awk".to_owned(), other.to_owned());
    let locked = machine.lock(Some(&locked.lock), &Refresh::Missing).unwrap();
    assert!(versions(&locked.lock).contains(&format!("{other} 1")), "{:?}", locked.lock);
    assert_eq!(locked.notes, Vec::<String>::new());
}

#[test]
fn without_network() {
    let repository = Repository::new(&[package("app", "1.0"), package("tool", "1.0")]);
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    machine.settings.access = Access::Offline;
    let error = machine.lock(None, &Refresh::Missing).unwrap_err();
    assert!(matches!(error, Error::OfflineSuite { .. }) && error.hint().is_some(), "{error}");
    assert_eq!(repository.total_requests(), 0);
    machine.settings.access = Access::Online;
    let lock = machine.first_lock();
    machine.settings.access = Access::Offline;
    let machine = machine.image("more", &[("r0", "tool")]);
    let before = repository.total_requests();
    let more = machine.lock(Some(&lock), &Refresh::Missing).unwrap().lock;
    assert_eq!(versions(&more), ["app 1.0", "tool 1.0"]);
    let error = machine.fetch(&more).unwrap_err();
    assert!(matches!(error, Error::OfflinePackage { .. }), "{error}");
    assert_eq!(repository.total_requests(), before);
}

#[test]
fn a_folder_is_a_mirror_too() {
    let repository = Repository::new(&[package("app", "1.0")]);
    let mut machine = Machine::new(&[&repository]).image("web", &[("r0", "app")]);
    machine.source().location = AptLocation::Url(format!("file://{}", repository.path().display()));
    machine.settings.access = Access::Offline;
    machine.fetch(&machine.first_lock()).unwrap();
    assert_eq!(repository.total_requests(), 0);
}

/// Debian itself, from this machine's mirror.
#[test]
fn trixie() {
    let mut machine = Machine::new(&[]);
    let debian = AptSource {
        location: AptLocation::Distribution("debian".to_owned()),
        suites: ["trixie", "trixie-updates", "trixie-security"].map(str::to_owned).to_vec(),
        components: vec!["main".to_owned()],
        keyring: Keyring::Shipped("debian-archive".to_owned()),
        signed_by: vec![],
        prefer: BTreeMap::new(),
        snapshots: vec![],
        expired: Expired::Refuse,
    };
    machine.stack.sources.insert("debian".to_owned(), SourceSpec::Apt(debian));
    machine.stack.platforms = ["linux/amd64", "linux/arm64"].map(|p| p.parse().unwrap()).to_vec();
    machine.mirrors.apt = Some(PathBuf::from("/etc/apt"));
    machine.settings = Settings::default();
    let machine = machine.image("web", &[("debian", "nginx")]).image("tz", &[("debian", "tzdata")]);
    let lock = machine.first_lock();
    assert_eq!(lock.releases.len(), 3);
    assert!(lock.releases.iter().all(|release| !release.signed_by.is_empty()));
    assert_eq!(lock.closures.len(), 4);
    let has = |name: &str, architecture: &str| {
        lock.packages.keys().any(|id| id.name == name && id.architecture == architecture)
    };
    assert!(has("nginx", "amd64") && has("nginx", "arm64") && has("libc6", "amd64") && has("tzdata", "all"));
    let (id, package) = lock.packages.iter().find(|(id, _)| id.name == "nginx-common").unwrap();
    let fetched =
        machine.with(|archives| fetch(archives, &machine.stack, &lock, std::slice::from_ref(id))).unwrap();
    assert_eq!(fetched[0].content(), &package.content);
    assert!(machine.store.read_blob(&package.content).unwrap().starts_with(b"!<arch>\n"));
    assert_eq!(machine.lock(Some(&lock), &Refresh::All).unwrap().lock, lock);
}
