//! Quadlet: units from which podman makes systemd services (`podman-systemd.unit(5)`).

mod container;
mod names;
mod unit;

use crate::{Deployment, NoImage, Rendered, header};
use names::Names;
use unit::Unit;

pub use names::secret_name;

/// Why a stack can't be units.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An image has no name.
    #[error(transparent)]
    Image(#[from] NoImage),
    /// A unit's command can't have this word.
    #[error("service `{service}` has the argument {word:?}, which podman's generator can't put into a unit")]
    Word {
        /// The service.
        service: String,
        /// The word.
        word: String,
    },
    /// A path with a character that separates something in units.
    #[error("service `{service}` sees `{path}`, and a unit can't say a path with {character:?}")]
    Path {
        /// The service.
        service: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        character: char,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image(_) => {
                Some("run `longshore build`, which says by what names images are known".to_owned())
            }
            Self::Word { .. } => Some(
                "say the same in another way, as in `--name=` for an empty value, or in a file".to_owned(),
            ),
            Self::Path { .. } => Some("name another path, of letters, digits, `.`, `_` and `-`".to_owned()),
        }
    }
}

/// A `.container` for each service, a `.volume` for each of its volumes, one `.network`, and `config/SERVICE/…` for every file that a
/// service sees. For a folder in podman's own (`~/.config/containers/systemd/NAME`); podman 5.3 and later reads it.
pub fn quadlet(deployment: &Deployment<'_>) -> Result<Rendered, Error> {
    let mut rendered = Rendered::default();
    let stack = deployment.stack;
    let comment = header::header(deployment, "quadlet");
    let names = Names { stack: &stack.name };
    for (name, spec) in &stack.services {
        let text = container::container(deployment, &names, name, spec, &mut rendered)?;
        rendered.files.0.insert(names.container_file(name), text);
        for volume in spec.volumes.keys() {
            let mut unit = Unit::new(&comment);
            unit.section("Unit");
            unit.set("Description", &format!("Data `{volume}` of {name} of the stack {}", stack.name));
            unit.section("Volume");
            unit.set("VolumeName", &names.volume(name, volume));
            rendered.files.0.insert(names.volume_file(name, volume), unit.finish());
        }
    }
    let mut unit = Unit::new(&comment);
    unit.section("Unit");
    unit.set("Description", &format!("Network of the stack {}", stack.name));
    unit.section("Network");
    unit.set("NetworkName", &stack.name);
    rendered.files.0.insert(names.network_file(), unit.finish());
    Ok(rendered)
}
