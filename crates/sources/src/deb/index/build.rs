//! From `Packages` files to the compiled index: reads them; `layout` writes what was read.

mod layout;

#[allow(clippy::disallowed_types, reason = "looked up only")]
use std::collections::HashSet;
#[allow(
    clippy::disallowed_types,
    reason = "names and strings are numbered by first mention; hash order is never observed"
)]
use std::collections::hash_map::{Entry, HashMap};

use longshore_oci::Digest;

use super::package::{self, RECORD};
use super::{FieldError, FieldProblem, Index, IndexError, NONE, Packages};
use crate::deb::control::{Paragraph, Paragraphs};
use crate::deb::relation::{self, Relation};
use crate::deb::version;

/// Bytes of all lists together. A name takes two bytes at least, and names are counted in 28 bits.
pub(super) const LIMIT: usize = 1 << 29;

/// Fields in the order in which apt reads their names.
const MENTIONS: [&str; 9] = [
    "Pre-Depends",
    "Depends",
    "Conflicts",
    "Breaks",
    "Recommends",
    "Suggests",
    "Replaces",
    "Enhances",
    "Provides",
];
const PRE_DEPENDS: usize = 0;
const BREAKS: usize = 3;
const PROVIDES: usize = 8;

impl Index {
    /// Compiles `lists`, in apt's order: sources and suites as in the stack file. Packages of other architectures than
    /// `architecture` and `all` are left out, and so is what has the name, version and digest of a package
    /// before it in the same source.
    pub fn build(lists: &[Packages<'_>], architecture: &str) -> Result<Self, IndexError> {
        let size = lists.iter().map(|list| list.text.len()).sum();
        if size > LIMIT {
            return Err(IndexError::TooLarge { size, limit: LIMIT });
        }
        let mut builder = Builder { architecture, ..Builder::default() };
        for list in lists {
            builder.list(list)?;
        }
        Ok(builder.finish())
    }
}

/// Counts fit: none is larger than [`LIMIT`].
fn id(count: usize) -> u32 {
    count as u32
}

/// Strings by number, in order of first use.
#[derive(Default)]
#[allow(clippy::disallowed_types, reason = "looked up only")]
struct Strings<'a> {
    ids: HashMap<&'a str, u32>,
    all: Vec<&'a str>,
}

impl<'a> Strings<'a> {
    fn id(&mut self, text: &'a str) -> u32 {
        match self.ids.entry(text) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.all.push(text);
                *new.insert(id(self.all.len() - 1))
            }
        }
    }
}

#[derive(Default, Clone, Copy)]
struct Name {
    /// When it was first mentioned without qualifier; apt takes `name:any` for another name.
    rank: Option<u32>,
    /// Whether something that is kept speaks of it.
    kept: bool,
}

/// A word of the relations: the name's number is replaced when names are sorted.
#[derive(Clone, Copy)]
enum Word {
    Name { name: u32, bits: u32 },
    Version(u32),
}

struct Record {
    name: u32,
    version: u32,
    words: [u32; RECORD as usize],
}

#[derive(Default)]
#[allow(clippy::disallowed_types, reason = "looked up only")]
struct Builder<'a> {
    architecture: &'a str,
    names: Strings<'a>,
    about: Vec<Name>,
    ranks: u32,
    strings: Strings<'a>,
    records: Vec<Record>,
    seen: HashSet<(u32, &'a str, &'a str, Digest)>,
    /// Name, place of the provider's record, version.
    provides: Vec<(u32, u32, u32)>,
    relations: Vec<Word>,
    suites: Vec<(u32, u32)>,
}

/// The fields of a paragraph that count.
#[derive(Default)]
struct Fields<'a> {
    package: &'a str,
    version: &'a str,
    architecture: &'a str,
    filename: &'a str,
    size: &'a str,
    sha256: &'a str,
    installed_size: &'a str,
    source: &'a str,
    section: &'a str,
    priority: &'a str,
    multi_arch: &'a str,
    essential: &'a str,
    important: &'a str,
    protected: &'a str,
    relations: [&'a str; MENTIONS.len()],
}

