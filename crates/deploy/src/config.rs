//! Configuration that services see and images don't have: files beside the generated one, mounted read-only.

use longshore_oci::TreePath;
use longshore_stack::model::ServiceFile;

use crate::Rendered;

/// What everybody may do with a configuration file, besides what the stack file says.
///
/// A bind mount has the owner that the file has on the host, which is not the service's user: it reads as one of the others.
/// There is no secret in it.
const READABLE: u16 = 0o444;
/// And with a program.
const RUNNABLE: u16 = 0o555;

/// Adds the file that `service` sees as `path`, and gives where it is: a path relative to the generated file.
pub(crate) fn add(rendered: &mut Rendered, service: &str, path: &TreePath, file: &ServiceFile) -> String {
    let place = format!("config/{service}{path}");
    rendered.files.0.insert(place.clone(), file.text.in_containers());
    let everybody = if file.mode & 0o111 == 0 { READABLE } else { RUNNABLE };
    rendered.modes.insert(place.clone(), file.mode | everybody);
    place
}
