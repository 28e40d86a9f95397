//! Why a root filesystem can't be composed.

use longshore_oci::{Origin, Platform, StoreError, StorePath, TreeError, TreePath};

/// Why a root filesystem can't be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A package that the image asks for is not in its locked closure.
    #[error("package `{package}` of source `{source_name}` is not locked for image `{image}`")]
    NotLocked {
        /// The image.
        image: String,
        /// The source's name in the stack file.
        source_name: String,
        /// The package.
        package: String,
    },
    /// Packages can't be had.
    #[error("can't get the packages of image `{image}`")]
    Load {
        /// The image.
        image: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two inputs want to put different things at one path.
    #[error("`{path}` comes from both `{first}` and `{second}`, and they differ")]
    Conflict {
        /// Where.
        path: TreePath,
        /// Who was first.
        first: Box<Origin>,
        /// Who came second.
        second: Box<Origin>,
    },
    /// Something lies under a path that is no directory.
    #[error("`{path}` of `{origin}` can't be made: `{parent}` of `{owner}` is not a directory")]
    NotADirectory {
        /// What was to be made.
        path: TreePath,
        /// By whom.
        origin: Box<Origin>,
        /// What is in the way.
        parent: TreePath,
        /// Who put it there.
        owner: Box<Origin>,
    },
    /// Symbolic links lead in a circle.
    #[error("symbolic links on the way to `{path}` lead in a circle")]
    LinkLoop {
        /// The path that was followed.
        path: TreePath,
    },
    /// A slice asks for something its package does not have.
    #[error("package `{package}` has no `{path}`, which image `{image}` takes from it")]
    NotInPackage {
        /// The image.
        image: String,
        /// The package, or what its closure was searched for.
        package: String,
        /// The path.
        path: TreePath,
        /// A path of the same name, or of a similar one in the same folder, that it does have.
        similar: Option<TreePath>,
    },
    /// A build or an archive does not have what is taken from it.
    #[error("{output} has no `{path}`, which image `{image}` takes from it")]
    NotInOutput {
        /// The image.
        image: String,
        /// The build or archive.
        output: Box<Origin>,
        /// What is taken, relative to its root.
        path: String,
        /// A path of the same name, or of a similar one in the same folder, that it does have.
        similar: Option<TreePath>,
        /// The first few of the paths that it has.
        holds: Vec<String>,
    },
    /// Somebody's image does not have what is taken from it.
    #[error("image `{other}` has no `{path}`, which image `{image}` takes from it")]
    NotInImage {
        /// The image.
        image: String,
        /// The image that is taken from.
        other: String,
        /// What is taken.
        path: TreePath,
        /// A path of the same name, or of a similar one in the same folder, that it does have.
        similar: Option<TreePath>,
    },
    /// No path that an installable came to has what is taken of it.
    #[error("nothing of `{installable}` has `{path}`, which image `{image}` takes from it")]
    NotInStorePath {
        /// The image.
        image: String,
        /// The installable.
        installable: String,
        /// What is taken.
        path: String,
        /// A path of the same name, or of a similar one in the same folder, that one does have.
        similar: Option<String>,
    },
    /// Nothing of the closure is called as what is to be left out.
    #[error("image `{image}` excludes `{exclude}`, and nothing that `{installable}` brings is called so")]
    ExcludesNothing {
        /// The image.
        image: String,
        /// The installable.
        installable: String,
        /// What was to be left out.
        exclude: String,
    },
    /// Something was left out that is needed.
    #[error("image `{image}` leaves `{needed}` out, and `{by}` needs it")]
    Excluded {
        /// The image.
        image: String,
        /// What is needed.
        needed: Box<StorePath>,
        /// Where that can be seen.
        by: TreePath,
    },
    /// A file beside the stack file was not handed over.
    #[error("`{path}`, which image `{image}` takes, was not read")]
    NoLocal {
        /// The image.
        image: String,
        /// Relative to the stack file.
        path: String,
    },
    /// A certificate file holds something else.
    #[error("certificate `{path}` can't be used: {reason}")]
    Certificate {
        /// Relative to the stack file.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Certificates are given, and there is no bundle to add them to.
    #[error("image `{image}` has `certificates`, but no CA bundle that they could be added to")]
    NoBundle {
        /// The image.
        image: String,
    },
    /// There is no health probe for the platform.
    #[error(
        "there is no health probe for `{platform}`, which image `{image}` needs for `health` or `needs` of a service"
    )]
    NoProbe {
        /// The image.
        image: String,
        /// What it runs on.
        platform: Platform,
    },
    /// An alternative points at nothing.
    #[error("alternative `{link}` points at `{target}`, which is not in image `{image}`")]
    Alternative {
        /// The image.
        image: String,
        /// The link.
        link: TreePath,
        /// What it points at.
        target: String,
    },
    /// The store can't give or take bytes.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A path can't be.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl ComposeError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotLocked { .. } => "the lock is older than the stack file; run `longshore lock`".to_owned(),
            Self::Conflict { path, .. } => format!(
                "take only what is needed from one of them (`from = [...]`), or remove one; `longshore show` says who brings `{path}`"
            ),
            Self::NotADirectory { parent, .. } => {
                format!("choose another `to`, or leave `{parent}` out; then run `longshore check`")
            }
            Self::LinkLoop { .. } => "remove one of the links from `contents`; then run `longshore check`".to_owned(),
            Self::NotInPackage { similar: Some(similar), .. } => format!("did you mean `{similar}`?"),
            Self::NotInImage { similar: Some(similar), .. } => format!("did you mean `{similar}`?"),
            Self::NotInImage { other, .. } => format!(
                "to see what it has, take all of it for once (`{{ image = \"{other}\" }}`) and run `longshore show --files`"
            ),
            Self::NotInPackage { package, .. } => format!(
                "to see what it has, take all of it for once (`{{ package = \"{package}\" }}`) and run `longshore show --files`"
            ),
            Self::NotInOutput { similar: Some(similar), .. } => {
                format!("did you mean `from = \"{}\"`?", super::contents::relative(similar))
            }
            Self::NotInOutput { output, holds, .. } if holds.is_empty() => format!("{output} holds nothing at all"),
            Self::NotInOutput { holds, .. } => format!("it has `{}` …; correct `from`, then run `longshore check`", holds.join("`, `")),
            Self::NotInStorePath { similar: Some(similar), .. } => format!("did you mean `from = \"{similar}\"`?"),
            Self::NotInStorePath { image, .. } => {
                format!("take it whole for once (without `from`), and see with `longshore show --files {image}` what it has")
            }
            Self::ExcludesNothing { image, .. } => {
                format!("`longshore show {image}` lists what it brings; correct `exclude`, then run `longshore check`")
            }
            Self::Excluded { needed, .. } => {
                format!("take `{}` out of `exclude`, then run `longshore check`", needed.name())
            }
            Self::NoLocal { path, .. } => format!("`git status {path}` says whether git tracks it"),
            Self::Certificate { path, .. } => {
                format!("it must be PEM text with `BEGIN CERTIFICATE`; `openssl x509 -in {path} -noout -subject` reads it")
            }
            Self::NoBundle { .. } => "add \"ca-certificates\" to the image's `contents`, then run `longshore lock`".to_owned(),
            Self::Alternative { .. } => {
                "add the package that has the target to `contents`, or correct `alternatives`; then run `longshore check`".to_owned()
            }
            Self::NoProbe { platform, .. } => format!(
                "ask with a program of the image (`health = {{ exec = [...] }}`), or leave `{platform}` out of `platforms`; then \
                 run `longshore check`"
            ),
            Self::Store(error) => return error.hint(),
            Self::Load { .. } | Self::Tree(_) => return None,
        })
    }
}
