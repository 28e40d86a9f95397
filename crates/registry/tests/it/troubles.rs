//! Connections that break, and registries that have a bad moment.

use std::io::Read;

use longshore_oci::{Content, Silent};
use longshore_registry::Error;
use longshore_testkit::proxy::{Proxy, Repeat, Trouble};
use longshore_testkit::registry::{Kind, Registry};

use crate::{Own, fetch, noise, upload};

#[test]
fn an_upload_gets_through_one_trouble_at_any_of_its_requests() {
    // Larger than what is sent in one piece.
    let bytes = noise(5 << 20, 1);
    let content = Content::of(&bytes);
    let through = |kind: Kind, trouble: Trouble| {
        let registry = Registry::start(kind);
        let proxy = Proxy::new(&registry.host());
        for at in 0.. {
            let own = Own::new();
            let repository = own.repository(&proxy.host(), &format!("org/web{at}"));
            // Not the greeting, which a client that finds nobody on loopback does not repeat.
            proxy.trouble(at + 1, trouble, Repeat::Once);
            upload(&repository, &bytes)
                .unwrap_or_else(|error| panic!("{kind:?} {trouble:?} at {at}: {error}"));
            let requests = proxy.seen().len();
            proxy.heal();
            assert!(repository.has_blob(&content).unwrap(), "{kind:?} {trouble:?} at {at}");
            // Past the last request, nothing went wrong.
            if requests <= at + 1 {
                break;
            }
        }
    };
    // Most of it is waiting.
    std::thread::scope(|scope| {
        for kind in Kind::ALL {
            for trouble in Trouble::ALL {
                let through = &through;
                scope.spawn(move || through(kind, trouble));
            }
        }
    });
}

#[test]
fn a_broken_upload_goes_on_where_it_ended() {
    let bytes = noise(150 << 20, 2);
    for kind in [Kind::Docker, Kind::Distribution] {
        let registry = Registry::start(kind);
        let proxy = Proxy::new(&registry.host());
        let own = Own::new();
        let repository = own.repository(&proxy.host(), "org/web");
        let sent =
            || proxy.seen().iter().filter(|seen| seen.method == "PATCH").map(|seen| seen.sent).sum::<u64>();
        // The greeting, the beginning, one chunk; then nothing gets through any more.
        proxy.trouble(3, Trouble::CutBefore, Repeat::Always);
        let error = upload(&repository, &bytes).unwrap_err();
        assert!(matches!(error, Error::Upload { .. }), "{kind:?}: {error}");
        assert!(error.hint().unwrap().contains("run the same command again"), "{kind:?}");
        proxy.heal();
        // As another run would, which has the same store.
        upload(&repository, &bytes).unwrap();
        assert_eq!(sent(), (150 - 64) << 20, "{kind:?}: the first chunk is not sent again");
        assert!(fetch(&own, &repository, &Content::of(&bytes)).unwrap() == bytes, "{kind:?}");
    }
}

#[test]
fn a_download_gets_through_trouble_and_goes_on_where_it_ended() {
    let bytes = noise(3 << 20, 3);
    let registry = Registry::start(Kind::Distribution);
    let content = upload(&Own::new().repository(&registry.host(), "org/web"), &bytes).unwrap();
    for trouble in Trouble::ALL {
        let proxy = Proxy::new(&registry.host());
        let own = Own::new();
        let repository = own.repository(&proxy.host(), "org/web");
        proxy.trouble(1, trouble, Repeat::Once);
        let fetched = fetch(&own, &repository, &content);
        match trouble {
            // Wrong bytes are a lie and no accident: TCP notices those.
            Trouble::Corrupt => assert!(matches!(fetched, Err(Error::Different { .. })), "{trouble:?}"),
            // So is a wrong length.
            Trouble::Short => assert!(matches!(fetched, Err(Error::Malformed { .. })), "{trouble:?}"),
            _ => assert!(fetched.unwrap() == bytes, "{trouble:?}"),
        }
    }
}

#[test]
fn what_can_t_be_read_is_no_fault_of_the_registry() {
    let registry = Registry::start(Kind::Docker);
    let own = Own::new();
    let repository = own.repository(&registry.host(), "org/web");
    let open = |_| Err::<Box<dyn Read>, _>(std::io::Error::other("the disk is gone"));
    let error = repository.upload(&Content::of(b"x"), &open, None, &Silent).unwrap_err();
    assert!(matches!(error, Error::Read(_)), "{error}");
}
