//! Each lint on a small image that has it, and on one that has not.

use longshore_stack::model::{Allow, ContentSpec, ImageSpec, NixLinks, WritableSpec};

use super::*;
use crate::rootfs::fixture::*;

/// `severity lint:subject (origin)` of every finding.
fn findings(world: &World, spec: &ImageSpec) -> Vec<String> {
    let rootfs = world.compose(spec).unwrap();
    let line = |f: Finding| {
        assert!(LINTS.iter().any(|lint| lint.name == f.lint && lint.severity <= f.severity), "{f:?}");
        assert!(!f.message.is_empty() && !f.hint.is_empty());
        let origin = f.origin.map(|origin| format!(" ({origin})")).unwrap_or_default();
        format!("{:?} {}:{}{origin}", f.severity, f.lint, f.subject)
    };
    check(&rootfs, spec, &amd64()).into_iter().map(line).collect()
}

fn app() -> Parts {
    package("app", &["libc6"])
        .program("usr/bin/app", &["libc.so.6"])
        .library("usr/lib/app/plugin.so", &["libgone.so.1", "libinner.so"])
        .library("usr/lib/app/inner/libinner.so", &["libc.so.6"])
        .script("usr/share/app/hook", "/bin/bash")
        .script("usr/share/app/hook2", "/bin/bash")
}