impl<'a> Fields<'a> {
    fn new(paragraph: &Paragraph<'a>) -> Self {
        let mut fields = Self::default();
        for (name, value) in paragraph.fields() {
            let place = if name.eq_ignore_ascii_case("Package") {
                &mut fields.package
            } else if let Some(at) = MENTIONS.iter().position(|field| name.eq_ignore_ascii_case(field)) {
                &mut fields.relations[at]
            } else {
                let places = [
                    ("Version", &mut fields.version),
                    ("Architecture", &mut fields.architecture),
                    ("Filename", &mut fields.filename),
                    ("Size", &mut fields.size),
                    ("SHA256", &mut fields.sha256),
                    ("Installed-Size", &mut fields.installed_size),
                    ("Source", &mut fields.source),
                    ("Section", &mut fields.section),
                    ("Priority", &mut fields.priority),
                    ("Multi-Arch", &mut fields.multi_arch),
                    ("Essential", &mut fields.essential),
                    ("Important", &mut fields.important),
                    ("Protected", &mut fields.protected),
                ];
                match places.into_iter().find(|(field, _)| name.eq_ignore_ascii_case(field)) {
                    Some((_, place)) => place,
                    None => continue,
                }
            };
            if place.is_empty() {
                *place = value;
            }
        }
        fields
    }
}

impl<'a> Builder<'a> {
    fn list(&mut self, list: &Packages<'a>) -> Result<(), IndexError> {
        let (archive, suite) = (|| list.source.to_owned(), || list.suite.to_owned());
        let text = std::str::from_utf8(list.text).map_err(|e| IndexError::Encoding {
            archive: archive(),
            suite: suite(),
            valid: e.valid_up_to(),
        })?;
        self.suites.push((self.strings.id(list.source), self.strings.id(list.suite)));
        for paragraph in Paragraphs::new(text) {
            let paragraph = paragraph.map_err(|error| IndexError::Syntax {
                archive: archive(),
                suite: suite(),
                error,
            })?;
            let fields = Fields::new(&paragraph);
            if fields.architecture != self.architecture && fields.architecture != "all" {
                continue;
            }
            self.package(&fields).map_err(|(field, expected, found)| {
                IndexError::Field(Box::new(FieldError {
                    archive: archive(),
                    suite: suite(),
                    line: paragraph.line(),
                    package: fields.package.chars().take(100).collect(),
                    field,
                    expected,
                    found: found.chars().take(100).collect(),
                }))
            })?;
        }
        Ok(())
    }

    /// Adds one package, or says which field should be what and is what.
    fn package(&mut self, fields: &Fields<'a>) -> Result<(), (&'static str, &'static str, String)> {
        let bad = |field, expected, found: &str| (field, expected, found.to_owned());
        if fields.package.is_empty() || fields.package.contains(|c: char| !c.is_ascii_graphic() || c == '/') {
            return Err(bad("Package", "a name", fields.package));
        }
        let version =
            version::check(fields.version).map_err(|_| bad("Version", "a version", fields.version))?;
        let digest = Digest::from_hex(fields.sha256)
            .map_err(|_| bad("SHA256", "64 lower-case hex digits", fields.sha256))?;
        let size: u64 = fields.size.parse().map_err(|_| bad("Size", "a number of bytes", fields.size))?;
        // The path becomes part of addresses and of the lock.
        let path = fields.filename.strip_prefix("./").unwrap_or(fields.filename);
        let clean = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !clean || path.contains(|c: char| !c.is_ascii_graphic() || "\\?#".contains(c)) {
            return Err(bad("Filename", "a path inside the archive", fields.filename));
        }
        let source = self.suites.last().map_or(NONE, |(source, _)| *source);
        if !self.seen.insert((source, fields.package, version, digest)) {
            return Ok(());
        }

        let name = self.mention(fields.package, true);
        self.about[name as usize].kept = true;
        let mut words = [NONE; RECORD as usize];
        let mut set = |field: u32, word: u32| words[field as usize] = word;
        set(package::PRE_DEPENDS, id(self.relations.len()));
        for (at, (field, text)) in MENTIONS.into_iter().zip(fields.relations).enumerate() {
            let provider = id(self.records.len());
            self.relations(at, text, provider).map_err(|problem| match problem {
                FieldProblem::Relation(error) => {
                    (field, "relations of the form `name (>= version)`", error.text)
                }
                FieldProblem::Version(error) => (field, "provided names with versions", error.text),
            })?;
            if at < BREAKS + 1 {
                set(package::DEPENDS + id(at), id(self.relations.len()));
            }
        }
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        if file == package::file_name(fields.package, version, fields.architecture) && !folder.is_empty() {
            set(package::FOLDER, self.strings.id(folder));
        } else {
            set(package::FILE, self.strings.id(path));
        }
        let (source, source_version) = match fields.source.split_once('(') {
            Some((source, rest)) => (source.trim(), rest.trim_end_matches(')').trim()),
            None if fields.source.is_empty() => (fields.package, version),
            None => (fields.source, version),
        };
        set(package::ARCHITECTURE, self.strings.id(fields.architecture));
        set(package::FLAGS, flags(fields));
        set(package::SECTION, self.strings.id(fields.section));
        set(package::SOURCE_NAME, self.strings.id(source));
        set(package::SOURCE_VERSION, self.strings.id(source_version));
        set(package::SIZE, size as u32);
        set(package::SIZE + 1, (size >> 32) as u32);
        set(package::INSTALLED_SIZE, fields.installed_size.parse().unwrap_or(0));
        set(package::SUITE, id(self.suites.len() - 1));
        for (bytes, field) in digest.as_bytes().as_chunks::<4>().0.iter().zip(package::SHA256..) {
            set(field, u32::from_le_bytes(*bytes));
        }
        let version = self.strings.id(version);
        self.records.push(Record { name, version, words });
        Ok(())
    }

