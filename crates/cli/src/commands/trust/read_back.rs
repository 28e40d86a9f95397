//! What was signed, as others will find it: read back from where it was sent, before any tag names it.

use std::collections::BTreeSet;
use std::path::Path;

use longshore_oci::Digest;
use longshore_publish::copy::{Place, Referrers, Whole, fetch};
use longshore_publish::registry::{Parcel, Referrer};
use longshore_registry::Client as Registries;
use longshore_trust::attachment::Attachment;
use longshore_trust::{Expected, TrustError, TrustRoot, Verifier};

use super::author::Signer;
use super::evidence::bundles;
use super::roots::believed;
use crate::args::Author;
use crate::machine::Machine;
use crate::report::Failure;

/// Holds what one signer signed to what it should be.
pub struct ReadBack {
    signer: longshore_trust::Signer,
    log: Expected,
    verifier: Verifier,
    /// The manifests that hold what was signed: others' lie beside the image, too.
    sent: BTreeSet<Digest>,
}

impl ReadBack {
    /// For what `signer` signs; none where it is not said who vouches for certificates of the Sigstore that is used.
    pub fn new(
        signer: &Signer,
        args: &Author,
        trusted_root: Option<&Path>,
        machine: &Machine,
    ) -> Result<Option<Self>, Failure> {
        let (signer, log, root) = match signer {
            Signer::Key(key) => {
                (longshore_trust::Signer::Key(Box::new(key.public().clone())), Expected::Unlogged, None)
            }
            Signer::Identity(_) => {
                let root = match (trusted_root, &args.signing_config) {
                    (Some(file), _) => TrustRoot::read(file)?,
                    (None, None) => believed(machine)?.trust_root().map_err(TrustError::from)?,
                    (None, Some(_)) => {
                        machine.warn(
                            "signatures are not verified before tags move: `--trusted-root` says who vouches for certificates of this Sigstore",
                        );
                        return Ok(None);
                    }
                };
                // Whose the certificate is, Fulcio says and not we; only our own bundles are looked at.
                let anybody = || "*".to_owned();
                let signer = longshore_trust::Signer::Identity { identity: anybody(), issuer: anybody() };
                (signer, Expected::Logged, Some(root))
            }
        };
        let wrong =
            |reason| TrustError::Root { path: trusted_root.map(Path::to_owned).unwrap_or_default(), reason };
        let verifier = Verifier::new(root.as_ref()).map_err(wrong)?;
        Ok(Some(Self { signer, log, verifier, sent: BTreeSet::new() }))
    }

    /// Has what `attachment` holds be looked for.
    pub fn expect(&mut self, attachment: &Attachment) {
        self.sent.insert(attachment.entry.digest);
    }

    /// That the registry to which `parcel` was sent gives back every statement about its image, and that each holds.
    pub fn require(
        &self,
        parcel: &Parcel,
        registries: &Registries,
        machine: &Machine,
    ) -> Result<(), Failure> {
        let digest = parcel.top.digest;
        let own = |referrer: &&Referrer| {
            referrer.subject.digest == digest && self.sent.contains(&referrer.entry.digest)
        };
        let sent = parcel.referrers.iter().filter(own).count();
        let place = Place::Registry(parcel.repository.with_digest(digest));
        let whole = Whole { platform: None, referrers: Referrers::Beside };
        let mut back = fetch(&place, whole, registries, &*machine.progress)?;
        back.referrers.retain(|referrer| own(&referrer));
        let found = bundles(&back, registries)?;
        let held = found.iter().map(|one| one.held(&digest, &self.signer, self.log, &self.verifier));
        let mut reasons: Vec<String> = held.filter_map(Result::err).map(|why| why.to_string()).collect();
        if found.len() < sent {
            reasons.push("the registry does not give back the signatures that were sent".to_owned());
        }
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(Failure::Refused { images: vec![(place.to_string(), reasons)] }),
        }
    }
}
