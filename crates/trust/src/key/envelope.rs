//! cosign's key files: PKCS #8 sealed by XSalsa20-Poly1305 (NaCl's secretbox) with a key that scrypt (RFC 7914) makes of the
//! password; JSON in PEM.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeyError, Password, pem, pem_body};

/// How it is called now, and how it was.
const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];
/// Costs that are accepted: those of cosign and of the older key files. More would let a file eat the machine.
const COSTS: [u32; 2] = [1 << 15, 1 << 16];
const BLOCK: u32 = 8;
const PARALLEL: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    #[serde(rename = "N")]
    cost: u32,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// A private key (PKCS #8) sealed with `password`, as cosign writes it.
///
/// # Errors
/// When the machine has no randomness.
pub fn seal(pkcs8: &[u8], password: &Password) -> Result<String, KeyError> {
    let failed = |reason: &str| KeyError::Unreadable {
        key: "that is to be sealed".to_owned(),
        reason: reason.to_owned(),
    };
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    let random = SystemRandom::new();
    random
        .fill(&mut salt)
        .and_then(|()| random.fill(&mut nonce))
        .map_err(|_| failed("the machine gives no randomness"))?;
    let [_, cost] = COSTS;
    let key = stretch(password, &salt, cost).ok_or_else(|| failed("scrypt refuses its parameters"))?;
    let cipher = XSalsa20Poly1305::new(key.as_slice().into());
    let ciphertext = cipher.encrypt(&Nonce::from(nonce), pkcs8).map_err(|_| failed("it can't be sealed"))?;
    let sealed = Sealed {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Params { cost, r: BLOCK, p: PARALLEL },
            salt: BASE64_STANDARD.encode(salt),
        },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: BASE64_STANDARD.encode(nonce) },
        ciphertext: BASE64_STANDARD.encode(ciphertext),
    };
    let json = serde_json::to_vec(&sealed).map_err(|error| failed(&error.to_string()))?;
    Ok(pem(LABELS[0], &json))
}

/// The private key (PKCS #8) in `text`: sealed as cosign's, or plain PEM (`PRIVATE KEY`). `key` is what it is called in errors.
///
/// # Errors
/// [`KeyError::Locked`] without a password for a sealed one, [`KeyError::Password`] with another, [`KeyError::Unknown`] for
/// anything else.
pub fn open(text: &str, password: Option<&Password>, key: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unknown = || KeyError::Unknown {
        key: key.to_owned(),
        expected: "a private key as cosign and openssl write them",
    };
    let Some(json) = pem_body(text, &LABELS) else {
        return pem_body(text, &["PRIVATE KEY"]).ok_or_else(unknown);
    };
    let sealed: Sealed = serde_json::from_slice(&json).map_err(|_| unknown())?;
    let Params { cost, r, p } = sealed.kdf.params;
    let known = (sealed.kdf.name.as_str(), sealed.cipher.name.as_str()) == ("scrypt", "nacl/secretbox");
    if !known || !COSTS.contains(&cost) || (r, p) != (BLOCK, PARALLEL) {
        return Err(unknown());
    }
    let decoded = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| unknown());
    let (salt, nonce) = (decoded(&sealed.kdf.salt)?, decoded(&sealed.cipher.nonce)?);
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| unknown())?;
    let password = password.ok_or_else(|| KeyError::Locked { key: key.to_owned() })?;
    let stretched = stretch(password, &salt, cost).ok_or_else(unknown)?;
    let cipher = XSalsa20Poly1305::new(stretched.as_slice().into());
    let opened = cipher.decrypt(&Nonce::from(nonce), decoded(&sealed.ciphertext)?.as_slice());
    opened.map(Zeroizing::new).map_err(|_| KeyError::Password { key: key.to_owned() })
}

fn stretch(password: &Password, salt: &[u8], cost: u32) -> Option<Zeroizing<[u8; 32]>> {
    let params = scrypt::Params::new(u8::try_from(cost.trailing_zeros()).ok()?, BLOCK, PARALLEL, 32).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password.as_bytes(), salt, &params, key.as_mut_slice()).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::super::PrivateKey;
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_with_its_password_alone() {
        let key = PrivateKey::generate().unwrap();
        let sealed = seal(&key, &Password::new("secret".to_owned())).unwrap();
        assert!(
            sealed.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n") && !sealed.contains('\r')
        );
        let opened = open(&sealed, Some(&Password::new("secret".to_owned())), "x").unwrap();
        assert_eq!(opened, key);
        let wrong = open(&sealed, Some(&Password::new("Secret".to_owned())), "x");
        assert!(matches!(wrong, Err(KeyError::Password { .. })));
        assert!(matches!(open(&sealed, None, "x"), Err(KeyError::Locked { .. })));
    }

    #[test]
    fn a_file_can_t_ask_for_the_whole_machine() {
        let sealed = seal(&PrivateKey::generate().unwrap(), &Password::default()).unwrap();
        let json = String::from_utf8(pem_body(&sealed, &LABELS).unwrap().to_vec()).unwrap();
        for (from, to) in
            [("65536", "1073741824"), ("\"r\":8", "\"r\":4096"), ("scrypt", "bcrypt"), ("secretbox", "box")]
        {
            let other = pem(LABELS[1], json.replace(from, to).as_bytes());
            let refused = open(&other, Some(&Password::default()), "x");
            assert!(matches!(refused, Err(KeyError::Unknown { .. })), "{from}");
        }
        for text in
            ["", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----"]
        {
            assert!(matches!(open(text, None, "x"), Err(KeyError::Unknown { .. })), "{text}");
        }
    }
}
