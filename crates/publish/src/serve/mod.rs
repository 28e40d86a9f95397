//! Images of the local store as a registry that is only read, for engines and clusters on this machine.
//!
//! [`Shelf`] knows what there is and answers requests, purely; [`serve`] speaks HTTP for it.

mod http;
mod shelf;

pub use http::serve;
pub use shelf::{Answer, Content, Shelf};
