//! Secrets that are planted in everything a stack's way from keys to running services takes, and looked for in everything that comes
//! of it: as they are, in hex, in base64 wherever they begin in it; in layers, in what envelopes hold, in what was said.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use longshore_testkit::proxy::{Proxy, Seen};
use longshore_testkit::registry::{Kind, LOGIN, Registry};
use longshore_testkit::sandbox::Answer;
use longshore_testkit::sigstore::{Identity, Log, Sigstore};
use longshore_testkit::{Sandbox, Tool};
use serde_json::{Value, json};

use crate::common::LONGSHORE;
use crate::run::stack;

const SERVICES: &str = r#"
[secret.made]
generate = 32

[secret.kept]
file = "kept.txt"

[secret.given]
env = "GIVEN"

[service.web]
image = "box"
command = ["/bin/sh", "-c", "busybox cat /etc/marker; exec busybox sleep 1000"]
secrets = ["made", "kept", "given"]
env = { KEPT_FILE = "{{ secrets.kept }}" }
"#;
/// What is in an image for all to see, so that the search can be seen to look there.
const MARKER: &str = "planted in a layer for all to see";

/// Secrets by name, and the ways in which each may be written.
#[derive(Default)]
struct Secrets(BTreeMap<String, Vec<Vec<u8>>>);

impl Secrets {
    fn plant(&mut self, name: &str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= 9, "{name} is so short that it may be anywhere by chance");
        self.0.insert(name.to_owned(), forms(secret));
    }
}

/// A secret as it is, in hex, and in base64 (RFC 4648) after none, one and two bytes of something else.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    for engine in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
        for before in 0..3_usize {
            let text = engine.encode([&vec![0; before], secret].concat());
            // Characters that are made of the secret alone.
            let (from, to) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
            forms.push(text.as_bytes()[from..to].to_vec());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Looks for all secrets at once.
struct Search<'a> {
    /// By their first four bytes.
    begins: BTreeMap<[u8; 4], Vec<(&'a str, &'a [u8])>>,
}

impl<'a> Search<'a> {
    fn new(secrets: &'a Secrets) -> Self {
        let mut begins: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, forms) in &secrets.0 {
            for form in forms {
                begins
                    .entry(form[..4].try_into().unwrap())
                    .or_default()
                    .push((name.as_str(), form.as_slice()));
            }
        }
        Self { begins }
    }

    /// The names of those that are in `bytes`, or in what `bytes` are when they are unpacked.
    fn within(&self, bytes: &[u8]) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        for (at, window) in bytes.windows(4).enumerate() {
            for (name, form) in self.begins.get(window).into_iter().flatten() {
                if bytes[at..].starts_with(form) {
                    found.insert(*name);
                }
            }
        }
        if bytes.starts_with(&[0x1f, 0x8b]) {
            found.extend(self.within(&unpacked("gzip", bytes)));
        }
        if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            found.extend(self.within(&unpacked("zstd", bytes)));
        }
        found.extend(members(bytes).into_iter().flat_map(|member| self.within(member)));
        let read = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let payload = [&read["dsseEnvelope"]["payload"], &read["payload"]];
        let payload = payload.iter().find_map(|payload| BASE64_STANDARD.decode(payload.as_str()?).ok());
        found.extend(payload.into_iter().flat_map(|payload| self.within(&payload)));
        found
    }

    /// Every file below `folders` that has one, with the names of what it has.
    fn below(&self, folders: &[&Path]) -> BTreeMap<PathBuf, BTreeSet<&'a str>> {
        let mut all = BTreeMap::new();
        let mut left: Vec<PathBuf> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        while let Some(folder) = left.pop() {
            for entry in fs_err::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                let name = entry.file_name();
                let mut found = self.within(name.as_encoded_bytes());
                if kind.is_dir() {
                    left.push(path.clone());
                } else if kind.is_file() {
                    found.extend(self.within(&fs_err::read(&path).unwrap()));
                } else if kind.is_symlink() {
                    found.extend(
                        self.within(fs_err::read_link(&path).unwrap().as_os_str().as_encoded_bytes()),
                    );
                }
                if !found.is_empty() {
                    all.insert(path, found);
                }
            }
        }
        all
    }
}

