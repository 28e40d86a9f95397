//! Which certificate authorities are trusted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::NetError;

/// Where systems keep their bundle; the first that exists is taken.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// More than this is no bundle of certificates.
const LIMIT: u64 = 16 << 20;

/// The system's authorities, those of Mozilla where the system has none, and those of `extra`.
pub(crate) fn config(extra: &[PathBuf]) -> Result<TlsConfig, NetError> {
    let system = BUNDLES.iter().map(Path::new).find(|path| path.exists());
    let mut roots = system.map(certificates).transpose()?.unwrap_or_default();
    let with_system = !roots.is_empty();
    for path in extra {
        let found = certificates(path)?;
        if found.is_empty() {
            return Err(NetError::NoCertificates { path: path.clone() });
        }
        roots.extend(found);
    }
    let config = TlsConfig::builder();
    Ok(match (with_system, roots.is_empty()) {
        (_, true) => config.root_certs(RootCerts::WebPki).build(),
        _ => config.root_certs(RootCerts::Specific(Arc::new(roots))).build(),
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, NetError> {
    let error = |source| NetError::Certificates { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(error)?;
    let bytes = longshore_oci::read_bounded(file, LIMIT).map_err(error)?;
    let found = parse_pem(&bytes).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(found.collect())
}
