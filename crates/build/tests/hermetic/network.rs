//! Fetches have a network and builds have none; the machine's own toolchain; many at once.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use fs_err as fs;
use longshore_build::{Error, Executor, Fetch, HostToolchain, Root, Step};

use crate::scene::{Machine, root, sh};

/// Answers `count` requests with a word; gives its port.
fn server(count: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming().take(count) {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 1024]).unwrap();
            let answer = b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nreached";
            connection.write_all(answer).unwrap();
        }
    });
    port
}

#[test]
fn only_fetches_reach_the_network_and_its_settings() {
    let machine = Machine::new();
    let certificates = machine.folder.path().join("authorities.pem");
    fs::write(&certificates, "the machine's").unwrap();
    let mut settings = machine.settings();
    settings.network = [(String::from("all_proxy"), String::from("http://user:secret@proxy"))].into();
    settings.certificates = Some(certificates);
    let own = |name: &str| {
        let path = machine.folder.path().join(name);
        fs::write(&path, "registry=http://user:secret@mirror").unwrap();
        path
    };
    let places = ["/homeless/.npmrc", "/homeless/.config/go/env", "/out/config.toml"];
    settings.files =
        places.iter().map(|place| ((*place).to_owned(), own(&place.replace('/', "_")))).collect();
    settings.files.insert(String::from("/homeless/.netrc"), machine.folder.path().join("none"));
    let executor = Executor::new(settings);
    let port = server(1);
    let script = format!(
        "echo GET | nc -w 5 127.0.0.1 {port} > /out/answer 2> /out/log || echo no > /out/answer
         env > /out/env; cat /etc/resolv.conf > /out/resolver; cat /etc/ssl/certs/ca-certificates.crt > /out/authorities
         for file in /homeless/.npmrc /homeless/.config/go/env /out/config.toml; do
             if grep -q secret $file 2> /dev/null; then echo $file; fi
         done > /out/own"
    );
    let recipe = sh(&script);
    let fetch = Fetch {
        name: String::from("app"),
        root: root(),
        mounts: BTreeMap::new(),
        known: BTreeMap::new(),
        steps: vec![Step { what: String::from("nc"), ..recipe.steps[0].clone() }],
    };
    let output = executor.run(&recipe).unwrap();
    let folder = executor.fetch(&fetch).unwrap();
    let fetched = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(fetched("answer").lines().last(), Some("reached"), "{}", fetched("log"));
    assert!(fetched("env").contains("all_proxy=http://user:secret@proxy"));
    assert_eq!(fetched("resolver"), fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    assert_eq!(fetched("authorities"), "the machine's");
    assert_eq!(fetched("own").lines().collect::<Vec<_>>(), places.map(|place| place));
    // Seen, and nowhere left.
    assert_eq!(fetched("config.toml"), "");

    let built = |name: &str| {
        let path = longshore_oci::TreePath::new(name).unwrap();
        let Some(longshore_oci::Node::File(content)) = output.tree.get(&path).map(|entry| entry.node.clone())
        else {
            panic!("no {name}")
        };
        String::from_utf8(machine.store.read_blob(&content).unwrap()).unwrap()
    };
    assert_eq!(built("answer"), "no\n");
    assert!(!built("env").contains("proxy"));
    assert_eq!((built("resolver"), built("authorities"), built("own")), Default::default());
}

#[test]
fn the_machines_own_toolchain_is_used_only_where_it_may_be() {
    let machine = Machine::new();
    let mut recipe = sh("for place in /root /home /var /etc/shadow /etc/hostname; do
             if [ -e $place ]; then echo $place; fi
         done > /out/seen; ls /usr/bin | wc -l > /out/programs");
    recipe.root = Root::Host;
    assert!(matches!(machine.executor().run(&recipe), Err(Error::NotHermetic { .. })));
    let mut settings = machine.settings();
    settings.host = HostToolchain::Allowed;
    let output = Executor::new(settings).run(&recipe).unwrap();
    let seen = output.tree.get(&longshore_oci::TreePath::new("seen").unwrap()).unwrap();
    assert_eq!(seen.node, longshore_oci::Node::File(longshore_oci::Content::of(b"")));
    // What was made before with it is refused all the same.
    assert!(matches!(machine.executor().run(&recipe), Err(Error::NotHermetic { .. })));
}

#[test]
fn builds_at_once_share_what_they_are_made_with() {
    let machine = Machine::new();
    let executor = machine.executor();
    let recipes: Vec<_> = (0..6).map(|n| sh(&format!("echo {n} > /out/n"))).collect();
    thread::scope(|scope| {
        for recipe in &recipes {
            scope.spawn(|| executor.run(recipe).unwrap());
        }
    });
    let roots = fs::read_dir(machine.store.root().join("roots")).unwrap();
    let folders = roots.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(folders, 1);
}