/// The files in an archive, where it is one (POSIX.1, `ustar`): in those that engines load, layers are packed once more.
fn members(tar: &[u8]) -> Vec<&[u8]> {
    let (mut all, mut rest) = (Vec::new(), tar);
    while rest.get(257..262) == Some(b"ustar") {
        let size = std::str::from_utf8(&rest[124..135]).unwrap().trim_matches(['\0', ' ']);
        let size = usize::from_str_radix(size, 8).unwrap();
        all.push(&rest[512..512 + size]);
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    all
}

fn unpacked(program: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Tool::new(program).arg("-dc").arg(file.path()).output().stdout
}

/// Commands, and all that they say.
struct Said<'a> {
    sandbox: &'a Sandbox,
    all: Vec<(String, Answer)>,
}

impl Said<'_> {
    /// Runs a command plainly, with more words, and as data: it must come to `code` each time.
    fn run(&mut self, code: i32, arguments: &[&str], variables: &[(&str, &str)]) {
        for more in [&[][..], &["--verbose"], &["--json", "--verbose"]] {
            let arguments = [more, arguments].concat();
            let mut command = self.sandbox.command(&arguments);
            let answer = Answer::of(command.envs(variables.iter().copied()));
            assert_eq!(answer.code, code, "{arguments:?}: {answer}");
            self.all.push((arguments.join(" "), answer));
        }
    }

    fn ok(&mut self, arguments: &[&str]) {
        self.run(0, arguments, &[]);
    }
}

/// A token as an issuer makes them, with a signature of nobody's.
fn token(subject: &str) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "https://issuer.longshore.test", "aud": "sigstore", "sub": subject });
    format!("{}.{}.{}", part(json!({ "alg": "ES256" })), part(claims), "c2lnbmF0dXJlIG9mIG5vYm9keSBhdCBhbGw")
}

