//! Ctrl-C and its like: end the program at once, unless a command has something better to do.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::args::Global;
use crate::report;

/// Who hears of signals instead.
static LISTENER: Mutex<Option<Sender<()>>> = Mutex::new(None);

/// From now on, signals end the program with the code that says so.
#[allow(clippy::exit, reason = "an interrupted run ends at once; what it had under way is swept by the next")]
pub fn watch(global: &Global) {
    let global = global.clone();
    let interrupted = move || {
        let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if listener.is_none_or(|listener| listener.send(()).is_err()) {
            // Everything appears by rename, so there is nothing to undo.
            report::interrupted(&global);
            std::process::exit(130);
        }
    };
    if ctrlc::set_handler(interrupted).is_err() {
        // Without a handler the signal ends the process, which is as safe.
    }
}

/// From now on, signals are messages; once the receiver is dropped they end the program again.
pub fn listen() -> Receiver<()> {
    let (sender, receiver) = channel();
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    receiver
}
