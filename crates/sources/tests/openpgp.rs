//! Signatures on release files: real ones, altered ones, and ones made with keys that must not count. `gpgv` is asked
//! for a second opinion on each.

#![allow(clippy::unwrap_used, reason = "a broken assumption of a test fails it")]
#![allow(clippy::disallowed_methods, reason = "real archives are judged by the real clock")]

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_net::{Client, Settings};
use longshore_sources::deb::mirror::Mirrors;
use longshore_sources::deb::openpgp::{
    Keyring, OpenPgpError, Signed, Why, verify_clearsigned, verify_detached,
};
use longshore_stack::model::{AptLocation, AptSource, Expired, Keyring as KeyringName};
use longshore_testkit::Tool;

const DAY: u64 = 86_400;
const TEXT: &str = "Suite: stable\nDate: today\n- dashed\n";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The `InRelease` of a Debian suite, from this machine's mirror.
fn in_release(suite: &str) -> Vec<u8> {
    let source = AptSource {
        location: AptLocation::Distribution("debian".to_owned()),
        suites: vec![suite.to_owned()],
        components: vec!["main".to_owned()],
        keyring: KeyringName::Shipped("debian-archive".to_owned()),
        signed_by: vec![],
        prefer: Default::default(),
        snapshots: vec![],
        expired: Expired::Refuse,
    };
    let mirrors = Mirrors { apt: Some(PathBuf::from("/etc/apt")), ..Mirrors::default() };
    let archive = mirrors.archives("debian", &source, suite).unwrap().remove(0);
    let client = Client::new(Settings::default()).unwrap();
    client.get_bounded(&archive.join(&format!("dists/{suite}/InRelease")), 16 << 20).unwrap()
}

fn shipped() -> (Keyring, PathBuf) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/deb/keyrings/debian-archive.gpg");
    (Keyring::shipped("debian-archive").unwrap(), file)
}

/// gpgv's exit status, and how many signatures it found good.
fn gpgv(keyring: &Path, bytes: &[u8]) -> (Option<i32>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signed");
    fs_err::write(&file, bytes).unwrap();
    let output = Tool::new("gpgv")
        .args(["--status-fd", "1", "--output", "/dev/null", "--keyring"])
        .arg(keyring)
        .arg(&file)
        .output();
    let good =
        String::from_utf8_lossy(&output.stdout).lines().filter(|l| l.starts_with("[GNUPG:] GOODSIG")).count();
    (output.status.code(), good)
}

#[test]
fn debians_own_release_files_count() {
    let (keyring, file) = shipped();
    for (suite, codename) in
        [("trixie", "trixie"), ("trixie-security", "trixie-security"), ("bookworm", "bookworm")]
    {
        let bytes = in_release(suite);
        let signed = verify_clearsigned(&bytes, &keyring, &[], now()).unwrap();
        let text = std::str::from_utf8(signed.bytes()).unwrap();
        assert!(text.contains(&format!("\nCodename: {codename}\n")) && !text.contains("PGP"), "{suite}");
        let (status, good) = gpgv(&file, &bytes);
        assert_eq!((status, good), (Some(0), signed.signed_by().len()), "{suite}: {:?}", signed.signed_by());
        assert!(good >= 2, "{suite}");
        // Each signer can be pinned alone.
        for fingerprint in signed.signed_by() {
            let one = verify_clearsigned(&bytes, &keyring, &[fingerprint.to_lowercase()], now()).unwrap();
            assert_eq!(one.signed_by(), std::slice::from_ref(fingerprint));
        }
    }
}

