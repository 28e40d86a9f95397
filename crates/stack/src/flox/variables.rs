//! The environment that an activation makes, as far as no shell is needed for it: `[vars]`, then `[hook] on-activate`.

use std::collections::BTreeMap;

use super::manifest::Manifest;
use super::shell::{Command, Impure, Piece, Quotes, Reference, Word, assignment, commands, is_name, plain};

/// Variables of an activation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables {
    /// The folder with everything that the environment installs, where an image has one.
    folder: Option<String>,
    known: BTreeMap<String, Variable>,
}

#[derive(Debug, Clone)]
struct Variable {
    value: String,
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Programs see it.
    Exported,
    /// Only the script does.
    Script,
}

/// A variable whose value is not known when an image is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    /// `$FLOX_ENV` where there is no such folder.
    #[error("needs `$FLOX_ENV`, the folder with everything of the environment, and the image has none")]
    Folder,
    /// Set by whoever activates it.
    #[error("needs `${name}`, which only the machine knows that activates it")]
    Machine { name: String },
    /// `A = "${B}"`, `B = "${A}"`.
    #[error("needs its own value: {through}")]
    Cycle { through: String },
    /// Values in values in values.
    #[error("is longer than any program could take")]
    TooLong,
    /// Without quotes its value would be split or matched.
    #[error("has `${name}` without quotes, and its value has spaces or patterns")]
    Splits { name: String },
}

/// Most bytes of a value (execve(2), MAX_ARG_STRLEN), and most variables that lead to one.
const MAX_VALUE: usize = 1 << 17;
const MAX_DEPTH: usize = 100;

impl Variables {
    /// Those of `[vars]`. `folder` is where everything that the environment installs is in the image.
    ///
    /// One that can't be resolved is left out, and told with its name.
    pub(crate) fn of(manifest: &Manifest, folder: Option<&str>) -> (Self, Vec<(String, Unresolved)>) {
        let mut variables = Self { folder: folder.map(str::to_owned), known: BTreeMap::new() };
        let mut unresolved = Vec::new();
        for name in manifest.vars.keys() {
            if let Err(why) = variables.resolve(name, &manifest.vars, &mut Vec::new()) {
                unresolved.push((name.clone(), why));
            }
        }
        (variables, unresolved)
    }