    /// Reads a relation field: names for their rank, and what is kept of it.
    fn relations(&mut self, at: usize, text: &'a str, provider: u32) -> Result<(), FieldProblem> {
        for group in relation::groups(text) {
            let first = self.relations.len();
            for relation in relation::alternatives(group) {
                let relation = relation.map_err(FieldProblem::Relation)?;
                if !relation.applies(self.architecture) {
                    continue;
                }
                let name = self.mention(relation.name, relation.qualifier.is_none());
                match at {
                    PRE_DEPENDS..=BREAKS => self.keep(at, name, &relation),
                    PROVIDES if relation.names_architecture(self.architecture) => {
                        self.about[name as usize].kept = true;
                        let version = relation.version.map(|(_, text)| version::check(text)).transpose();
                        let version = version.map_err(FieldProblem::Version)?;
                        let version = version.map_or(NONE, |text| self.strings.id(text));
                        self.provides.push((name, provider, version));
                    }
                    _ => {}
                }
            }
            let last = self.relations[first..].iter_mut().rev().find_map(|word| match word {
                Word::Name { bits, .. } => Some(bits),
                Word::Version(_) => None,
            });
            if let Some(bits) = last {
                *bits |= package::LAST;
            }
        }
        Ok(())
    }

    /// Keeps one alternative of what is depended upon or in conflict.
    fn keep(&mut self, at: usize, name: u32, relation: &Relation<'a>) {
        let here = relation.names_architecture(self.architecture);
        if !here && at > PRE_DEPENDS + 1 {
            // Nothing of another architecture is ever installed, so nothing conflicts with it.
            return;
        }
        self.about[name as usize].kept = true;
        let (code, version) = match relation.version {
            _ if !here => (package::OTHER_ARCHITECTURE, None),
            None => (0, None),
            Some((comparison, version)) => {
                let code = package::COMPARISONS.iter().position(|c| *c == comparison).map_or(0, |at| at + 1);
                (id(code), Some(version))
            }
        };
        self.relations.push(Word::Name { name, bits: code << package::COMPARISON_SHIFT });
        if let Some(version) = version {
            self.relations.push(Word::Version(self.strings.id(version)));
        }
    }

    fn mention(&mut self, name: &'a str, plain: bool) -> u32 {
        let at = self.names.id(name);
        if at as usize == self.about.len() {
            self.about.push(Name::default());
        }
        let about = &mut self.about[at as usize];
        if plain && about.rank.is_none() {
            about.rank = Some(self.ranks);
            self.ranks += 1;
        }
        at
    }
}

fn flags(fields: &Fields<'_>) -> u32 {
    let yes = |value: &str| value.eq_ignore_ascii_case("yes");
    let multi_arch = ["no", "same", "foreign", "allowed"].iter().position(|v| *v == fields.multi_arch);
    let priorities = ["required", "important", "standard", "optional", "extra"];
    let priority = priorities.iter().position(|v| *v == fields.priority).unwrap_or(priorities.len());
    let essential = if yes(fields.essential) { package::ESSENTIAL } else { 0 };
    let protected = if yes(fields.important) || yes(fields.protected) { package::PROTECTED } else { 0 };
    let multi_arch = id(multi_arch.unwrap_or(0)) << package::MULTI_ARCH_SHIFT;
    essential | protected | multi_arch | id(priority) << package::PRIORITY_SHIFT
}
