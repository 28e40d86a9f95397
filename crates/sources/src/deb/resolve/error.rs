//! Why a request can't be resolved, in the words of the stack file.

use super::Choice;

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsatisfiable {
    /// The source has no such package.
    #[error("source `{archive}` has no package `{package}`{}", elsewhere_text(elsewhere))]
    Unknown {
        /// The source asked.
        archive: String,
        /// The package asked for.
        package: String,
        /// Other sources that have it, sorted.
        elsewhere: Vec<String>,
        /// Names that it has and that look like this one, nearest first.
        nearest: Vec<String>,
    },
    /// The name is only provided by others.
    #[error("`{package}` is a virtual package of source `{archive}`, provided by {}", list(providers))]
    Virtual {
        /// The source asked.
        archive: String,
        /// The name asked for.
        package: String,
        /// The packages that provide it, sorted.
        providers: Vec<String>,
    },
    /// One package is asked of two sources for one image.
    #[error("package `{package}` is asked of source `{first}` and of source `{second}` for one image")]
    TwoSources {
        /// The package.
        package: String,
        /// The source named first.
        first: String,
        /// The other.
        second: String,
    },
    /// A preference names a package that does not provide the name.
    #[error("`prefer` says to take `{preferred}` for `{name}`, expected {}", expected(providers))]
    Preference {
        /// The name.
        name: String,
        /// The package that was to be taken for it.
        preferred: String,
        /// The packages that could be, in apt's order.
        providers: Vec<String>,
    },
    /// A dependency that nothing in any source satisfies.
    #[error("`{}` needs `{wanted}`, which nothing satisfies: {}\n  why: {}", last(chain), found.join("; "), arrows(chain))]
    Missing {
        /// The packages that led there, root first; the last one has the dependency.
        chain: Vec<String>,
        /// The dependency.
        wanted: String,
        /// What there is instead, a phrase for each alternative.
        found: Vec<String>,
    },
    /// Two packages that are both needed exclude each other.
    #[error("{relation}, and both are needed\n  why: {}\n  why: {}", arrows(first), arrows(second))]
    Conflict {
        /// The packages that led to the one, root first, itself last.
        first: Vec<String>,
        /// The packages that led to the other.
        second: Vec<String>,
        /// Which excludes which, and by what.
        relation: String,
    },
    /// No set of packages satisfies all roots, and no single reason can be named.
    #[error("no set of packages satisfies {} together", list(roots))]
    Together {
        /// The roots.
        roots: Vec<String>,
    },
}

impl Unsatisfiable {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { package, elsewhere, .. } if !elsewhere.is_empty() => {
                format!(
                    "write `{{ package = \"{package}\", source = \"{}\" }}` and run `longshore lock`",
                    elsewhere[0]
                )
            }
            Self::Unknown { nearest, .. } if !nearest.is_empty() => {
                format!("is {} meant? Change the stack file and run `longshore lock`", list_or(nearest))
            }
            Self::Unknown { archive, .. } => {
                format!(
                    "see that the suite or component with it is in `[sources.{archive}]`, then run `longshore lock`"
                )
            }
            Self::Virtual { providers, .. } => {
                format!("name one of them ({}) and run `longshore lock`", list_or(providers))
            }
            Self::TwoSources { package, .. } => {
                format!("ask one source for `{package}` in that image and run `longshore lock`")
            }
            Self::Preference { .. } => "change `prefer` and run `longshore lock`".to_owned(),
            Self::Missing { .. } => {
                "add the suite or source that has it to the stack file, and run `longshore update`".to_owned()
            }
            Self::Conflict { first, second, .. } if first.first() != second.first() => format!(
                "put `{}` and `{}` into two images and run `longshore lock`",
                first.first().map_or("", String::as_str),
                second.first().map_or("", String::as_str)
            ),
            Self::Conflict { .. } => {
                "`prefer` in the source's table can choose another provider; then run `longshore lock`"
                    .to_owned()
            }
            Self::Together { .. } => "put them into several images and run `longshore lock`".to_owned(),
        })
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` wants `{}`: `{}` taken; {} would do",
            self.by,
            self.wanted,
            self.chosen,
            list(&self.others)
        )
    }
}

/// More names than this are counted, not told.
const SHOWN: usize = 8;

fn list(names: &[String]) -> String {
    joined(names, "and")
}

fn list_or(names: &[String]) -> String {
    joined(names, "or")
}

fn joined(names: &[String], word: &str) -> String {
    let mut parts: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        parts.push(format!("{} others", names.len() - SHOWN));
    }
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {word} {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

fn expected(providers: &[String]) -> String {
    if providers.is_empty() { "a name that packages provide".to_owned() } else { list_or(providers) }
}

fn elsewhere_text(sources: &[String]) -> String {
    if sources.is_empty() { String::new() } else { format!("; it is in source {}", list(sources)) }
}

fn last(chain: &[String]) -> &str {
    chain.last().map_or("", String::as_str)
}

fn arrows(chain: &[String]) -> String {
    chain.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ")
}
