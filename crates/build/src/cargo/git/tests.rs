//! Objects against git itself: what it writes is read, what is read it finds whole, and nothing else passes.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::ZlibEncoder};
use fs_err as fs;
use longshore_oci::Tree;
use longshore_testkit::git::{self, git};
use proptest::prelude::*;

use super::modules::{self, Module, Update};
use super::object::{Collision, Kind, Object, sha1};
use super::*;
use crate::cargo;
use crate::fixture::{Fixture, platform};

/// A repository of its own, and the folder that a client would have fetched it into.
struct Remote {
    folder: tempfile::TempDir,
    fixture: Fixture,
}

impl Remote {
    /// With two commits: one file grows between them, so that a pack has it as a change.
    fn new() -> Self {
        let remote = Self { folder: tempfile::tempdir().unwrap(), fixture: Fixture::new() };
        let work = remote.work();
        fs::create_dir_all(work.join("src")).unwrap();
        git::init(&work);
        let lines = |count: usize| (0..count).map(|n| format!("line {n} of {}\n", n * n)).collect::<String>();
        fs::write(work.join("src/lib.rs"), lines(4000)).unwrap();
        fs::write(work.join("src.toml"), "a name that sorts between `src` and `src/`\n").unwrap();
        fs::write(work.join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(work.join("run"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::os::unix::fs::symlink("src/lib.rs", work.join("link")).unwrap();
        fs::write(work.join(".gitattributes"), "*.toml text eol=crlf\n").unwrap();
        remote.commit();
        fs::write(work.join("src/lib.rs"), lines(4100)).unwrap();
        remote.commit();
        remote
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn fetched(&self) -> PathBuf {
        self.folder.path().join("fetched")
    }

    fn commit(&self) {
        git::commit(&self.work());
    }

    /// Has it fetched as Cargo keeps it, all in one pack; `pack` are git's settings for that. Gives the pack.
    fn fetch(&self, pack: &[&str]) -> PathBuf {
        let database = self.fetched().join("db/work-0123");
        fs::create_dir_all(&database).unwrap();
        git(&database, &["init", "--quiet", "--bare"]);
        git(&database, &["fetch", "--quiet", self.work().to_str().unwrap(), "HEAD:refs/remotes/origin/HEAD"]);
        let arguments: Vec<&str> = pack.iter().flat_map(|setting| ["-c", setting]).collect();
        git(&database, &[&arguments, &["repack", "-a", "-d", "-f", "--quiet"][..]].concat());
        assert!(git(&database, &["count-objects"]).starts_with("0 objects"));
        let packs = fs::read_dir(database.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
        packs.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "pack")).unwrap()
    }

    /// The files of all objects, each alone.
    fn loosen(&self) -> PathBuf {
        let database = self.fetched().join("db/work-0123");
        fs::create_dir_all(&database).unwrap();
        git(&database, &["init", "--quiet", "--bare"]);
        git(
            &database,
            &["-c", "fetch.unpackLimit=10000", "fetch", "--quiet", self.work().to_str().unwrap(), "HEAD"],
        );
        database.join("objects")
    }

    fn source(&self) -> GitSource {
        let revision = git(&self.work(), &["rev-parse", "HEAD"]);
        GitSource::parse("x 1.0.0", &format!("git+https://git.example/x#{revision}")).unwrap().unwrap()
    }

    fn accept(&self) -> Result<Taken, GitError> {
        let objects = Objects::below(&self.fetched()).unwrap();
        accept(&objects, &self.source(), self.fixture.executor.store()).map_err(|error| match error {
            crate::Error::Cargo(cargo::Error::Git(error)) => error,
            other => panic!("{other}"),
        })
    }

    /// The names that git itself finds below HEAD, without its history.
    fn names(&self) -> BTreeSet<String> {
        let list = git(&self.work(), &["rev-list", "--objects", "--no-walk", "HEAD"]);
        list.lines().map(|line| line[..40].to_owned()).collect()
    }

    /// The name of the object at `path` in HEAD.
    fn at(&self, path: &str) -> String {
        git(&self.work(), &["rev-parse", &format!("HEAD:{path}")])
    }
}

/// Puts `bytes` where the object `name` would be.
fn forge(objects: &Path, name: &str, kind: &str, bytes: &[u8]) {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(format!("{kind} {}\0", bytes.len()).as_bytes()).unwrap();
    encoder.write_all(bytes).unwrap();
    let path = objects.join(&name[..2]).join(&name[2..]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&path);
    fs::write(path, encoder.finish().unwrap()).unwrap();
}

#[test]
fn whatever_way_git_keeps_objects_they_are_taken_and_git_finds_them_whole() {
    let remote = Remote::new();
    let mut all = Vec::new();
    for (pack, changes) in
        [(&[][..], true), (&["repack.useDeltaBaseOffset=false"], true), (&["pack.window=0"], false)]
    {
        let pack = remote.fetch(pack);
        let said = git(&remote.work(), &["verify-pack", "--verbose", pack.to_str().unwrap()]);
        assert_eq!(said.contains("chain length = 1"), changes, "{said}");
        all.push(remote.accept().unwrap());
        fs::remove_dir_all(remote.fetched()).unwrap();
    }
    remote.loosen();
    all.push(remote.accept().unwrap());
    for taken in &all {
        assert_eq!(taken, &all[0]);
    }
    let taken: BTreeSet<String> = all[0].objects.keys().map(ToString::to_string).collect();
    assert_eq!(taken, remote.names());

    // What the build sees is a repository to git.
    let store = remote.fixture.executor.store();
    let mut tree = Tree::new();
    place(&mut tree, &all, store).unwrap();
    let deps = remote.folder.path().join("deps");
    fs::create_dir(&deps).unwrap();
    longshore_oci::folder::write(&tree, store, &deps, longshore_oci::folder::Files::Copies, 1).unwrap();
    let ours = deps.join("git");
    assert_eq!(git(&ours, &["fsck", "--strict", "--no-progress"]), "");
    let list = ["ls-tree", "-r", "-t", "HEAD"];
    assert_eq!(git(&ours, &list), git(&remote.work(), &list));
    assert_eq!(git(&ours, &["rev-list", "--all"]), remote.source().revision.to_string());

    // The next time, nothing has to be fetched, until a file of it is gone.
    assert_eq!(kept(&remote.source(), store).unwrap().as_ref(), Some(&all[0]));
    let content = all[0].objects.values().next().unwrap();
    fs::remove_file(store.blob_path(&content.digest)).unwrap();
    assert_eq!(kept(&remote.source(), store).unwrap(), None);
}

#[test]
fn only_what_the_revision_names_is_taken() {
    let remote = Remote::new();
    assert_eq!(
        remote.accept().unwrap_err().to_string(),
        format!(
            "revision {0} of `https://git.example/x` was not fetched whole: commit {0} is missing",
            remote.source().revision
        )
    );
    let objects = remote.loosen();
    remote.accept().unwrap();
    let revision = remote.source().revision.to_string();
    let tree = git(&remote.work(), &["rev-parse", "HEAD^{tree}"]);
    let other_tree = git(&remote.work(), &["rev-parse", "HEAD^:src"]);
    let other_tree = git(&remote.work(), &["cat-file", "tree", &other_tree]);
    let commit = git(&remote.work(), &["cat-file", "commit", "HEAD^"]) + "\n";
    let table: [(&str, &str, &[u8]); 4] = [
        (&remote.at("src/lib.rs"), "blob", b"fn evil() {}\n"),
        (&remote.at("src"), "tree", other_tree.as_bytes()),
        (&tree, "tree", b""),
        // A commit of the same repository, but not the one that is asked for.
        (&revision, "commit", commit.as_bytes()),
    ];
    for (name, kind, bytes) in table {
        let path = objects.join(&name[..2]).join(&name[2..]);
        let whole = fs::read(&path).unwrap();
        forge(&objects, name, kind, bytes);
        let error = remote.accept().unwrap_err();
        let found = sha1(&[format!("{kind} {}\0", bytes.len()).as_bytes(), bytes]).unwrap();
        let expected = format!(
            "what was fetched of `https://git.example/x` is not revision {revision}: what is called {kind} {name} is \
             the {kind} {found}"
        );
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().unwrap().contains("`longshore build`"));
        fs::remove_file(&path).unwrap();
        let error = remote.accept().unwrap_err().to_string();
        assert!(error.ends_with(&format!("{kind} {name} is missing")), "{error}");
        // A link that leads to the right bytes could as well lead to any file of the machine.
        let elsewhere = remote.folder.path().join("elsewhere");
        fs::write(&elsewhere, &whole).unwrap();
        fs::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert!(remote.accept().unwrap_err().to_string().ends_with("is missing"));
        fs::remove_file(&path).unwrap();
        fs::write(&path, whole).unwrap();
    }
    remote.accept().unwrap();
}

#[test]
fn a_changed_pack_is_noticed_at_any_byte() {
    let remote = Remote::new();
    let pack = remote.fetch(&[]);
    let whole = fs::read(&pack).unwrap();
    fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let good = remote.accept().unwrap();
    let mut noticed = 0;
    // The head is not looked at, nor the sum at the end.
    for at in (12..whole.len() - 20).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&pack, &bytes).unwrap();
        match remote.accept() {
            // Objects of the older commit, and bits that zlib doesn't use.
            Ok(taken) => assert_eq!(taken, good),
            Err(GitError::Content { .. } | GitError::Missing { .. }) => noticed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(noticed > 10, "{noticed}");
}

#[test]
fn objects_that_attack_their_own_name_are_refused() {
    // The first of the two messages of Leurent and Peyrin, "SHA-1 is a Shambles" (2020).
    let hex: String = include_str!("../testdata/shambles.hex").split_whitespace().collect();
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
    assert_eq!(sha1(&[&bytes]), Err(Collision));
    // Half of it is as good as any other file.
    assert!(sha1(&[&bytes[..320]]).is_ok());
    let empty = Object { kind: Kind::Blob, bytes: Vec::new() };
    assert_eq!(empty.id().unwrap().to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

#[test]
fn trees_that_git_does_not_write_are_refused() {
    for (mode, problem) in [("100644", None), ("100664", None), ("060000", Some("which git doesn't write"))] {
        let remote = Remote::new();
        let blob = remote.at("run");
        let raw: Vec<u8> =
            (0..20).map(|n| u8::from_str_radix(&blob[2 * n..2 * n + 2], 16).unwrap()).collect();
        let bytes = [format!("{mode} run\0").as_bytes(), &raw].concat();
        let file = remote.folder.path().join("tree");
        fs::write(&file, &bytes).unwrap();
        let work = remote.work();
        let tree = git(&work, &["hash-object", "-t", "tree", "-w", "--literally", file.to_str().unwrap()]);
        let commit = git(&work, &["commit-tree", &tree, "-m", "odd"]);
        git(&work, &["update-ref", "refs/heads/main", &commit]);
        fs::create_dir_all(remote.fetched()).unwrap();
        fs::rename(work.join(".git/objects"), remote.fetched().join("objects")).unwrap();
        let source =
            GitSource::parse("x 1.0.0", &format!("git+https://git.example/x#{commit}")).unwrap().unwrap();
        let objects = Objects::below(&remote.fetched()).unwrap();
        let result = accept(&objects, &source, remote.fixture.executor.store());
        match (result, problem) {
            (Ok(taken), None) => assert_eq!(taken.objects.len(), 3),
            (Err(error), Some(problem)) => assert!(error.to_string().contains(problem), "{error}"),
            (other, _) => panic!("{mode}: {other:?}"),
        }
    }
}

#[test]
fn submodules_are_taken_with_what_they_have_and_what_git_leaves_out_is_left_out() {
    let (inner, outer) = (Remote::new(), Remote::new());
    fs::write(inner.work().join("inner"), "only here\n").unwrap();
    inner.commit();
    let add = |url: &str, path: &str| {
        git(&outer.work(), &["submodule", "--quiet", "add", "--force", inner.work().to_str().unwrap(), path]);
        git(&outer.work(), &["config", "-f", ".gitmodules", &format!("submodule.{path}.url"), url]);
    };
    add("../inner.git", "vendor/inner");
    outer.commit();
    outer.loosen();
    let commit = inner.source().revision.to_string();
    assert_eq!(
        outer.accept().unwrap_err().to_string(),
        format!(
            "revision {} of `https://git.example/x` has the submodule `vendor/inner`, whose commit {commit} was not \
             fetched",
            outer.source().revision
        )
    );
    // As Cargo leaves it: a repository of its own in the checkout.
    let checkout = outer.fetched().join("checkouts/work-0123/abcdef0/vendor/inner");
    fs::create_dir_all(&checkout).unwrap();
    git(&checkout, &["init", "--quiet"]);
    git(&checkout, &["fetch", "--quiet", inner.work().to_str().unwrap(), "HEAD"]);
    let taken = outer.accept().unwrap();
    let expected: BTreeSet<String> = outer.names().into_iter().chain(inner.names()).collect();
    assert_eq!(taken.objects.keys().map(ToString::to_string).collect::<BTreeSet<_>>(), expected);
    assert_eq!(taken.addresses, BTreeSet::from([String::from("file:///deps/inner.git")]));

    let store = outer.fixture.executor.store();
    let mut tree = Tree::new();
    place(&mut tree, [&taken], store).unwrap();
    let deps = outer.folder.path().join("deps");
    fs::create_dir(&deps).unwrap();
    longshore_oci::folder::write(&tree, store, &deps, longshore_oci::folder::Files::Copies, 1).unwrap();
    // Git understands the settings as they are meant.
    let settings = deps.join("git-settings/git/config");
    let said = git(
        &deps,
        &["config", "-f", settings.to_str().unwrap(), "--get-urlmatch", "url.insteadOf", "file:///deps/git"],
    );
    assert_eq!(said, "file:///deps/inner.git");

    git(&outer.work(), &["config", "-f", ".gitmodules", "submodule.vendor/inner.update", "none"]);
    outer.commit();
    fs::remove_dir_all(outer.fetched()).unwrap();
    outer.loosen();
    let taken = outer.accept().unwrap();
    assert!(taken.addresses.is_empty());
    assert_eq!(taken.commits.len(), 1);
}

#[test]
fn lists_of_submodules_are_read_as_git_reads_them() {
    let text = "# of ours\n[submodule \"a b\"]\n\tpath = vendor/a # here\n  URL=\"https://git.example/a;b\"\n\
                [core]\n\tpath = no\n[submodule \"c\\\"d\"]\n path = \"c d\"\n url = ../long\\\nname.git ; twice\n\tupdate = none\n\
                [submodule \"lost\"]\n\tpath = x\n";
    let module = |path: &str, url: &str, update| Module { path: path.into(), url: url.into(), update };
    let found = modules::parse(text.as_bytes());
    assert_eq!(
        found,
        [
            module("vendor/a", "https://git.example/a;b", Update::Wanted),
            module("c d", "../longname.git", Update::Unwanted)
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    fs::write(&file, text).unwrap();
    let said = |name: &str, key: &str| {
        git(folder.path(), &["config", "-f", file.to_str().unwrap(), &format!("submodule.{name}.{key}")])
    };
    for (name, module) in ["a b", "c\"d"].into_iter().zip(found) {
        assert_eq!((said(name, "path"), said(name, "url")), (module.path, module.url));
    }
}

#[test]
fn addresses_of_submodules_are_those_that_cargo_asks_for() {
    for (base, url, expected) in [
        ("file:///deps/git", "https://git.example/a.git", "https://git.example/a.git"),
        ("file:///deps/git", "git@git.example:a/b.git", "git@git.example:a/b.git"),
        ("file:///deps/git", "../a.git", "file:///deps/a.git"),
        ("file:///deps/git", "./a", "file:///deps/git/a"),
        ("file:///deps/git", "../../../a", "file:///a"),
        ("https://git.example/org/x.git/", "../../other/y", "https://git.example/other/y"),
        ("git@git.example:org/x", "../y", "git@git.example:org/x/../y"),
    ] {
        assert_eq!(modules::address(base, url), expected, "{base} {url}");
    }
}

#[test]
fn sources_of_locks_become_settings() {
    let revision = "0123456789abcdef0123456789abcdef01234567";
    let lines = |address: &str| {
        let source = GitSource::parse("x 1.0.0", &format!("git+{address}#{revision}")).unwrap().unwrap();
        assert_eq!(source.revision.to_string(), revision);
        source.settings().join("\n")
    };
    let last = "replace-with=\"longshore-git\"\nsource.longshore-git.git=\"file:///deps/git\"";
    for (address, git, reference) in [
        ("https://git.example/x", "https://git.example/x", ""),
        (
            "ssh://git@git.example/x.git?branch=release%2F1%2B",
            "ssh://git@git.example/x.git",
            "branch=\"release/1+\"",
        ),
        ("https://git.example/x?tag=v1.0.0", "https://git.example/x", "tag=\"v1.0.0\""),
        ("https://git.example/x?rev=0123456", "https://git.example/x", "rev=\"0123456\""),
        ("https://git.example/x?branch=a+b&other=1", "https://git.example/x", "branch=\"a b\""),
    ] {
        let name = format!("source.\"git+{address}\".");
        let mut expected = format!("{name}git=\"{git}\"\n{name}{last}");
        if !reference.is_empty() {
            expected += &format!("\n{name}{reference}");
        }
        assert_eq!(lines(address), expected);
    }
    assert_eq!(GitSource::parse("x 1.0.0", "registry+https://registry.example/index"), Ok(None));
    for pin in [
        "",
        "#",
        "#0123456",
        "#0123456789abcdef0123456789abcdef0123456g",
        "?rev=0123456789abcdef0123456789abcdef01234567",
    ] {
        let error = GitSource::parse("x 1.0.0", &format!("git+https://git.example/x{pin}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`x 1.0.0` comes from `git+https://git.example/x{pin}`, which pins no revision: expected `#` and 40 \
                 hexadecimal digits at its end"
            )
        );
        assert_eq!(error.hint().unwrap(), "run `cargo update --package x` there, then `git add Cargo.lock`");
    }
}

#[test]
fn a_revision_in_the_store_needs_neither_network_nor_process() {
    let remote = Remote::new();
    remote.fetch(&[]);
    remote.accept().unwrap();
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\n[dependencies]\nx = { git = \"https://git.example/x\", tag = \"v1\" }\n";
    let lock = format!(
        "version = 3\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"x\"]\n[[package]]\nname = \"x\"\n\
         version = \"1.0.0-rc.1\"\nsource = \"git+https://git.example/x?tag=v1#{}\"\n",
        remote.source().revision
    );
    let files = [("Cargo.toml", manifest), ("Cargo.lock", &lock), ("src/main.rs", "fn main() {}")];
    let spec = cargo::tests::spec();
    let prepare = |version: &str| {
        let input = remote.fixture.input(&files, &[("cargo", version)]);
        cargo::prepare("app", &spec, &platform("linux/amd64"), &input)
    };
    let recipe = prepare("1.85.1+dfsg1-1").unwrap();
    let settings = "--config source.\"git+https://git.example/x?tag=v1\".git=\"https://git.example/x\" \
                    --config source.\"git+https://git.example/x?tag=v1\".replace-with=\"longshore-git\" \
                    --config source.\"git+https://git.example/x?tag=v1\".tag=\"v1\" \
                    --config source.longshore-git.git=\"file:///deps/git\"";
    let steps: Vec<String> = recipe.steps.iter().map(|step| step.argv.join(" ")).collect();
    assert_eq!(steps[0], format!("/usr/bin/cargo fetch --locked {settings}"));
    assert_eq!(recipe.steps[0].env["XDG_CONFIG_HOME"], "/deps/git-settings");
    assert_eq!(recipe.steps[0].env["CARGO_HOME"], recipe.steps[2].env["CARGO_HOME"]);
    assert!(steps[1].starts_with("/bin/sh -euc reset()"), "{}", steps[1]);
    assert!(
        steps[2].starts_with("/usr/bin/cargo build --frozen ") && steps[2].ends_with(settings),
        "{}",
        steps[2]
    );
    let deps = remote.fixture.executor.tree(&recipe.mounts["/deps"].tree).unwrap();
    assert!(deps.get(&longshore_oci::TreePath::new("git/HEAD").unwrap()).is_some());
    let error = prepare("1.70.0-1").unwrap_err();
    assert_eq!(error.to_string(), "git dependencies need Cargo 1.74 or newer; the toolchain has 1.70.0-1");
    assert!(error.hint().unwrap().contains("`longshore update`"));
}

/// What Cargo 1.85 prints, by what is wrong.
#[test]
fn what_cargo_says_of_repositories_is_understood() {
    let said = |lines: &[&str]| {
        let log =
            ["error: failed to get `x`", "Caused by:", "  Unable to update https://git.example/x#11111111"];
        let log: Vec<String> = log.iter().chain(lines).map(|line| (*line).to_owned()).collect();
        explain(&log).unwrap()
    };
    let gone = said(&["Caused by:", "  revspec '1111' not found; class=Reference (4); code=NotFound (-3)"]);
    assert_eq!(
        gone.to_string(),
        "`https://git.example/x#11111111` doesn't have the revision that `Cargo.lock` pins: revspec '1111' not found; \
         class=Reference (4); code=NotFound (-3)"
    );
    assert!(gone.hint().unwrap().contains("`cargo update`"));
    let away =
        said(&["", "Caused by:", "  failed to connect to git.example: Connection refused; class=Os (2)"]);
    assert_eq!(
        away.to_string(),
        "`https://git.example/x#11111111` can't be fetched: failed to connect to git.example: Connection refused; \
         class=Os (2)"
    );
    assert!(away.hint().unwrap().contains("`longshore build`"));
    let without = said(&["Caused by:", "  could not execute process `git fetch --tags` (never executed)"]);
    assert!(without.hint().unwrap().contains("add `git` to the build's `toolchain`"));
    assert_eq!(explain(&[String::from("  Unable to update registry `crates-io`")]), None);
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        let object = Object { kind: Kind::Tree, bytes: bytes.clone() };
        let _ = (object.items(), object.tree(), modules::parse(&bytes), modules::parse(text.as_bytes()));
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("objects/pack");
        fs::create_dir_all(&pack).unwrap();
        // An index of one object, whose pack is those bytes.
        let id = Object { kind: Kind::Blob, bytes: Vec::new() }.id().unwrap();
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        (0..256).for_each(|first| index.extend(u32::from(first >= 0xe6).to_be_bytes()));
        index.extend(id.as_bytes());
        index.extend([0; 8 + 40]);
        fs::write(pack.join("a.idx"), &index).unwrap();
        fs::write(pack.join("a.pack"), &bytes).unwrap();
        let objects = Objects::below(folder.path()).unwrap();
        let _ = objects.take(&id, Kind::Blob);
        index.truncate(bytes.len() * 3);
        index.extend(&bytes);
        fs::write(pack.join("a.idx"), &index).unwrap();
        let _ = Objects::below(folder.path()).unwrap().take(&id, Kind::Blob);
    }
}
