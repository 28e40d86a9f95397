//! A stack on disk: its folder, its checked file, its lock.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_image::pack::ASSEMBLER;
use longshore_oci::Platform;
use longshore_publish::record;
use longshore_stack::Read;
use longshore_stack::lock::{self, Lock};
use longshore_stack::model::Stack;
use serde_json::{Value, json};

use crate::args::{Global, Selection};
use crate::commands::lock::Written;
use crate::report::{Failure, in_profile, warn};

/// The stack file in `folder`.
fn stack_file(folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join("stack.toml");
    match path.exists() {
        true => Ok(path),
        false => Err(Failure::Usage {
            message: format!("there is no stack file at `{}`", path.display()),
            hint: "longshore init".to_owned(),
        }),
    }
}

/// A stack checked for one profile, or for none, and where it is.
#[derive(Clone)]
pub struct Project {
    pub folder: PathBuf,
    pub stack: Stack,
    /// The stack's profile, where commands must name it: where it is not the default.
    pub profile: Option<String>,
}

impl Project {
    /// Reads and checks `stack.toml` in `folder` for `profile`, or for its default one; its warnings go to standard error.
    pub fn open(folder: &Path, profile: Option<&str>, global: &Global) -> Result<Self, Failure> {
        let read = longshore_stack::read(&stack_file(folder)?, profile)?;
        read.warnings.iter().for_each(|warning| warn(warning, global));
        Ok(Self::new(folder, read))
    }

    /// The same for each of its profiles.
    pub fn open_all(folder: &Path, global: &Global) -> Result<Vec<Self>, Failure> {
        let all = longshore_stack::read_all(&stack_file(folder)?).map_err(Failure::Stack)?;
        all.warnings.iter().for_each(|warning| warn(warning, global));
        Ok(all.reads.into_iter().map(|read| Self::new(folder, read)).collect())
    }

    fn new(folder: &Path, read: Read) -> Self {
        let profile = read.stack.profile.clone().filter(|name| read.profiles.default.as_ref() != Some(name));
        Self { folder: folder.to_owned(), stack: read.stack, profile }
    }

    /// A command on this stack and profile: `longshore --profile source lock`.
    pub fn command(&self, words: &str) -> String {
        let command = format!("longshore {words}");
        self.profile.as_deref().map_or_else(|| command.clone(), |name| in_profile(&command, name))
    }

    /// What a command answers as data, with the profile where there is one.
    pub fn with_profile(&self, mut answer: Value) -> Value {
        if let Some(name) = &self.stack.profile {
            answer["profile"] = json!(name);
        }
        answer
    }

    /// What tells it apart on this machine: its folder, and its profile.
    pub fn place(&self) -> String {
        let folder = self.folder.to_string_lossy();
        match &self.stack.profile {
            Some(name) => format!("{folder}#{name}"),
            None => folder.into_owned(),
        }
    }

    /// What the lock is called.
    pub fn lock_name(&self) -> String {
        lock::file_name(self.stack.profile.as_deref())
    }

    /// Where the lock is.
    pub fn lock_path(&self) -> PathBuf {
        self.folder.join(self.lock_name())
    }

    /// The lock, if there is one.
    pub fn read_lock(&self) -> Result<Option<Lock>, Failure> {
        let Some(lock) = lock::read(&self.lock_path())? else { return Ok(None) };
        Ok(Some(lock.for_profile(self.stack.profile.as_deref())?))
    }

    /// Writes the lock, by rename.
    pub fn write_lock(&self, lock: &Lock) -> Result<Written, Failure> {
        let (path, text) = (self.lock_path(), lock.to_string());
        if fs::read(&path).is_ok_and(|before| before == text.as_bytes()) {
            return Ok(Written::AsItWas);
        }
        let unfinished = self.folder.join(format!(".{}.new", self.lock_name()));
        let mut file = fs::File::create(&unfinished).map_err(Failure::Io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Failure::Io)?;
        fs::rename(&unfinished, &path).map_err(Failure::Io)?;
        Ok(Written::Anew)
    }

    /// What the record of what was pushed is called.
    pub fn record_name(&self) -> String {
        record::file_name(self.stack.profile.as_deref())
    }

    /// Where that record is.
    pub fn record_path(&self) -> PathBuf {
        self.folder.join(self.record_name())
    }

    /// Why the lock can't be used as it is; empty when it can.
    pub fn stale(&self, lock: &Lock) -> Vec<String> {
        let mut reasons = lock.stale(&self.stack);
        if lock.assembler != ASSEMBLER {
            reasons.push(format!(
                "it was written for assembler {}, and this longshore has assembler {ASSEMBLER}: digests will differ",
                lock.assembler
            ));
        }
        reasons
    }

    /// The images a command is about: all, or those named.
    pub fn select_images(&self, names: &[String]) -> Result<BTreeSet<String>, Failure> {
        for name in names {
            if !self.stack.images.contains_key(name) {
                let known: Vec<_> = self.stack.images.keys().map(|n| format!("`{n}`")).collect();
                return Err(Failure::Usage {
                    message: format!("the stack has no image `{name}`; it has {}", known.join(", ")),
                    hint: "longshore show".to_owned(),
                });
            }
        }
        Ok(if names.is_empty() {
            self.stack.images.keys().cloned().collect()
        } else {
            names.iter().cloned().collect()
        })
    }

    /// The builds a command is about: all, or those named.
    pub fn select_builds(&self, names: &[String]) -> Result<BTreeSet<String>, Failure> {
        for name in names {
            if !self.stack.builds.contains_key(name) {
                let known: Vec<_> = self.stack.builds.keys().map(|n| format!("`{n}`")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Failure::Usage {
                    message: format!("the stack has no build `{name}`; it has {known}"),
                    hint: "longshore check".to_owned(),
                });
            }
        }
        Ok(match names {
            [] => self.stack.builds.keys().cloned().collect(),
            some => some.iter().cloned().collect(),
        })
    }

    /// The stack's platform that is this machine's.
    pub fn own_platform(&self) -> Result<Platform, Failure> {
        let own = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        self.platform(&format!("linux/{own}"), "this machine is")
    }

    /// The stack's platform `os/architecture`, without a variant, which is what `whose` says: `this machine is`.
    pub fn platform(&self, name: &str, whose: &str) -> Result<Platform, Failure> {
        let fits = |made: &&Platform| format!("{}/{}", made.os, made.architecture) == name;
        self.stack.platforms.iter().find(fits).cloned().ok_or_else(|| Failure::Usage {
            message: format!("the stack is not for `{name}`, which {whose}"),
            hint: "add it to `platforms` in stack.toml, then run `longshore lock`".to_owned(),
        })
    }

    /// The platforms a command is about: all of the stack's, or those named.
    pub fn select_platforms(&self, selection: &Selection) -> Result<Vec<Platform>, Failure> {
        for platform in &selection.platforms {
            if !self.stack.platforms.contains(platform) {
                let known: Vec<_> = self.stack.platforms.iter().map(|p| format!("`{p}`")).collect();
                return Err(Failure::Usage {
                    message: format!(
                        "the stack is not for `{platform}`; its platforms are {}",
                        known.join(", ")
                    ),
                    hint: "add it to `platforms` in stack.toml, then run `longshore lock`".to_owned(),
                });
            }
        }
        if selection.platforms.is_empty() {
            return Ok(self.stack.platforms.clone());
        }
        let chosen: BTreeSet<_> = selection.platforms.iter().cloned().collect();
        Ok(chosen.into_iter().collect())
    }
}
