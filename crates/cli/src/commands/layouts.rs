//! Images of the stack in layouts that were built before.

use std::path::Path;

use longshore_oci::layout::{Layout, REF_NAME};
use longshore_publish::copy::Place;

use super::trust::Subject;
use crate::project::Project;
use crate::report::{Failure, plural};

/// Where those called `names` are in the layout in `folder`.
pub fn images(folder: &Path, names: &[&String], project: &Project) -> Result<Vec<Subject>, Failure> {
    let layout = Layout::open(folder).map_err(longshore_publish::Error::from)?;
    let subject = |name: &&String| {
        let start = format!("{}/{name}:", project.stack.repository);
        let listed = layout.entries().filter_map(|entry| entry.annotations.get(REF_NAME));
        let found: Vec<_> = listed.filter(|listed| listed.starts_with(&start)).collect();
        let [found] = found[..] else {
            return Err(Failure::Usage {
                message: format!(
                    "`{}` has {} called `{start}…`, and one was expected",
                    folder.display(),
                    plural(found.len(), "image")
                ),
                hint: format!("longshore build --output {}", folder.display()),
            });
        };
        let place = Place::Layout { folder: folder.to_owned(), name: Some(found.clone()) };
        Ok(Subject { name: (*name).clone(), place })
    };
    names.iter().map(subject).collect()
}