/// Says that we may not, whatever is asked.
fn refusing() -> Proxy {
    let answer = |_: &Seen| {
        let said = r#"{"code":16,"message":"we do not know you"}"#;
        Some(format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n{said}", said.len()))
    };
    Proxy::answering("127.0.0.1:9", Box::new(answer))
}

#[test]
fn no_secret_is_found_in_anything_that_comes_of_it() {
    let (registry, services, proxy) = (Registry::locked(Kind::Docker), refusing(), refusing());
    let stack = stack(SERVICES);
    let file = stack.read("stack.toml");
    stack.write(
        "stack.toml",
        file.replace(
            "contents = [",
            &format!("contents = [{{ text = \"{MARKER}\", to = \"/etc/marker\" }}, "),
        ),
    );
    let mut secrets = Secrets::default();

    // Keys: their passwords, and themselves.
    let (in_variable, in_file) = ("horse-battery-in-a-variable", "staple-horse-in-a-file");
    secrets.plant("COSIGN_PASSWORD", in_variable);
    secrets.plant("--password-file", in_file);
    stack.write("password", format!("{in_file}\n"));
    let mut said = Said { sandbox: &stack, all: Vec::new() };
    let keygen = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = stack.command(arguments);
        Answer::of(command.envs(variables.iter().copied()))
    };
    for (arguments, variables) in [
        (&["--verbose", "keygen", "first"][..], &[("COSIGN_PASSWORD", in_variable)][..]),
        (&["--json", "keygen", "second", "--password-file", "password"], &[]),
    ] {
        let made = keygen(arguments, variables);
        assert_eq!(made.code, 0, "{made}");
        said.all.push((arguments.join(" "), made));
    }
    let work = stack.work();
    for name in ["first", "second"] {
        let sealed = stack.read(&format!("{name}.key"));
        secrets.plant(&format!("the sealed key `{name}`"), sealed.lines().nth(3).unwrap());
    }
    let plain = Tool::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .run();
    secrets.plant("a line of the plain key", plain.lines().nth(1).unwrap());
    let body: String = plain.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = BASE64_STANDARD.decode(body).unwrap();
    secrets.plant("the plain key", &pkcs8);
    // ECPrivateKey (RFC 5915) in PKCS #8: a number of 32 bytes after version and its own tag.
    let at = pkcs8.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    secrets.plant("the number that is the plain key", &pkcs8[at..at + 32]);

    // Who we are.
    let (in_token, in_ci) = (token("of a file"), token("of a variable"));
    secrets.plant("--identity-token", &in_token);
    secrets.plant("SIGSTORE_ID_TOKEN", &in_ci);
    stack.write("token", &in_token);
    let bearer = "bearer-of-a-job-at-github";
    secrets.plant("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer);
    let service = |version: u32| json!([{ "url": format!("http://{}", services.host()), "majorApiVersion": version, "validFor": { "start": "2020-01-01T00:00:00Z" }, "operator": "x" }]);
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(1), "oidcUrls": service(1), "rekorTlogUrls": service(2), "rekorTlogConfig": { "selector": "ANY" },
        "tsaUrls": service(1), "tsaConfig": { "selector": "ANY" },
    });
    stack.write("signing_config.json", config.to_string());

    // What the services may read, the registry's password, and the proxy's.
    secrets.plant("secret `kept`", "kept-in-a-file-for-services");
    stack.write("kept.txt", "kept-in-a-file-for-services");
    let given = "given-by-the-environment-for-services";
    secrets.plant("secret `given`", given);
    secrets.plant("the registry's login", format!("{}:{}", LOGIN.0, LOGIN.1));
    let of_proxy = "password-of-the-proxy";
    secrets.plant("the proxy's password", of_proxy);
    let through = format!("http://somebody:{of_proxy}@{}", proxy.host());

    let host = registry.host();
    let mut login = stack.command(&["login", &host, "--username", LOGIN.0, "--password-stdin"]);
    let mut child =
        login.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(LOGIN.1.as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());

    // The whole way.
    let to = format!("{host}/org");
    said.ok(&["check"]);
    said.ok(&["lock"]);
    said.ok(&["plan"]);
    said.ok(&["build", "-o", "layout"]);
    said.ok(&["save", "-o", "images.tar"]);
    said.ok(&["sbom"]);
    said.run(
        0,
        &["push", "--to", &to, "--attest", "--key", "first.key"],
        &[("COSIGN_PASSWORD", in_variable)],
    );
    said.ok(&["push", "--to", &to, "--attest", "--key", "second.key", "--password-file", "password"]);
    said.run(0, &["sign", "box", "--legacy", "--key", "env://SIGNING_KEY"], &[("SIGNING_KEY", &plain)]);
    said.ok(&["verify", "--key", "first.pub"]);
    said.run(3, &["verify", "--key", "first.pub", "--log", "required"], &[]);
    said.ok(&["pull", "-o", "pulled"]);
    said.ok(&["copy", &format!("{to}/box:latest"), "oci:copied"]);
    said.ok(&["secrets"]);
    for target in ["compose", "kube", "quadlet"] {
        said.run(0, &["generate", target, "-o", target], &[("GIVEN", given)]);
    }
    said.run(0, &["up", "--detach"], &[("GIVEN", given)]);
    said.ok(&["ps"]);
    said.ok(&["logs", "web"]);
    let made = stack.ok(&["exec", "web", "busybox", "cat", "/run/secrets/made"]);
    secrets.plant("secret `made`", made.trim());
    said.ok(&["down"]);

    // What goes wrong: a password that is another's, tokens that nobody takes, a proxy that does not know us.
    said.run(1, &["sign", "box", "--key", "second.key"], &[("COSIGN_PASSWORD", in_variable)]);
    let keyless = ["sign", "box", "--signing-config", "signing_config.json"];
    said.run(1, &[&keyless[..], &["--identity-token", "token"]].concat(), &[]);
    said.run(1, &keyless, &[("SIGSTORE_ID_TOKEN", &in_ci)]);
    let request = format!("http://{}/token?x=y", services.host());
    let actions =
        [("ACTIONS_ID_TOKEN_REQUEST_URL", request.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer)];
    said.run(2, &keyless, &actions);
    let away = ["verify", "registry.longshore.test/x/y:z", "--key", "first.pub"];
    said.run(1, &away, &[("HTTPS_PROXY", &through), ("https_proxy", &through)]);
    assert!(
        services.seen().iter().any(|seen| seen.head.contains(bearer)),
        "the bearer was not shown to who asked"
    );
    assert!(proxy.seen().iter().any(|seen| seen.method == "CONNECT"), "the proxy was not asked");

    let search = Search::new(&secrets);
    for (arguments, answer) in &said.all {
        let found = search.within(answer.to_string().as_bytes());
        assert!(found.is_empty(), "`longshore {arguments}` says {found:?}");
    }
    let top = work.parent().unwrap();
    let mut found = search.below(&[top, registry.folder()]);
    // Where they were put by hand, and where the one that was made is kept.
    for (path, names) in [
        ("work/password", &["--password-file"][..]),
        ("work/first.key", &["the sealed key `first`"]),
        ("work/second.key", &["the sealed key `second`"]),
        ("work/token", &["--identity-token"]),
        ("work/kept.txt", &["secret `kept`"]),
        ("home/.docker/config.json", &["the registry's login"]),
    ] {
        let names: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(found.remove(&top.join(path)), Some(names), "{path}: the search is blind");
    }
    let kept = crate::run::state_folder(&stack).join("secrets/made");
    let kept = found
        .keys()
        .find(|path| fs_err::canonicalize(path).unwrap() == fs_err::canonicalize(&kept).unwrap())
        .cloned();
    found.remove(&kept.expect("what was made is kept"));
    assert!(found.is_empty(), "{found:#?}");

    // The same search finds what is there: in layers wherever they are, and each secret in each form wherever it is put.
    let mut visible = Secrets::default();
    visible.plant("marker", MARKER);
    let visible = Search::new(&visible).below(&[top, registry.folder()]);
    let seen = |part: &str| visible.keys().any(|path| path.to_string_lossy().contains(part));
    for part in ["/layout/", "/pulled/", "/copied/", "/store/", "/data/docker/registry/", "images.tar"] {
        assert!(seen(part), "what is in a layer is not seen in {part}");
    }
    let planted = tempfile::tempdir().unwrap();
    let (mut expected, mut number) = (BTreeSet::new(), 0);
    for (name, forms) in &secrets.0 {
        for form in forms {
            let inside = [b"before ", form.as_slice(), b" after"].concat();
            let packed = Tool::new("gzip")
                .arg("-c")
                .arg(write(planted.path(), &format!("plain-{number}"), &inside))
                .output()
                .stdout;
            write(planted.path(), &format!("packed-{number}"), &packed);
            let envelope = json!({ "dsseEnvelope": { "payload": BASE64_STANDARD.encode(&inside) } });
            write(planted.path(), &format!("envelope-{number}"), envelope.to_string().as_bytes());
            expected.extend(
                ["plain", "packed", "envelope"].map(|kind| (format!("{kind}-{number}"), name.as_str())),
            );
            number += 1;
        }
    }
    let found = search.below(&[planted.path()]);
    for (file, name) in expected {
        let found = found.get(&planted.path().join(&file));
        assert!(found.is_some_and(|names| names.contains(name)), "{name} is in {file}, and not found");
    }
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn no_token_is_found_in_what_it_was_given_for() {
    let (sigstore, registry) = (Sigstore::start(), Registry::start(Kind::Docker));
    let sandbox = Sandbox::new(LONGSHORE);
    let image = registry.push_sample("org/app");
    let mut secrets = Secrets::default();
    let token = sigstore.token(Identity::Email("dev@longshore.test"));
    secrets.plant("--identity-token", token.trim());
    secrets.plant("its signature", token.trim().rsplit('.').next().unwrap());
    sandbox.write("token", &token);
    sandbox.write("predicate.json", "{}");
    let config = sigstore.signing_config(Log::Rekor2).display().to_string();
    let by = ["--signing-config", &config, "--identity-token", "token"];
    let mut said = Said { sandbox: &sandbox, all: Vec::new() };
    said.ok(&[&["sign", &image], &by[..]].concat());
    said.ok(&[
        &["attest", &image, "--type", "https://longshore.test/x", "--predicate", "predicate.json"],
        &by[..],
    ]
    .concat());
    said.ok(&["copy", &image, "oci:copied"]);
    let search = Search::new(&secrets);
    for (arguments, answer) in &said.all {
        assert!(search.within(answer.to_string().as_bytes()).is_empty(), "`longshore {arguments}`");
    }
    let top = sandbox.work().parent().unwrap().to_owned();
    let mut found = search.below(&[&top, registry.folder()]);
    assert!(found.remove(&top.join("work/token")).is_some(), "the search is blind");
    assert!(found.is_empty(), "{found:#?}");
    // What was signed is there, so it is looked at.
    let mut visible = Secrets::default();
    visible.plant("what was signed", "https://longshore.test/x");
    let visible = Search::new(&visible).below(&[&top.join("work/copied"), registry.folder()]);
    assert!(visible.len() > 1, "{visible:?}");
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs_err::write(&path, bytes).unwrap();
    path
}
