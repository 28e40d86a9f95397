//! What can be wrong with a `.deb`.

use std::io;

/// A package file that can't be unpacked: which, where in it, and why.
#[derive(Debug)]
pub struct ArchiveError {
    /// The package file, as the caller calls it.
    pub package: String,
    /// The member of its `ar`, where the problem lies in one.
    pub member: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl ArchiveError {
    pub(super) fn new(package: &str, member: Option<&str>, problem: Problem) -> Self {
        Self { package: package.to_owned(), member: member.map(str::to_owned), problem }
    }
}

impl std::fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.member {
            Some(member) => write!(f, "package file `{}`, member `{member}`: {}", self.package, self.problem),
            None => write!(f, "package file `{}`: {}", self.package, self.problem),
        }
    }
}

// The problem's own text is part of the message already, so it is no source.
impl std::error::Error for ArchiveError {}

/// What is wrong with a package file. Paths are as the archive has them, shortened, bytes that are not UTF-8 replaced.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Reading or decoding failed; corrupt compressed data and outputs past the limit are here too.
    #[error("{0}")]
    Io(io::Error),
    /// No `!<arch>`.
    #[error("it is no Debian package: it does not begin with `!<arch>`")]
    NotDeb,
    /// An ar header that is none.
    #[error("broken ar header at byte {offset}")]
    BadHeader {
        /// Where it begins.
        offset: u64,
    },
    /// The file ends before a member does.
    #[error("the file is cut short: {missing} bytes are missing")]
    Truncated {
        /// How many bytes more the headers promise.
        missing: u64,
    },
    /// More members than any package has.
    #[error("more than {0} members")]
    TooManyMembers(usize),
    /// A member that deb(5) does not know.
    #[error("unexpected member; a package holds `debian-binary`, `control.tar` and `data.tar`")]
    UnknownMember,
    /// A second member of the same name.
    #[error("the member is there twice")]
    DuplicateMember,
    /// A member is not there.
    #[error("there is no member `{expected}`")]
    MissingMember {
        /// Its name.
        expected: &'static str,
    },
    /// The members' order is wrong.
    #[error("expected member `{expected}` in its place")]
    Order {
        /// What belongs there.
        expected: &'static str,
    },
    /// Another package format.
    #[error("expected format version 2.x, found `{found}`")]
    Version {
        /// What the file says.
        found: String,
    },
    /// A compression that is not read.
    #[error("compression `{extension}` is not supported; supported are `.xz`, `.zst`, `.gz` and none")]
    Unsupported {
        /// The member's extension.
        extension: String,
    },
    /// The tar ends in the middle of something.
    #[error("the tar is cut short")]
    TarTruncated,
    /// Bytes after the end of the tar.
    #[error("data follows the end of the tar")]
    TrailingData,
    /// A tar header whose checksum is wrong.
    #[error("broken tar header: wrong checksum")]
    BadChecksum,
    /// A number of a tar header that is none or too large.
    #[error("`{path}`: the {what} in its tar header is not a valid number")]
    BadNumber {
        /// The member.
        path: String,
        /// Which number.
        what: &'static str,
    },
    /// A kind that packages do not hold.
    #[error("`{path}` is {kind}; only files, directories and links are taken")]
    Kind {
        /// The member.
        path: String,
        /// What it is.
        kind: String,
    },
    /// Data after a member that has none.
    #[error("`{path}` is no file and yet announces {size} bytes of data")]
    Data {
        /// The member.
        path: String,
        /// How many.
        size: u64,
    },
    /// A path that is not taken.
    #[error("unsafe path `{path}`: {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// A symbolic link that is not taken.
    #[error("symbolic link `{path}`: its target `{target}` {reason}")]
    Symlink {
        /// The link.
        path: String,
        /// Its target.
        target: String,
        /// Why.
        reason: &'static str,
    },
    /// A hard link to something that is no file seen before it.
    #[error("hard link `{path}`: its target `{target}` is no file that comes before it in the package")]
    Hardlink {
        /// The link.
        path: String,
        /// Its target.
        target: String,
    },
    /// Two members that are not both directories have one path.
    #[error("`{path}` is there twice")]
    DuplicatePath {
        /// The path.
        path: String,
    },
    /// More entries than allowed.
    #[error("more than {0} entries")]
    TooManyEntries(usize),
    /// A long name that no member follows, or a second one.
    #[error("a long-name header is not followed by the member it names")]
    LongNameAlone,
    /// A long name that is too long.
    #[error("a name of {0} bytes; at most 4096 are allowed")]
    LongNameTooLong(u64),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ArchiveError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        matches!(self.problem, Problem::Unsupported { .. })
            .then(|| "ask whoever publishes the package to build it with `dpkg-deb -Zxz`".to_owned())
    }
}