#[test]
fn altered_release_files() {
    let (keyring, file) = shipped();
    let original = String::from_utf8(in_release("trixie")).unwrap();
    let body = verify_clearsigned(original.as_bytes(), &keyring, &[], now()).unwrap();
    let first_line = body.bytes().split(|b| *b == b'\n').next().unwrap();
    let first_line = std::str::from_utf8(first_line).unwrap();
    let signature = original.find("-----BEGIN PGP SIGNATURE-----").unwrap();
    let replace = |from: &str, to: &str| original.replacen(from, to, 1);

    // Changes that signatures do not cover. What is read is the same.
    for (what, text) in [
        ("CRLF line ends", original.replace('\n', "\r\n")),
        ("trailing blanks", replace(first_line, &format!("{first_line} \t"))),
        ("a dash escape", replace(first_line, &format!("- {first_line}"))),
    ] {
        let signed = verify_clearsigned(text.as_bytes(), &keyring, &[], now()).expect(what);
        assert_eq!(signed, body, "{what}");
        assert_eq!(gpgv(&file, text.as_bytes()).0, Some(0), "{what}");
    }
    // Changes that must not pass, though gpgv lets text around the message pass and leaves it out.
    for (what, text) in [
        ("tampered body", replace("Codename: trixie", "Codename: sid")),
        ("a line more", replace("Codename: trixie", "Evil: yes\nCodename: trixie")),
        ("signatures cut off", original[..signature].to_owned()),
        ("cut in the signatures", original[..signature + 400].to_owned()),
        ("cut in the body", original[..signature / 2].to_owned()),
        ("text before", format!("Suite: evil\n{original}")),
        ("text after", format!("{original}Suite: evil\n")),
        ("two messages", format!("{original}{original}")),
        ("no message", body_text(&body)),
        ("nothing", String::new()),
        ("a web page", "<html><body>Please log in</body></html>".to_owned()),
    ] {
        let error = verify_clearsigned(text.as_bytes(), &keyring, &[], now()).expect_err(what);
        // The message is for people and quotes nothing.
        assert!(error.to_string().len() < 1000 && !error.to_string().contains("evil"), "{what}: {error}");
        assert!(error.hint().is_some(), "{what}");
        let around = matches!(what, "text before" | "text after" | "two messages");
        assert!(around || gpgv(&file, text.as_bytes()).0 != Some(0), "{what}: gpgv takes it");
    }
    let future = verify_clearsigned(original.as_bytes(), &keyring, &[], 1_700_000_000).unwrap_err();
    assert!(matches!(future, OpenPgpError::Untrusted { .. }), "{future}");
}

fn body_text(signed: &Signed) -> String {
    String::from_utf8(signed.bytes().to_vec()).unwrap()
}

/// GnuPG with a home of its own.
struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    /// A home with a new key.
    fn new(algorithm: &str, usage: &str, expire: &str) -> Self {
        // The agent's socket lies in this folder, and socket paths are short.
        let gpg = Self { home: tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap() };
        gpg.run(&["--passphrase", "", "--quick-generate-key", "test", algorithm, usage, expire]);
        gpg
    }

    fn run(&self, arguments: &[&str]) -> String {
        let tool = Tool::new("gpg").env("GNUPGHOME", self.home.path());
        tool.args(["--batch", "--yes", "--quiet", "--no-tty", "--pinentry-mode", "loopback"])
            .args(arguments)
            .run()
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_string_lossy().into_owned()
    }

    /// The public keys as a file, armoured or not.
    fn public(&self, more: &[&str]) -> PathBuf {
        let file = self.path("public");
        self.run(&[more, &["--output", &file, "--export"]].concat());
        PathBuf::from(file)
    }

    fn keyring(&self) -> Keyring {
        Keyring::parse("test", &fs_err::read(self.public(&[])).unwrap()).unwrap()
    }

    fn fingerprints(&self) -> Vec<String> {
        let listing = self.run(&["--with-colons", "--list-keys"]);
        let lines = listing.lines().filter(|line| line.starts_with("fpr:"));
        lines.map(|line| line.split(':').nth(9).unwrap().to_owned()).collect()
    }

    fn sign(&self, how: &[&str]) -> Vec<u8> {
        let (text, signed) = (self.path("text"), self.path("signed"));
        fs_err::write(&text, TEXT).unwrap();
        self.run(&[how, &["--output", &signed, &text]].concat());
        fs_err::read(signed).unwrap()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        Tool::new("gpgconf").env("GNUPGHOME", self.home.path()).args(["--kill", "gpg-agent"]).output();
    }
}

/// Why the only signature does not count.
fn why(bytes: &[u8], keyring: &Keyring, pins: &[String], now: u64) -> Why {
    match verify_clearsigned(bytes, keyring, pins, now) {
        Err(OpenPgpError::Untrusted { mut refused, .. }) if refused.len() == 1 => refused.remove(0).why,
        other => panic!("expected one signature that does not count, got {other:?}"),
    }
}

#[test]
fn good_keys_count() {
    for algorithm in ["rsa2048", "ed25519", "nistp256"] {
        let gpg = Gpg::new(algorithm, "sign", "never");
        let signed = gpg.sign(&["--clearsign"]);
        let verified = verify_clearsigned(&signed, &gpg.keyring(), &[], now()).expect(algorithm);
        assert_eq!(body_text(&verified), TEXT.trim_end());
        assert_eq!(verified.signed_by(), gpg.fingerprints());
    }
}

