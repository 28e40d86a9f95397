//! Signing: a statement becomes a bundle.

use crate::TrustError;
use crate::attachment::OlderLayer;
use crate::key::Sign;
use crate::sigstore::{Bundle, Client, Identity, Material, encoded, older_annotations};
use crate::statement::Statement;

/// Who signs.
pub enum Author<'a> {
    /// Who has this key.
    Key(&'a dyn Sign),
    /// Whom a token names: a key for this run is certified, once for everything that is signed.
    Identity(&'a Identity),
}

/// Signs statements, all by the same author.
pub struct Signing<'a> {
    key: SigningKey<'a>,
    witnesses: Option<&'a Client>,
}

enum SigningKey<'a> {
    Own(&'a dyn Sign),
    Certified(Box<crate::sigstore::Certified>),
}

impl<'a> Signing<'a> {
    /// Begins to sign. `witnesses` are the services whose log and time go with each signature; without them there are none.
    ///
    /// # Errors
    /// When an identity can't be certified.
    pub fn begin(author: &Author<'a>, witnesses: Option<&'a Client>) -> Result<Self, TrustError> {
        let key = match author {
            Author::Key(key) => SigningKey::Own(*key),
            Author::Identity(identity) => {
                let client = witnesses.ok_or(TrustError::NoServices)?;
                SigningKey::Certified(Box::new(client.certify(identity)?))
            }
        };
        Ok(Self { key, witnesses })
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// When the key or a service refuses.
    pub fn sign(&self, statement: &Statement) -> Result<Bundle, TrustError> {
        let payload = statement.to_bytes();
        let signature = self.key().sign(&encoded(&payload))?;
        let material = self.material();
        match self.witnesses {
            Some(client) => Ok(client.witnessed(material, &payload, &signature)?),
            None => Ok(Bundle::new(material, &payload, &signature, None, None)),
        }
    }

    /// Signs `payload` as it is, in the older form, with what vouches for it.
    ///
    /// # Errors
    /// When the key or a service refuses; without a key of the author's own, also where there is no log that promises at once.
    pub fn sign_older(&self, payload: Vec<u8>) -> Result<OlderLayer, TrustError> {
        let signature = self.key().sign(&payload)?;
        let material = self.material();
        let entry = self.witnesses.map(|client| client.log_older(&material, &payload, &signature));
        let entry = entry.transpose()?.flatten();
        let certificate = match &material {
            Material::Key(_) => None,
            Material::Certificate(certificate) => Some(certificate.to_pem()),
        };
        let annotations = older_annotations(certificate.as_deref(), entry.as_ref());
        Ok(OlderLayer::signature(payload, &signature, annotations.ok_or(TrustError::OlderNeedsLog)?))
    }

    fn material(&self) -> Material<'_> {
        match &self.key {
            SigningKey::Own(key) => Material::Key(key.public()),
            SigningKey::Certified(certified) => Material::Certificate(certified.certificate.clone()),
        }
    }

    fn key(&self) -> &dyn Sign {
        match &self.key {
            SigningKey::Own(key) => *key,
            SigningKey::Certified(certified) => &certified.key,
        }
    }
}
