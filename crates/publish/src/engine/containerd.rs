//! Into containerd, through `ctr`, and into k3s, which brings both. Images keep the digests that they have in registries, so that
//! what names them by digest finds them.

use longshore_oci::{Progress, Store};

use super::Client;
use crate::archive::write_oci;
use crate::registry::Parcel;
use crate::{Error, Published};

/// The namespace in which Kubernetes looks for images.
pub(super) const KUBERNETES: &str = "k8s.io";

/// Imports `parcels`, every platform of them. containerd asks for no blob that it has by name only, so all are sent.
///
/// # Errors
/// When the client can't be run or refuses.
pub fn load(
    client: &Client,
    parcels: &[Parcel],
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let command = ["images", "import", "--all-platforms", "-"];
    client
        .feed(&command, |out| write_oci(parcels, None, out, store, progress))
        .map(|(published, _)| published)
}
