//! Signals by name and number.

use std::fmt;

/// A signal, such as a service is stopped with. Numbers are those of Linux on amd64 and arm64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(u8);

/// The first and the last of the real-time ones, as C libraries count them.
const REAL_TIME: (u8, u8) = (34, 64);

/// Those with names, except for those that only the kernel has a reason to send.
const NAMES: [(u8, &str); 17] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (6, "SIGABRT"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (17, "SIGCHLD"),
    (18, "SIGCONT"),
    (19, "SIGSTOP"),
    (23, "SIGURG"),
    (28, "SIGWINCH"),
    (29, "SIGIO"),
    (30, "SIGPWR"),
];

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(15);
    /// Ends a process.
    pub const KILL: Self = Self(9);
    /// What Ctrl-C sends.
    pub const INT: Self = Self(2);
    /// Often: read the settings again.
    pub const HUP: Self = Self(1);

    /// The signal called `SIGTERM`, `TERM`, `SIGRTMIN+3`, `SIGRTMAX-1` or `15`.
    pub fn named(name: &str) -> Option<Self> {
        if let Ok(number) = name.parse() {
            return (1..=REAL_TIME.1).contains(&number).then_some(Self(number));
        }
        let short = name.strip_prefix("SIG").unwrap_or(name);
        let (first, last) = REAL_TIME;
        let real_time = match (short.strip_prefix("RTMIN+"), short.strip_prefix("RTMAX-")) {
            (Some(up), _) => first.checked_add(up.parse().ok()?),
            (_, Some(down)) => last.checked_sub(down.parse().ok()?),
            _ => {
                let known = NAMES.iter().find(|(_, known)| known.strip_prefix("SIG") == Some(short));
                return known.map(|(number, _)| Self(*number));
            }
        };
        real_time.filter(|number| (first..=last).contains(number)).map(Self)
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0.into()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None if self.0 >= REAL_TIME.0 => write!(f, "SIGRTMIN+{}", self.0 - REAL_TIME.0),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::Signal;

    #[test]
    fn signals_have_names() {
        let check = |name: &str, number: Option<i32>, shown: &str| {
            let signal = Signal::named(name);
            assert_eq!(signal.map(Signal::number), number, "{name}");
            assert_eq!(signal.map(|it| it.to_string()).unwrap_or_default(), shown, "{name}");
        };
        check("SIGTERM", Some(libc::SIGTERM), "SIGTERM");
        check("QUIT", Some(libc::SIGQUIT), "SIGQUIT");
        check("28", Some(libc::SIGWINCH), "SIGWINCH");
        check("SIGPWR", Some(libc::SIGPWR), "SIGPWR");
        check("SIGRTMIN+3", Some(libc::SIGRTMIN() + 3), "SIGRTMIN+3");
        check("SIGRTMAX-1", Some(libc::SIGRTMAX() - 1), "SIGRTMIN+29");
        for none in ["", "SIG", "0", "65", "SIGRTMIN+31", "SIGRTMAX-60", "SIGNAL", "sigterm"] {
            check(none, None, "");
        }
    }
}