#[test]
fn a_sound_image_has_no_findings() {
    let world = World::new([libc(), libgcc(), app()]);
    let mut spec = spec([sliced("app", &["usr/bin/app"], None)]);
    spec.entrypoint = vec!["app".to_owned()];
    spec.workdir = Some(path("tmp"));
    spec.writable = vec![WritableSpec { path: path("var/lib/app"), owner: (10001, 10001), mode: 0o750 }];
    spec.env = [("TOKEN_FILE", "/run/token"), ("PASSWORD_MIN_LENGTH_URL", "x"), ("LANG", "C.UTF-8")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    assert_eq!(findings(&world, &spec), [""; 0]);
}

#[test]
fn a_library_elsewhere_does_not_start_the_program() {
    // As `ffmpeg` and libblas3: what the maintainer script would have linked.
    let blas =
        package("blas", &["libc6"]).library("usr/lib/x86_64-linux-gnu/blas/libblas.so.3", &["libc.so.6"]);
    let sphinx =
        package("sphinx", &["blas"]).library("usr/lib/x86_64-linux-gnu/libs.so.3", &["libblas.so.3"]);
    let world = World::new([
        libc(),
        blas,
        sphinx,
        package("play", &["sphinx"]).program("usr/bin/play", &["libs.so.3"]),
    ]);
    let mut spec = spec([whole("play")]);
    assert_eq!(findings(&world, &spec), ["Note missing-library:libblas.so.3 (debian/sphinx=1:amd64)"]);
    spec.command = vec!["/usr/bin/play".to_owned()];
    assert_eq!(findings(&world, &spec), ["Error missing-library:libblas.so.3 (debian/sphinx=1:amd64)"]);
    let link = "/usr/lib/x86_64-linux-gnu/libblas.so.3";
    spec.alternatives = [(path(link), "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3".to_owned())].into();
    assert_eq!(findings(&world, &spec), [""; 0]);
}

#[test]
fn what_must_work_is_an_error_and_what_may_is_a_warning() {
    let world = World::new([
        libc(),
        libgcc(),
        app(),
        local("tool").program("tool", &["libgone.so.2"]),
        local("arm").elf("arm", &["libc.so.6"], |elf| elf.machine = 183),
        local("run.sh").script("run.sh", "/usr/bin/env"),
    ]);
    let mut spec = spec([whole("app"), ContentSpec::File(place("tool", "/bin/"))]);
    spec.command = vec!["/bin/app".to_owned()];
    assert_eq!(
        findings(&world, &spec),
        [
            "Error missing-library:libgone.so.2 (path tool)",
            "Warning missing-interpreter:/bin/bash (debian/app=1:amd64)",
            "Warning missing-library:libgone.so.1 (debian/app=1:amd64)",
            "Note missing-library:libinner.so (debian/app=1:amd64)",
        ]
    );

    spec.allow = vec![
        Allow { lint: "missing-library".to_owned(), subject: None },
        Allow { lint: "missing-interpreter".to_owned(), subject: Some("/bin/bash".to_owned()) },
    ];
    assert_eq!(findings(&world, &spec), [""; 0]);

    // The loader's own ways: a library path in the environment.
    spec.allow = Vec::new();
    spec.contents = vec![sliced("app", &["usr/lib/app"], None)];
    spec.command = vec!["/usr/lib/app/plugin.so".to_owned()];
    spec.env = [("LD_LIBRARY_PATH".to_owned(), "/usr/lib/app/inner".to_owned())].into();
    assert_eq!(findings(&world, &spec), ["Error missing-library:libgone.so.1 (debian/app=1:amd64)"]);

    spec.contents =
        vec![ContentSpec::File(place("arm", "/bin/")), ContentSpec::File(place("run.sh", "/bin/"))];
    spec.command = vec!["/bin/arm".to_owned()];
    assert_eq!(
        findings(&world, &spec),
        [
            "Error missing-interpreter:/usr/bin/env (path run.sh)",
            "Error wrong-architecture:/bin/arm (path arm)".replace("/bin", "/usr/bin").as_str(),
        ]
    );
}

#[test]
fn the_command_is_found_as_the_engine_finds_it() {
    let world = World::new([package("app", &[])
        .file("usr/bin/app", 0o755)
        .file("usr/bin/data", 0o644)
        .file("opt/bin/tool", 0o755)
        .folder("opt/closed", 0o700, 0)
        .file("opt/closed/app", 0o755)]);
    let mut spec = spec([whole("app")]);
    for (command, workdir, expected) in [
        ("app", "", ""),
        ("/bin/app", "", ""),
        ("./app", "usr/bin", ""),
        ("tool", "", "the image starts `tool`, which is not in it; did you mean `/opt/bin/tool`?"),
        (
            "gone",
            "",
            "the image starts `gone`, which is not in it; add what brings `gone` to `contents`, or correct `command`",
        ),
        (
            "data",
            "",
            "the image starts `data`, which user `app` can't execute (`/usr/bin/data`, mode 0644); set `mode = \"0755\"` where it comes in",
        ),
        (
            "/opt/closed/app",
            "",
            "the image starts `/opt/closed/app`, which user `app` can't execute (`/opt/closed/app`, mode 0755); set `mode = \"0755\"` where it comes in",
        ),
    ] {
        spec.command = vec![command.to_owned()];
        spec.workdir = Some(path(workdir));
        let rootfs = world.compose(&spec).unwrap();
        let found = check(&rootfs, &spec, &amd64());
        let found: Vec<_> = found.iter().map(|f| format!("{}; {}", f.message, f.hint)).collect();
        assert_eq!(found.join("\n"), expected, "{command}");
    }
    spec.env = [("PATH".to_owned(), "/opt/bin".to_owned())].into();
    spec.command = vec!["tool".to_owned()];
    assert_eq!(findings(&world, &spec), [""; 0]);
}

#[test]
fn rights_state_and_unwanted_files_are_found() {
    let world = World::new([
        package("junk", &[])
            .file("usr/bin/x86_64-linux-gnu-gcc-14", 0o755)
            .file("usr/bin/apt", 0o755)
            .file("usr/bin/dash", 0o755)
            .file("usr/lib/x86_64-linux-gnu/libjunk.a", 0o644)
            .file("usr/include/junk.h", 0o644)
            .file("etc/open", 0o666)
            .folder("var/open", 0o777, 0)
            .folder("var/closed", 0o700, 0),
        local("su").file("su", 0o4755),
    ]);
    let mut spec = spec([whole("junk"), ContentSpec::File(place("su", "/bin/"))]);
    spec.user = user("root", 0);
    assert_eq!(
        findings(&world, &spec),
        [
            "Warning compiler:/usr/bin/x86_64-linux-gnu-gcc-14 (debian/junk=1:amd64)",
            "Warning development:junk (debian/junk=1:amd64)",
            "Warning root-user:root",
            "Warning setuid:/usr/bin/su (path su)",
            "Warning world-writable:/etc/open (debian/junk=1:amd64)",
            "Warning world-writable:/var/open (debian/junk=1:amd64)",
            "Note package-manager:/usr/bin/apt (debian/junk=1:amd64)",
            "Note shell:/usr/bin/dash (debian/junk=1:amd64)",
        ]
    );

    spec.contents = vec![whole("junk")];
    spec.allow = ["compiler", "development", "world-writable", "shell", "package-manager"]
        .map(|lint| Allow { lint: lint.to_owned(), subject: None })
        .into();
    spec.user = user("app", 10001);
    spec.workdir = Some(path("var/closed"));
    spec.writable = vec![
        WritableSpec { path: path("var/closed/state"), owner: (10001, 10001), mode: 0o750 },
        WritableSpec { path: path("var/readonly"), owner: (10001, 10001), mode: 0o550 },
        WritableSpec { path: path("var/fine"), owner: (10001, 10001), mode: 0o700 },
    ];
    spec.env =
        [("DB_PASSWORD", "hunter2"), ("DSN", "pg://u:p@db/x"), ("SITE", "http://db/x"), ("API_TOKEN", "")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    assert_eq!(
        findings(&world, &spec),
        [
            "Error workdir:/var/closed (debian/junk=1:amd64)",
            "Error writable:/var/closed/state (inline /var/closed/state)",
            "Error writable:/var/readonly (inline /var/readonly)",
            "Warning secret:DB_PASSWORD",
            "Warning secret:DSN",
        ]
    );
}

#[test]
fn the_stack_file_accepts_every_lint_and_no_other() {
    let names: Vec<_> = LINTS.iter().map(|lint| lint.name).collect();
    assert_eq!(names, longshore_stack::model::LINTS);
}

#[test]
fn what_builds_programs_in_a_nix_closure_is_an_error_that_says_the_way() {
    let world = World::new([
        store_path("web-1.0", &["lib-2.0", "gcc-14.3.0"]).program(&below("web-1.0", "bin/web"), &[]),
        store_path("lib-2.0", &["zlib-1.3-dev"]).library(&below("lib-2.0", "lib/lib.so"), &[]),
        store_path("zlib-1.3-dev", &[]).file(&below("zlib-1.3-dev", "include/zlib.h"), 0o444),
        store_path("gcc-14.3.0", &[])
            .program(&below("gcc-14.3.0", "bin/gcc"), &[])
            .file(&below("gcc-14.3.0", "lib/gcc/include/stddef.h"), 0o444),
        libc(),
    ]);
    let mut spec = spec([whole("libc6"), nix(NixLinks::Programs, &[])]);
    let (gcc, zlib) = (named("gcc-14.3.0"), named("zlib-1.3-dev"));
    assert_eq!(
        findings(&world, &spec),
        [
            format!("Error compiler:gcc-14.3.0 (nix {})", gcc.base_name()),
            format!("Error development:zlib-1.3-dev (nix {})", zlib.base_name()),
        ]
    );
    let all = check(&world.compose(&spec).unwrap(), &spec, &amd64());
    assert_eq!(
        all[1].message,
        format!(
            "`zlib-1.3-dev` has headers, static libraries or pkg-config files (`{}`), and is there because of web-1.0 → \
             lib-2.0 → zlib-1.3-dev",
            below("zlib-1.3-dev", "include/zlib.h")
        )
    );
    let allow =
        |lint: &str, subject: &str| Allow { lint: lint.to_owned(), subject: Some(subject.to_owned()) };
    spec.allow = vec![allow("compiler", "gcc-14.3.0"), allow("development", "zlib-1.3-dev")];
    assert_eq!(findings(&world, &spec), [""; 0]);
}
