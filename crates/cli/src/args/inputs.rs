//! Where `--vendored` finds inputs.

use std::str::FromStr;

use longshore_vendor::{Place, PlaceError};

/// Where vendored inputs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inputs {
    /// Where `longshore vendor` puts them when nobody says where.
    Usual,
    /// There.
    At(Place),
}

impl FromStr for Inputs {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text.is_empty() { Ok(Self::Usual) } else { text.parse().map(Self::At) }
    }
}
