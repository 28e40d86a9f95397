//! Certificates that no Sigstore gives when it works: made here, with a timestamp of openssl's, and refused.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::Digest;
use longshore_testkit::Tool;
use longshore_trust::key::PrivateKey;
use longshore_trust::{
    Author, BUNDLE_TYPE, Evidence, Expected, Signer, Signing, Statement, TrustRoot, Verifier,
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const PERSON: &str = "dev@longshore.test";
const ISSUER: &str = "https://issuer.longshore.test";
/// Fulcio's extensions (its `docs/oid-info.md`): the issuer as it is.
const ISSUER_OID: [u64; 9] = [1, 3, 6, 1, 4, 1, 57264, 1, 1];
/// Signed certificate timestamps (RFC 6962, 3.3).
const SCT_OID: [u64; 10] = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
/// Extended key usage (RFC 5280, 4.2.1.12), and that of timestamp authorities, which has to be critical (RFC 3161, 2.3).
const USAGE_OID: [u64; 4] = [2, 5, 29, 37];
const TIME_STAMPING: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 8];

/// A certificate authority, a timestamp authority, and a trusted root that names both.
struct World {
    folder: TempDir,
    fulcio: Issuer<'static, KeyPair>,
    root: TrustRoot,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params
}

/// A certificate authority, and its certificate.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, rcgen::Certificate) {
    let (key, mut params) = (KeyPair::generate().unwrap(), params(name));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).unwrap();
    (Issuer::new(params, key), certificate)
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (fulcio, fulcio_certificate) = authority("fulcio");
        let (timestamps, timestamps_certificate) = authority("timestamps");
        let (key, mut params) = (KeyPair::generate().unwrap(), params("timestamp signer"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let mut usage = CustomExtension::from_oid_content(&USAGE_OID, TIME_STAMPING.to_vec());
        usage.set_criticality(true);
        params.custom_extensions.push(usage);
        let stamper = params.signed_by(&key, &timestamps).unwrap();
        let write = |name: &str, text: String| fs_err::write(folder.path().join(name), text).unwrap();
        write("tsa.pem", stamper.pem());
        write("tsa.key", key.serialize_pem());
        write(
            "tsa.cnf",
            "[t]\nserial = serial\ndefault_policy = 1.2.3.4\ndigests = sha256\nsigner_digest = sha256\ness_cert_id_alg = sha256\n"
                .to_owned(),
        );
        write("serial", "01".to_owned());
        let text = fs_err::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/material/trusted_root.json"),
        );
        let mut root: Value = serde_json::from_str(&text.unwrap()).unwrap();
        let chain = |certificates: &[&rcgen::Certificate]| -> Value {
            let each = |one: &&rcgen::Certificate| json!({ "rawBytes": BASE64_STANDARD.encode(one.der()) });
            certificates.iter().map(each).collect()
        };
        root["certificateAuthorities"][0]["certChain"]["certificates"] = chain(&[&fulcio_certificate]);
        root["timestampAuthorities"][0]["certChain"]["certificates"] =
            chain(&[&stamper, &timestamps_certificate]);
        let root = TrustRoot::from_json(&root.to_string()).unwrap();
        Self { folder, fulcio, root }
    }

    /// A token that says that now is now (RFC 3161).
    fn timestamp(&self, of: &[u8]) -> Vec<u8> {
        let at = |name: &str| self.folder.path().join(name);
        fs_err::write(at("signature"), of).unwrap();
        let openssl = || Tool::new("openssl").arg("ts");
        openssl()
            .args(["-query", "-sha256", "-cert", "-data"])
            .arg(at("signature"))
            .arg("-out")
            .arg(at("query"))
            .run();
        // The path of the serial number is the configuration's.
        let config = fs_err::read_to_string(at("tsa.cnf")).unwrap();
        let config = config.replace("serial = serial", &format!("serial = {}", at("serial").display()));
        fs_err::write(at("here.cnf"), config).unwrap();
        openssl()
            .args(["-reply", "-section", "t", "-config"])
            .arg(at("here.cnf"))
            .arg("-queryfile")
            .arg(at("query"))
            .arg("-signer")
            .arg(at("tsa.pem"))
            .arg("-inkey")
            .arg(at("tsa.key"))
            .arg("-out")
            .arg(at("reply"))
            .run();
        fs_err::read(at("reply")).unwrap()
    }

    /// What comes of a signature of `subject` by who has the certificate of `params`.
    fn comes_to(&self, params: &CertificateParams, time: Time, expected: Expected) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.fulcio).unwrap();
        let private = PrivateKey::from_pkcs8(&key.serialize_der(), "x").unwrap();
        let subject = Digest::of(b"image");
        let signed = Signing::begin(&Author::Key(&private), None).unwrap();
        let signed = signed.sign(&Statement::signature(subject)).unwrap();
        let signed: Value = serde_json::from_slice(&signed.to_bytes()).unwrap();
        let signature = signed["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap();
        let signature = BASE64_STANDARD.decode(signature).unwrap();
        let timestamps = match time {
            Time::Now => json!([{ "signedTimestamp": BASE64_STANDARD.encode(self.timestamp(&signature)) }]),
            Time::Unsaid => json!([]),
        };
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {
                "certificate": { "rawBytes": BASE64_STANDARD.encode(certificate.der()) },
                "timestampVerificationData": { "rfc3161Timestamps": timestamps },
            },
            "dsseEnvelope": signed["dsseEnvelope"],
        });
        let signer = Signer::Identity { identity: PERSON.to_owned(), issuer: ISSUER.to_owned() };
        let verifier = Verifier::new(Some(&self.root)).unwrap();
        let held =
            Evidence::bundle(bundle.to_string().as_bytes()).held(&subject, &signer, expected, &verifier);
        held.map_or_else(|refusal| refusal.to_string(), |held| held.statement.predicate_type)
    }
}

