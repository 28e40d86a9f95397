//! Asking people at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use longshore_trust::key::Password;
use zeroize::Zeroizing;

/// More than this is nothing that anybody types.
const MAX: u64 = 64 << 10;

/// Whether there is somebody to ask.
pub fn somebody() -> bool {
    io::stdin().is_terminal()
}

/// Asks `question`; the answer is shown as it is typed.
pub fn ask(question: &str) -> io::Result<String> {
    say(question);
    line().map(|line| line.to_string())
}

/// Asks `question`; the answer is not shown.
pub fn ask_hidden(question: &str) -> io::Result<Password> {
    say(question);
    let answer = {
        let _hidden = Hidden::begin();
        line()
    };
    say("\n");
    answer
}

/// Tells somebody at the terminal something, line ends and all.
pub fn say(text: &str) {
    // A prompt that nobody sees is no failure.
    let _ = write!(io::stderr(), "{text}").and_then(|()| io::stderr().flush());
}

fn line() -> io::Result<Zeroizing<String>> {
    // Never grown, since what it grew out of would stay in memory.
    let mut line = Zeroizing::new(String::with_capacity(usize::try_from(MAX).unwrap_or_default()));
    io::stdin().lock().take(MAX).read_line(&mut line)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A terminal that does not show what is typed, until dropped.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn begin() -> Self {
        let Ok(before) = rustix::termios::tcgetattr(io::stdin()) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
        let set = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &silent);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}
