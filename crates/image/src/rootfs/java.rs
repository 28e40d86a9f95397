//! Java's trust store: the bundle's certificates as a JKS key store, the format version 2 of the `sun.security.provider`
//! key store, which needs no secret: its check sum is salted with the well-known password.

use longshore_oci::{Node, Origin, TreePath};
use sha1::{Digest as _, Sha1};

use super::builder::Builder;
use super::{ComposeError, links};

/// Makes `/etc/ssl/certs/java/cacerts` where a Java runtime in the image has a link to it that leads nowhere.
pub(super) fn trust_store(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let store = TreePath::new("etc/ssl/certs/java/cacerts")?;
    let wanted = build.tree.under(&TreePath::new("usr/lib/jvm")?).any(|(path, entry)| match &entry.node {
        Node::Symlink(to) => path.name() == b"cacerts" && links::target(path, to).as_ref() == Some(&store),
        _ => false,
    });
    if wanted && !build.has(&store) && !build.certificates.is_empty() {
        let bytes = jks(&build.certificates);
        build.put_bytes(&store, 0o644, &bytes, &Origin::Longshore("java-cacerts".to_owned()))?;
    }
    Ok(())
}

/// A key store of trusted certificates, by alias; all dated 1970.
fn jks(certificates: &[(String, Vec<u8>)]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    let mut out = [0xfeed_feed_u32.to_be_bytes(), 2_u32.to_be_bytes(), number(certificates.len())].concat();
    for (alias, der) in certificates {
        out.extend_from_slice(&2_u32.to_be_bytes());
        text(&mut out, alias);
        out.extend_from_slice(&0_u64.to_be_bytes());
        text(&mut out, "X.509");
        out.extend_from_slice(&number(der.len()));
        out.extend_from_slice(der);
    }
    let mut sum = Sha1::new();
    "changeit".encode_utf16().for_each(|unit| sum.update(unit.to_be_bytes()));
    sum.update(b"Mighty Aphrodite");
    sum.update(&out);
    out.extend_from_slice(&sum.finalize());
    out
}
