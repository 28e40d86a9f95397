//! Images into registries, all of a stack or none.
//!
//! [`Parcel`]s (what one image is, and what it is to be called) → [`survey`] asks what is there and says what has to go →
//! [`send`] sends blobs, manifests, indexes, referrers, and reads them back → [`move_tags`] gives them their names. Until the last
//! step nobody who asks by name sees anything of it, and a step that fails leaves what was sent for the next run to find.

mod known;
mod parcel;
mod send;
mod survey;
mod tags;

pub use parcel::{Blob, Parcel, Referrer, Tagging, fits};
pub use send::send;
pub use survey::{Mount, Survey, Surveyed, survey};
pub use tags::{Moved, move_tags};
