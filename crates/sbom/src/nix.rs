//! What is known of a path of the Nix store: by its name, and by what the lock says of it.

use longshore_oci::StorePath;
use longshore_stack::lock::{Lock, LockedStorePath};

use crate::bill::{Component, Id, Kind, Party};
use crate::licence::Licence;
use crate::purl::Purl;

/// What a store path is called.
pub(crate) fn id(path: &StorePath) -> Id {
    Id(format!("nix:{}", path.base_name()))
}

/// What is known of `path`.
pub(crate) fn component(path: &StorePath, lock: &Lock) -> Component {
    let locked = lock.store_paths.get(path);
    let (own_name, own_version) = path.name_and_version();
    let about = locked.map(|locked| &locked.about);
    let name = about.and_then(|about| about.name.as_deref()).unwrap_or(own_name);
    let version = about.and_then(|about| about.version.as_deref()).or(own_version);
    // What has no version is known by what it is.
    let mut component = Component::new(Kind::Package, name, version.unwrap_or(path.hash()));
    let purl = Purl::new("nix", name).version(version.unwrap_or_default());
    // The type is not among those of ECMA-427 yet. So it is as scanners write it, which know a path by the hash in its name.
    component.purl = Some(purl.with("outputhash", path.hash()).text());
    component.properties.insert("store-path".to_owned(), path.to_string());
    component.supplier = Some(Party::Organisation("Nix".to_owned(), None));
    if let Some(LockedStorePath { nar, derivation, about, .. }) = locked {
        component.hashes.insert((*nar).into());
        component.cpe.clone_from(&about.cpe);
        component.licence = about.license.as_deref().and_then(Licence::of_expression);
        if let Some(derivation) = derivation {
            component.properties.insert("derivation".to_owned(), derivation.to_string());
        }
        component.patched.clone_from(&about.patched);
    }
    component
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longshore_oci::{Content, Digest};
    use longshore_stack::lock::AboutStorePath;

    use super::*;

    const HASH: &str = "0i6fy063875f9zm83jl4qfj694lzg4ay";

    fn of(name: &str, about: Option<AboutStorePath>) -> Component {
        let path: StorePath = format!("/nix/store/{HASH}-{name}").parse().unwrap();
        let locked = about.map(|about| LockedStorePath {
            nar: Content { digest: Digest::of(b"nar"), size: 3 },
            references: Vec::new(),
            derivation: format!("/nix/store/{HASH}-{name}.drv").parse().ok(),
            content_address: None,
            about,
        });
        let store_paths: BTreeMap<_, _> = locked.map(|locked| (path.clone(), locked)).into_iter().collect();
        component(&path, &Lock { store_paths, ..Lock::default() })
    }

    #[test]
    fn what_the_lock_says() {
        let text = |text: &str| Some(text.to_owned());
        let about = AboutStorePath {
            name: text("openssl"),
            version: text("3.0.14"),
            license: text("Apache-2.0 AND MIT"),
            cpe: text("cpe:2.3:a:openssl:openssl:3.0.14:*:*:*:*:*:*:*"),
            patched: vec!["CVE-2024-1234".to_owned()],
        };
        let component = of("openssl-3.0.14-bin", Some(about.clone()));
        assert_eq!((component.name.as_str(), component.version.as_str()), ("openssl", "3.0.14"));
        assert_eq!(component.purl, Some(format!("pkg:nix/openssl@3.0.14?outputhash={HASH}")));
        assert_eq!(component.cpe, about.cpe);
        assert_eq!(component.licence.unwrap().expression(), "Apache-2.0 AND MIT");
        assert_eq!(component.patched, about.patched);
        assert_eq!(component.hashes.into_iter().next().unwrap().hex, Digest::of(b"nar").hex());
        let known: Vec<_> = component.properties.into_iter().collect();
        let path = format!("/nix/store/{HASH}-openssl-3.0.14-bin");
        assert_eq!(
            known,
            [("derivation".to_owned(), format!("{path}.drv")), ("store-path".to_owned(), path)]
        );
    }

    #[test]
    fn what_a_name_says() {
        for (name, expected, version) in [
            ("hello-2.12", "hello", "2.12"),
            ("gcc-14.3.0-lib", "gcc", "14.3.0-lib"),
            ("nss-cacert-3.104", "nss-cacert", "3.104"),
            // Validators want a version of everything.
            ("app.conf", "app.conf", HASH),
        ] {
            for about in [None, Some(AboutStorePath::default())] {
                let component = of(name, about);
                assert_eq!((component.name.as_str(), component.version.as_str()), (expected, version));
                assert!(component.purl.unwrap().ends_with(&format!("?outputhash={HASH}")));
                assert!(component.patched.is_empty() && component.licence.is_none());
            }
        }
    }
}
