//! Keys and certificates of a private Sigstore, as files, and the documents that tell clients of them.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};

use super::{HOST, cosign};

/// From when on keys count.
const START: &str = "2020-01-01T00:00:00Z";

/// Where the servers are.
pub(super) struct Addresses {
    pub fulcio: String,
    pub certificate_log: String,
    pub rekor1: String,
    pub rekor2: String,
    pub timestamps: String,
    pub issuer: String,
}

/// Which log a signature goes into; the timestamp authority is asked too, but where it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Rekor 2: entries have proofs, and their time is that of the timestamp.
    Rekor2,
    /// Rekor 1: entries have promises and times of their own.
    Rekor1,
    /// Rekor 1 without a timestamp: its word has to do for the time.
    Rekor1Alone,
}

/// Makes the keys that servers start with: Fulcio's as certificate authority, the certificate log's and Rekor 2's.
pub(super) fn write_keys(folder: &Path) {
    authority(folder, "fulcio");
    key(folder, "certificate-log", &PKCS_ECDSA_P256_SHA256);
    key(folder, "rekor2", &PKCS_ED25519);
}

/// Makes those that servers otherwise choose themselves, so that all have one.
pub(super) fn write_missing_keys(folder: &Path) {
    key(folder, "rekor1", &PKCS_ECDSA_P256_SHA256);
    let issuer = authority(folder, "timestamps");
    // A chain starts with who signs timestamps, which is no authority.
    let mut params = params("timestamp signer");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    let chain = folder.join("timestamps.pem");
    let root = fs_err::read_to_string(&chain).unwrap();
    fs_err::write(&chain, leaf.pem() + &root).unwrap();
}

/// A key pair: `NAME.key`, `NAME.pub`.
fn key(folder: &Path, name: &str, algorithm: &'static SignatureAlgorithm) -> KeyPair {
    let key = KeyPair::generate_for(algorithm).unwrap();
    fs_err::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    fs_err::write(folder.join(format!("{name}.pub")), key.public_key_pem()).unwrap();
    key
}

/// A certificate authority: a key pair, and `NAME.pem`.
fn authority(folder: &Path, name: &str) -> Issuer<'static, KeyPair> {
    let key = key(folder, name, &PKCS_ECDSA_P256_SHA256);
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).unwrap();
    fs_err::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    Issuer::new(params, key)
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "longshore.test");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params
}

/// A certificate log's private key as CTFE's configuration takes it: bytes in the text form of protocol buffers.
pub(super) fn escaped_der(folder: &Path, name: &str) -> String {
    let pem = fs_err::read_to_string(folder.join(format!("{name}.key"))).unwrap();
    let der = KeyPair::from_pem(&pem).unwrap().serialize_der();
    der.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

/// Writes the trusted root of the keys in `folder` into `to`.
pub(super) fn write_trusted_root(folder: &Path, at: &Addresses, to: &Path) {
    let keys = folder.display();
    let key = |name: &str, url: &str| format!("url={url},public-key={keys}/{name}.pub,start-time={START}");
    let chain =
        |name: &str, url: &str| format!("url={url},certificate-chain={keys}/{name}.pem,start-time={START}");
    cosign(folder)
        .args(["trusted-root", "create"])
        .arg(format!("--fulcio={}", chain("fulcio", &at.fulcio)))
        .arg(format!("--ctfe={}", key("certificate-log", &at.certificate_log)))
        // Checkpoints name their log by its origin, which has no port.
        .arg(format!("--rekor={},origin={HOST}", key("rekor2", &at.rekor2)))
        .arg(format!("--rekor={}", key("rekor1", &at.rekor1)))
        .arg(format!("--tsa={}", chain("timestamps", &at.timestamps)))
        .arg("--out")
        .arg(to)
        .run();
}

/// Writes the signing configuration for one of the logs into `to`.
pub(super) fn write_signing_config(folder: &Path, at: &Addresses, log: Log, to: &Path) {
    let service = |url: &str, version| {
        format!("url={url},api-version={version},start-time={START},operator=longshore.test")
    };
    let rekor = match log {
        Log::Rekor2 => service(&at.rekor2, 2),
        Log::Rekor1 | Log::Rekor1Alone => service(&at.rekor1, 1),
    };
    let mut tool = cosign(folder)
        .args(["signing-config", "create"])
        .arg(format!("--fulcio={}", service(&at.fulcio, 1)))
        .arg(format!("--oidc-provider={}", service(&at.issuer, 1)))
        .args([format!("--rekor={rekor}").as_str(), "--rekor-config=ANY"]);
    if log != Log::Rekor1Alone {
        tool = tool.args([format!("--tsa={}", service(&at.timestamps, 1)).as_str(), "--tsa-config=ANY"]);
    }
    tool.arg("--out").arg(to).run();
}

/// Writes a signing configuration without any server into `folder`: signatures by key then go into no log.
pub fn unlogged(folder: &Path) -> PathBuf {
    let file = folder.join("signing_config.unlogged.json");
    cosign(folder).args(["signing-config", "create", "--out"]).arg(&file).run();
    file
}

/// Writes the trusted root of a Sigstore that nobody runs into `folder`: it vouches for nothing.
pub fn unrelated_root(folder: &Path) -> PathBuf {
    let keys = tempfile::tempdir().unwrap();
    write_keys(keys.path());
    write_missing_keys(keys.path());
    let url = |name: &str| format!("https://{name}.unrelated.test");
    let at = Addresses {
        fulcio: url("fulcio"),
        certificate_log: url("ct"),
        rekor1: url("rekor1"),
        rekor2: url("rekor2"),
        timestamps: url("timestamps"),
        issuer: url("issuer"),
    };
    let file = folder.join("trusted_root.unrelated.json");
    write_trusted_root(keys.path(), &at, &file);
    file
}