#[test]
fn subkeys_count_for_their_primary_key() {
    let gpg = Gpg::new("ed25519", "cert", "never");
    let primary = gpg.fingerprints().remove(0);
    gpg.run(&["--passphrase", "", "--quick-add-key", &primary, "rsa2048", "sign", "never"]);
    let all = gpg.fingerprints();
    let signed = gpg.sign(&["--clearsign", "--digest-algo", "SHA512"]);
    for pins in [vec![], vec![all[0].clone()], vec![all[1].clone()]] {
        let verified = verify_clearsigned(&signed, &gpg.keyring(), &pins, now()).unwrap();
        assert_eq!(verified.signed_by(), std::slice::from_ref(&primary));
    }
    assert_eq!(why(&signed, &gpg.keyring(), &["0".repeat(40)], now()), Why::NotPinned);
    // Taken back by its owner.
    let edit = gpg.path("commands");
    fs_err::write(&edit, "key 1\nrevkey\ny\n0\n\ny\nsave\n").unwrap();
    gpg.run(&["--command-file", &edit, "--edit-key", &primary]);
    assert_eq!(why(&signed, &gpg.keyring(), &[], now()), Why::KeyRevoked);
}

#[test]
fn detached_signatures_and_armoured_keyrings() {
    let gpg = Gpg::new("ed25519", "sign", "never");
    let other = Gpg::new("ed25519", "sign", "never");
    let both =
        [fs_err::read(other.public(&["--armor"])).unwrap(), fs_err::read(gpg.public(&["--armor"])).unwrap()]
            .concat();
    let keyring = Keyring::parse("both", &both).unwrap();
    assert_eq!(keyring.fingerprints(), [other.fingerprints(), gpg.fingerprints()].concat());
    for how in
        [&["--armor", "--detach-sign"][..], &["--detach-sign"], &["--armor", "--textmode", "--detach-sign"]]
    {
        let signature = gpg.sign(how);
        let verified = verify_detached(TEXT.as_bytes(), &signature, &keyring, &[], now()).unwrap();
        assert_eq!(body_text(&verified), TEXT);
        let tampered = TEXT.replace("stable", "evil");
        let error = verify_detached(tampered.as_bytes(), &signature, &keyring, &[], now()).unwrap_err();
        assert!(
            matches!(&error, OpenPgpError::Untrusted { refused, .. } if refused[0].why == Why::Mismatch),
            "{error}"
        );
    }
    let error = verify_detached(TEXT.as_bytes(), b"no signature", &keyring, &[], now()).unwrap_err();
    assert_eq!(error, OpenPgpError::BadSignatureFile);
    assert!(Keyring::parse("x", b"no key").is_err());
    assert!(Keyring::shipped("other").is_err());
}

#[test]
fn each_bad_key_and_signature_is_refused_for_its_own_reason() {
    let gpg = Gpg::new("rsa2048", "sign", "never");
    let good = gpg.sign(&["--clearsign"]);
    fs_err::write(gpg.path("signed-first"), &good).unwrap();
    let stranger = Gpg::new("ed25519", "sign", "never");
    assert_eq!(why(&good, &stranger.keyring(), &[], now()), Why::UnknownKey);
    assert!(matches!(why(&good, &gpg.keyring(), &[], now() - DAY), Why::Future { .. }));

    let sha1 = gpg.sign(&["--clearsign", "--digest-algo", "SHA1"]);
    assert_eq!(why(&sha1, &gpg.keyring(), &[], now()), Why::WeakHash { hash: "SHA1".to_owned() });

    let short_lived = gpg.sign(&["--clearsign", "--default-sig-expire", "1d"]);
    verify_clearsigned(&short_lived, &gpg.keyring(), &[], now()).unwrap();
    assert!(matches!(why(&short_lived, &gpg.keyring(), &[], now() + 2 * DAY), Why::SignatureExpired { .. }));

    let expiring = Gpg::new("ed25519", "sign", "1d");
    let signed = expiring.sign(&["--clearsign"]);
    verify_clearsigned(&signed, &expiring.keyring(), &[], now()).unwrap();
    assert!(matches!(why(&signed, &expiring.keyring(), &[], now() + 2 * DAY), Why::KeyExpired { .. }));

    let weak = Gpg::new("rsa1024", "sign", "never");
    let signed = weak.sign(&["--clearsign", "--digest-algo", "SHA256"]);
    assert_eq!(why(&signed, &weak.keyring(), &[], now()), Why::WeakKey { key: "RSA, 1024 bits".to_owned() });

    // GnuPG keeps a revocation for every key it makes, disarmed by a colon.
    let fingerprint = gpg.fingerprints().remove(0);
    let disarmed = fs_err::read_to_string(gpg.path(&format!("openpgp-revocs.d/{fingerprint}.rev"))).unwrap();
    let revocation = gpg.path("revocation");
    fs_err::write(&revocation, disarmed.replace(":-----BEGIN", "-----BEGIN")).unwrap();
    gpg.run(&["--import", &revocation]);
    assert_eq!(why(&good, &gpg.keyring(), &[], now()), Why::KeyRevoked);
    // gpgv trusts all of its keyring, so gpg is asked.
    assert!(gpg.run(&["--status-fd", "1", "--verify", &gpg.path("signed-first")]).contains("REVKEYSIG"));
}