    /// The value of `name` in `vars`, where `${NAME}` is another of them; `on_the_way` are those that wait for it.
    fn resolve(
        &mut self,
        name: &str,
        vars: &BTreeMap<String, String>,
        on_the_way: &mut Vec<String>,
    ) -> Result<String, Unresolved> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.value.clone());
        }
        let Some(text) = vars.get(name) else { return self.given(name) };
        if on_the_way.iter().any(|other| other == name) {
            let through: Vec<String> =
                on_the_way.iter().map(String::as_str).chain([name]).map(|name| format!("`{name}`")).collect();
            return Err(Unresolved::Cycle { through: through.join(" → ") });
        }
        if on_the_way.len() == MAX_DEPTH {
            return Err(Unresolved::TooLong);
        }
        on_the_way.push(name.to_owned());
        let mut value = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            value.push_str(before);
            match after.split_once('}').filter(|(inner, _)| is_name(inner)) {
                Some((inner, after)) => {
                    let inner = self.resolve(inner, vars, on_the_way)?;
                    join(&mut value, &inner, after)?;
                    rest = after;
                }
                // No name: it stands for itself.
                None => {
                    value.push_str("${");
                    rest = after;
                }
            }
        }
        value.push_str(rest);
        on_the_way.pop();
        self.set(name, value.clone(), Scope::Exported);
        Ok(value)
    }

    /// What nobody has set.
    fn given(&self, name: &str) -> Result<String, Unresolved> {
        match (name, &self.folder) {
            ("FLOX_ENV", Some(folder)) => Ok(folder.clone()),
            ("FLOX_ENV", None) => Err(Unresolved::Folder),
            _ => Err(Unresolved::Machine { name: name.to_owned() }),
        }
    }

    fn set(&mut self, name: &str, value: String, scope: Scope) {
        let exported = self.known.get(name).is_some_and(|known| known.scope == Scope::Exported);
        let scope = if exported { Scope::Exported } else { scope };
        self.known.insert(name.to_owned(), Variable { value, scope });
    }

    /// What `script` sets besides; nothing is changed where it does anything else than set variables.
    pub(crate) fn activate(&mut self, script: &str) -> Result<(), Impure> {
        let mut after = self.clone();
        for command in commands(script)? {
            after
                .carry_out(&command)
                .map_err(|does| Impure { line: command.line.clone(), does: does.to_string() })?;
        }
        *self = after;
        Ok(())
    }

    fn carry_out(&mut self, command: &Command) -> Result<(), Does> {
        let Some((first, rest)) = command.words.split_first() else { return Ok(()) };
        match plain(first) {
            Some("export") => rest.iter().try_for_each(|word| self.export(word)),
            // Said to people who activate it.
            Some("echo" | ":" | "true") => Ok(()),
            _ => {
                let all: Vec<_> = command
                    .words
                    .iter()
                    .map(|word| assignment(word).ok_or_else(|| Does::Runs(shown(word))))
                    .collect::<Result<_, _>>()?;
                for (name, word) in all {
                    let value = self.value(&word, name, Place::Value)?;
                    self.set(name, value, Scope::Script);
                }
                Ok(())
            }
        }
    }

    fn export(&mut self, word: &Word) -> Result<(), Does> {
        if let Some((name, value)) = assignment(word) {
            let value = self.value(&value, name, Place::Value)?;
            self.set(name, value, Scope::Exported);
            return Ok(());
        }
        let name = plain(word).filter(|name| is_name(name)).ok_or(Does::Exports)?;
        match self.known.get_mut(name) {
            Some(variable) => variable.scope = Scope::Exported,
            // One of the machine's that has been exported stays so.
            None => return Err(Does::Needs(Unresolved::Machine { name: name.to_owned() })),
        }
        Ok(())
    }

    /// The text of a word, which is the value of the variable `of` if it is in that place.
    fn value(&self, word: &Word, of: &str, place: Place) -> Result<String, Unresolved> {
        let mut text = String::new();
        for (at, piece) in word.iter().enumerate() {
            match piece {
                Piece::Bare(piece) | Piece::Quoted(piece) => text.push_str(piece),
                Piece::Variable(reference) => {
                    let value = self.referred(reference, of)?;
                    let splits = reference.quotes == Quotes::None && place == Place::Argument;
                    if splits && (value.is_empty() || value.contains([' ', '\t', '\n', '*', '?', '['])) {
                        return Err(Unresolved::Splits { name: reference.name.clone() });
                    }
                    let after = word[at + 1..].iter().find_map(|next| match next {
                        Piece::Bare(next) | Piece::Quoted(next) if !next.is_empty() => Some(next.as_str()),
                        _ => None,
                    });
                    join(&mut text, &value, after.unwrap_or_default())?;
                }
            }
        }
        Ok(text)
    }

    fn referred(&self, reference: &Reference, of: &str) -> Result<String, Unresolved> {
        let Reference { name, default, .. } = reference;
        if let Some(known) = self.known.get(name).filter(|known| default.is_none() || !known.value.is_empty())
        {
            return Ok(known.value.clone());
        }
        match default {
            // `A=${A:-x}`: who runs the image may say otherwise, as who activates the environment may.
            Some(default) if name == of => Ok(default.clone()),
            _ => self.given(name),
        }
    }

    /// The arguments of `line` if it is one command of plain words, with the variables put in.
    pub(crate) fn arguments(&self, line: &str) -> Result<Vec<String>, Impure> {
        let impure = |does: &dyn ToString| {
            let lines: Vec<&str> = line.trim().lines().map(str::trim).collect();
            Impure { line: lines.join("; "), does: does.to_string() }
        };
        let all = commands(line)?;
        let [command] = &all[..] else { return Err(impure(&"is not one command")) };
        let mut words = command.words.as_slice();
        // `exec` replaces a shell that is not there.
        if let [first, rest @ ..] = words
            && plain(first) == Some("exec")
        {
            words = rest;
        }
        match words.first() {
            None => return Err(impure(&"is not one command")),
            Some(first) if assignment(first).is_some() => {
                return Err(impure(&"sets variables for a command"));
            }
            Some(first) if plain(first).is_some_and(|word| SHELL.contains(&word)) => {
                return Err(impure(&format!("is `{}` of a shell", shown(first))));
            }
            Some(_) => {}
        }
        let values = words.iter().map(|word| self.value(word, "", Place::Argument));
        values.collect::<Result<_, _>>().map_err(|why| impure(&why))
    }

    /// The same with `vars` set besides, as a service has them.
    pub(crate) fn with(&self, vars: &BTreeMap<String, String>) -> Self {
        let mut with = self.clone();
        for (name, value) in vars {
            with.set(name, value.clone(), Scope::Exported);
        }
        with
    }

    /// What programs see, by name.
    pub(crate) fn exported(self) -> BTreeMap<String, String> {
        let exported = self.known.into_iter().filter(|(_, variable)| variable.scope == Scope::Exported);
        let folder = self.folder.map(|folder| ("FLOX_ENV".to_owned(), folder));
        folder.into_iter().chain(exported.map(|(name, variable)| (name, variable.value))).collect()
    }
}

/// Words that mean something to a shell alone (POSIX shell command language, 2.4 and 2.14).
const SHELL: [&str; 24] = [
    "!", "if", "then", "else", "fi", "for", "while", "until", "do", "done", "case", "function", "cd",
    "source", ".", "eval", "set", "trap", "export", "unset", "read", "wait", "ulimit", "umask",
];

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind `NAME=`, where nothing is split.
    Value,
    Argument,
}

/// What a command does besides setting variables.
#[derive(Debug, thiserror::Error)]
enum Does {
    #[error("runs `{0}`")]
    Runs(String),
    #[error("exports something else than a variable")]
    Exports,
    #[error(transparent)]
    Needs(#[from] Unresolved),
}

/// A word for people.
fn shown(word: &Word) -> String {
    let text = word.iter().map(|piece| match piece {
        Piece::Bare(text) | Piece::Quoted(text) => text.clone(),
        Piece::Variable(reference) => format!("${}", reference.name),
    });
    text.collect::<String>().chars().take(60).collect()
}

/// Puts `value` before `after`; a root folder brings the slash that follows.
fn join(text: &mut String, value: &str, after: &str) -> Result<(), Unresolved> {
    let value = if value == "/" && after.starts_with('/') { "" } else { value };
    text.push_str(value);
    if text.len() > MAX_VALUE { Err(Unresolved::TooLong) } else { Ok(()) }
}
