//! What is said of layers.

use clap::{Args, ValueEnum};
use longshore_image::plan;

use super::Selection;

#[derive(Debug, Args)]
pub struct Lock {
    /// Cut layers as those of the images that are published under this tag, where the lock that said so was lost
    #[arg(long, value_name = "TAG")]
    pub layers_of: Option<String>,
}

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub selection: Selection,
    /// Cut layers another way, to compare: images are always built with `stack`
    #[arg(long, value_enum, default_value_t = Strategy::Stack)]
    pub strategy: Strategy,
}

/// Ways to cut layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// All images together; what did not change since the last layout stays
    Stack,
    /// The same for each image alone
    PerImage,
    /// A layer for each of the largest source packages, and one for the rest
    Origin,
    /// A layer for each of what most others depend on, and one for the rest
    Popularity,
    /// One layer
    Single,
}

impl From<Strategy> for plan::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Stack => Self::Stack,
            Strategy::PerImage => Self::PerImage,
            Strategy::Origin => Self::Origin,
            Strategy::Popularity => Self::Popularity,
            Strategy::Single => Self::Single,
        }
    }
}