/// Who says when it was signed.
#[derive(Clone, Copy)]
enum Time {
    /// The timestamp authority, a moment ago.
    Now,
    /// Nobody.
    Unsaid,
}

/// A certificate as Fulcio gives it, but for the certificate log's word.
fn person() -> CertificateParams {
    let mut params = params("person");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    params.subject_alt_names = vec![SanType::Rfc822Name(PERSON.try_into().unwrap())];
    params.custom_extensions =
        vec![CustomExtension::from_oid_content(&ISSUER_OID, ISSUER.as_bytes().to_vec())];
    params
}

#[test]
fn certificates_are_refused_each_for_its_own_reason() {
    let world = World::new();
    let changed = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = person();
        change(&mut params);
        params
    };
    let expired = changed(&|params| params.not_after = date_time_ymd(2020, 1, 2));
    for (what, params, time, said) in [
        (
            "no certificate log",
            person(),
            Time::Now,
            "certificate in no log of certificates: certificate is missing SCT",
        ),
        (
            "nonsense of a certificate log",
            changed(&|params| {
                params
                    .custom_extensions
                    .push(CustomExtension::from_oid_content(&SCT_OID, b"\x04\x08nonsense".to_vec()));
            }),
            Time::Now,
            "certificate in no log of certificates: ",
        ),
        ("expired before", expired.clone(), Time::Now, "certificate expired: "),
        (
            "valid later",
            changed(&|params| params.not_before = date_time_ymd(2048, 1, 1)),
            Time::Now,
            "certificate expired: ",
        ),
        ("expired, and no time", expired, Time::Unsaid, "no time that is vouched for"),
        ("no time", person(), Time::Unsaid, "no time that is vouched for"),
        (
            "for something else",
            changed(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            Time::Now,
            "from another Sigstore than the trusted root's: ",
        ),
    ] {
        let found = world.comes_to(&params, time, Expected::Unlogged);
        assert!(found.starts_with(said), "{what}: {found}");
        assert_eq!(world.comes_to(&params, time, Expected::Logged), "log entry missing", "{what}");
    }
    // Of an authority that has the right name and is not in the root.
    let other = World { fulcio: authority("fulcio").0, ..World::new() };
    let found = other.comes_to(&person(), Time::Now, Expected::Unlogged);
    assert!(found.starts_with("from another Sigstore than the trusted root's: "), "{found}");
}
