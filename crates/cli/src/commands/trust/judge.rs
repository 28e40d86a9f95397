//! The one place where a policy is asked about images: `verify`, and whatever takes images from elsewhere.

use std::path::Path;

use longshore_oci::{Digest, Reference};
use longshore_publish::copy::{Place, Referrers, Whole, fetch};
use longshore_publish::registry::Parcel;
use longshore_registry::Client as Registries;
use longshore_trust::policy::{Evaluation, Policy};
use longshore_trust::{Evidence, TrustError, TrustRoot, Verifier};

use super::Subject;
use super::evidence::gather;
use super::roots::believed;
use crate::machine::Machine;
use crate::report::Failure;

/// A policy, and what is needed to hold images to it.
pub struct Judge {
    policy: Policy,
    verifier: Verifier,
    /// Seconds since 1970.
    now: i64,
}

impl Judge {
    /// One that holds to `policy` and believes the trusted root at `root`, or the policy's own, or else the one that is in use
    /// where a root is needed.
    pub fn new(policy: Policy, root: Option<&Path>, machine: &Machine) -> Result<Self, Failure> {
        let file = root.or(policy.trusted_root.as_deref());
        let root = match file {
            Some(file) => Some(TrustRoot::read(file)?),
            None if policy.needs_root() => Some(believed(machine)?.trust_root().map_err(TrustError::from)?),
            None => None,
        };
        let wrong = |reason| TrustError::Root { path: file.map(Path::to_owned).unwrap_or_default(), reason };
        let verifier = Verifier::new(root.as_ref()).map_err(wrong)?;
        Ok(Self { policy, verifier, now: i64::try_from(machine.settings.now).unwrap_or(i64::MAX) })
    }

    /// One for the policy in `folder`, if there is one.
    pub fn of(folder: &Path, machine: &Machine) -> Result<Option<Self>, Failure> {
        Policy::of(folder)?.map(|policy| Self::new(policy, None, machine)).transpose()
    }

    /// What the policy says of `parcel`, which came from `place`.
    pub fn judge(
        &self,
        parcel: &Parcel,
        place: &Place,
        registries: &Registries,
    ) -> Result<Evaluation, Failure> {
        let evidence = gather(parcel, place, registries)?;
        Ok(self.weigh(&parcel.repository, &parcel.top.digest, &evidence))
    }

    /// What the policy says of the image with this digest of `repository`, for which `evidence` vouches.
    pub fn weigh(&self, repository: &Reference, digest: &Digest, evidence: &[Evidence]) -> Evaluation {
        self.policy.evaluate(&repository.name(), digest, evidence, &self.verifier, self.now)
    }

    /// That the policy takes `parcel`.
    pub fn require(&self, parcel: &Parcel, place: &Place, registries: &Registries) -> Result<(), Failure> {
        let evaluation = self.judge(parcel, place, registries)?;
        match evaluation.is_accepted() {
            true => Ok(()),
            false => Err(Failure::Refused { images: vec![(place.to_string(), reasons(&evaluation))] }),
        }
    }

    /// That the policy takes all of them; says of each that it does not take why not.
    pub fn require_all<'a>(
        &self,
        images: impl Iterator<Item = (&'a Subject, &'a Parcel)>,
        registries: &Registries,
    ) -> Result<(), Failure> {
        let mut refused = Vec::new();
        for (subject, parcel) in images {
            let evaluation = self.judge(parcel, &subject.place, registries)?;
            if !evaluation.is_accepted() {
                refused.push((subject.name.clone(), reasons(&evaluation)));
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(Failure::Refused { images: refused }) }
    }

    /// That the policy takes what is at `place`; nothing of it but what vouches for it is fetched.
    pub fn require_at(
        &self,
        place: &Place,
        registries: &Registries,
        machine: &Machine,
    ) -> Result<(), Failure> {
        let whole = Whole { platform: None, referrers: Referrers::Beside };
        let parcel = fetch(place, whole, registries, &*machine.progress)?;
        self.require(&parcel, place, registries)
    }
}

/// Why an image is not taken, for people.
pub fn reasons(evaluation: &Evaluation) -> Vec<String> {
    match evaluation {
        Evaluation::Accepted { .. } => Vec::new(),
        Evaluation::Refused { reasons } => reasons.iter().map(ToString::to_string).collect(),
        Evaluation::NoRule => vec!["no rule of the policy is for it".to_owned()],
        Evaluation::Forbidden => vec!["a rule of the policy accepts nothing of it".to_owned()],
    }
}
