//! Keeping a repository tidy: what is there, what is kept and why, what goes.
//!
//! [`take_stock`] asks the registry → [`plan`] decides, purely → [`carry_out`] removes, parents before what they name, so that no
//! index is ever broken. What no tag and no kept index leads to is not looked for: registries do not tell of it.

mod carry_out;
mod deployed;
mod plan;
mod stock;

pub use carry_out::{Removed, carry_out};
pub use deployed::Deployed;
pub use plan::{Decision, Plan, Rules, Why, plan};
pub use stock::{Manifests, Stock, Tagged, take_stock};
