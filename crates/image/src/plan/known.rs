//! What the planner is told of inputs besides their files.

use longshore_oci::Origin;

use super::problem::{Class, Rate, short};

/// What is known of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What changes at once with it: a source package.
    pub source: String,
    /// What kind of thing it is.
    pub class: Class,
    /// How often it changes.
    pub rate: Rate,
    /// What it does not run without.
    pub needs: Vec<Origin>,
}

impl Known {
    /// What the kind of thing alone says.
    pub fn of_class(origin: &Origin, class: Class) -> Self {
        Self { source: origin.to_string(), class, rate: class.rate(), needs: Vec::new() }
    }
}

/// What the stack file keeps together, apart from everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins(pub Vec<(String, Vec<String>)>);

impl Pins {
    /// The pin of the component called `name`: the first that has it, as it is or by what stands before a `*`.
    pub(super) fn of(&self, name: &str) -> Option<String> {
        let short = short(name);
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => short.starts_with(start),
            None => short == pattern,
        };
        let pin = self.0.iter().find(|(_, patterns)| patterns.iter().any(fits));
        pin.map(|(name, _)| name.clone())
    }
}
