//! What the stack file says and the objects don't.

use longshore_stack::model::{Condition, Restart, ServiceKind};

use super::View;
use crate::Note;

/// In the order of services.
pub(super) fn notes(view: &View<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (name, spec) in &view.services {
        let service = (*name).to_owned();
        let jobs = spec.needs.iter().filter(|(_, until)| **until == Condition::Completed);
        notes.extend(jobs.map(|(job, _)| Note::NotAwaited { service: service.clone(), job: job.clone() }));
        if spec.resources.pids.is_some() {
            notes.push(Note::Processes { service: service.clone() });
        }
        // A field for it is there, and dropped without a word by servers as they are delivered.
        let image = view.stack.images.get(&spec.image).and_then(|image| image.stop_signal.as_deref());
        let image = image.unwrap_or("SIGTERM");
        if spec.stop.signal != image {
            let (asked, used) = (spec.stop.signal.clone(), image.to_owned());
            notes.push(Note::StopSignal { service: service.clone(), image: spec.image.clone(), asked, used });
        }
        if spec.kind == ServiceKind::Service && spec.restart != Restart::Always {
            notes.push(Note::StartedAgain { service });
        }
    }
    notes
}
