//! How large the store may grow: `LONGSHORE_STORE_LIMIT`, held after each command that used the store.

use std::path::PathBuf;

use longshore_oci::upkeep::{self, Alone, Bounds, Census, Plan};
use longshore_oci::{Progress, StoreError};

use crate::args::{Global, Size};
use crate::commands::cache::time;
use crate::report::{Failure, bytes, note};
use crate::settings::Settings;

/// The limit of this machine's store.
pub struct Limit {
    store: PathBuf,
    most: Size,
    now: u64,
}

impl Limit {
    /// What the machine's settings say, if anything.
    pub fn of(settings: &Settings) -> Result<Option<Self>, Failure> {
        let Some(text) = &settings.store_limit else { return Ok(None) };
        let most = text.parse().map_err(|error| Failure::Usage {
            message: format!("LONGSHORE_STORE_LIMIT is no size: {error}"),
            hint: "LONGSHORE_STORE_LIMIT=20GB longshore build".to_owned(),
        })?;
        Ok(Some(Self { store: settings.store.clone(), most, now: settings.now }))
    }

    /// Most bytes.
    pub fn most(&self) -> u64 {
        self.most.0
    }

    /// Removes what was used longest ago when the store has grown over the limit, unless somebody else uses it: then it is
    /// left to them. What goes wrong here is no failure of the command.
    pub fn hold(&self, global: &Global, progress: &dyn Progress) {
        match self.try_to_hold(progress) {
            Ok(Some((before, freed))) => note(
                &format!(
                    "the store took {}, more than LONGSHORE_STORE_LIMIT: what was used longest ago is removed, {}",
                    bytes(before),
                    bytes(freed)
                ),
                global,
            ),
            Ok(None) => {}
            Err(error) => {
                note(&format!("the store can't be kept within LONGSHORE_STORE_LIMIT: {error}"), global)
            }
        }
    }

    /// What it took, and what was freed.
    fn try_to_hold(&self, progress: &dyn Progress) -> Result<Option<(u64, u64)>, StoreError> {
        if upkeep::known_size(&self.store).is_some_and(|size| size <= self.most()) {
            return Ok(None);
        }
        let Some(alone) = Alone::try_now(&self.store)? else { return Ok(None) };
        let census = Census::take(alone.store())?;
        if census.size() <= self.most() {
            return Ok(None);
        }
        // Not just so much that the next command is over it again.
        let size = Some(self.most() / 5 * 4);
        let plan = Plan::of(&census, &Bounds { size, since: None, now: Some(time(self.now)) });
        let freed = alone.carry_out(&census, &plan, progress)?;
        Ok(Some((census.size(), freed.bytes)))
    }
}
