//! Signing: a statement becomes a bundle.

use crate::TrustError;
use crate::key::Sign;
use crate::sigstore::{Bundle, Client, Identity, Material, encoded};
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
        let material = match &self.key {
            SigningKey::Own(key) => Material::Key(key.public()),
            SigningKey::Certified(certified) => Material::Certificate(certified.certificate.clone()),
        };
        match self.witnesses {
            Some(client) => Ok(client.witnessed(material, &payload, &signature)?),
            None => Ok(Bundle::new(material, &payload, &signature, None, None)),
        }
    }

    /// Signs bytes as they are, for the older form; a certificate alone would say nothing there without its log entry.
    ///
    /// # Errors
    /// When the key refuses, or the author has none of their own.
    pub fn sign_older(&self, payload: &[u8]) -> Result<Vec<u8>, TrustError> {
        match &self.key {
            SigningKey::Own(key) => Ok(key.sign(payload)?),
            SigningKey::Certified(_) => Err(TrustError::OlderNeedsKey),
        }
    }

    fn key(&self) -> &dyn Sign {
        match &self.key {
            SigningKey::Own(key) => *key,
            SigningKey::Certified(certified) => &certified.key,
        }
    }
}
