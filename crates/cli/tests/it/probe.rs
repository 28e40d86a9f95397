//! The health probe that goes into images: what is kept in `crates/probe/bin` is what longshore makes of its source.

use std::os::unix::fs::PermissionsExt;

use longshore_testkit::layout;

use crate::common::{real, root, with_update};

/// How a change is accepted, in words and as what `./x bless` sets.
const ACCEPT: &str = "INSTA_UPDATE=always cargo test --release -p longshore the_probe";

#[test]
fn the_probe_is_what_longshore_builds_of_its_source() {
    let accept = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let sandbox = real("crates/probe");
    for architecture in ["amd64", "arm64"] {
        let platform = format!("linux/{architecture}");
        with_update(&sandbox, &["--hermetic", "build", "--platform", &platform, "-o", architecture]);
        let bundle = sandbox.work().join(format!("{architecture}-probe"));
        let name = "longshore-probe/probe:latest";
        let image = layout::umoci_unpack(&sandbox.work().join(architecture), name, &bundle);
        let built = fs_err::read(image.join(longshore_probe::PATH.trim_start_matches('/'))).unwrap();
        let kept = longshore_probe::binary(&platform.parse().unwrap()).unwrap();
        let file = format!("crates/probe/bin/longshore-probe-linux-{architecture}");
        if accept {
            fs_err::write(root().join(&file), &built).unwrap();
            fs_err::set_permissions(root().join(&file), PermissionsExt::from_mode(0o755)).unwrap();
        } else if built != kept {
            let same = built.iter().zip(kept).take_while(|(built, kept)| built == kept).count();
            panic!(
                "`{file}` is not what longshore builds of `crates/probe/program`: {} bytes, built {}, different from byte \
                 {same} on\n  hint: if the program or its toolchain was changed, accept what is built now: {ACCEPT}",
                kept.len(),
                built.len(),
            );
        }
    }
    if accept {
        fs_err::copy(sandbox.work().join("stack.lock"), root().join("crates/probe/stack.lock")).unwrap();
    }
    assert_eq!(sandbox.ok(&["rebuild", "--all"]).matches("the same bytes").count(), 2);
}
