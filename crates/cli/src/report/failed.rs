//! A command's failure together with the profile it was about, which the commands that its hint names must repeat.

use super::Failure;

/// How a command failed.
#[derive(Debug)]
pub struct Failed {
    pub failure: Box<Failure>,
    /// The profile it was about, where it is not the stack's default.
    pub profile: Option<String>,
}

impl From<Failure> for Failed {
    /// Before it is known which profile it is about.
    fn from(failure: Failure) -> Self {
        Self::of(failure, None)
    }
}

impl Failed {
    /// `failure`, about the stack with `profile`.
    pub fn of(failure: Failure, profile: Option<String>) -> Self {
        Self { failure: Box::new(failure), profile }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        let hint = self.failure.hint()?;
        Some(match &self.profile {
            Some(name) => in_profile(&hint, name),
            None => hint,
        })
    }
}

/// `text` with the profile in every command of longshore that it names: those in backticks, and the text itself if it is one.
pub fn in_profile(text: &str, profile: &str) -> String {
    let command = format!("longshore --profile {profile} ");
    let text = text.replace("`longshore ", &format!("`{command}"));
    match text.strip_prefix("longshore ") {
        Some(rest) => format!("{command}{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_repeat_the_profile() {
        for (text, expected) in [
            ("longshore show web", "longshore --profile source show web"),
            (
                "update longshore; or run `longshore lock` or `longshore build`",
                "update longshore; or run `longshore --profile source lock` or `longshore --profile source build`",
            ),
            ("free some space", "free some space"),
        ] {
            assert_eq!(super::in_profile(text, "source"), expected);
        }
    }
}
