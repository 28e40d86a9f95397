//! Why a layer can't be packed.

use longshore_oci::{Content, StoreError, TreePath};

/// Why a layer can't be packed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path of the plan, or a directory above one, is not in the tree.
    #[error("`{path}` is planned for a layer but is not in the root filesystem")]
    NotInTree {
        /// The path.
        path: TreePath,
    },
    /// Something lies under what is no directory.
    #[error("`{path}` lies under `{parent}`, which is not a directory")]
    NotADirectory {
        /// The path.
        path: TreePath,
        /// What it lies under.
        parent: TreePath,
    },
    /// A hard link names nothing, or something that is no file.
    #[error("hard link `{path}` to `{target}`, which is not a file of the same root filesystem")]
    DanglingHardlink {
        /// The link.
        path: TreePath,
        /// What it names.
        target: TreePath,
    },
    /// The name has a meaning in layers: it would delete a file instead of making one (OCI image specification,
    /// "Layers", "Whiteouts").
    #[error("`{path}` can't be in an image: names that start with `.wh.` mark deletions in layers")]
    Whiteout {
        /// The path.
        path: TreePath,
    },
    /// An attribute's name can't be written as a `pax` keyword.
    #[error(
        "extended attribute `{name}` of `{path}` can't be in an image: its name is empty or contains `=` or NUL"
    )]
    XattrName {
        /// The file.
        path: TreePath,
        /// The attribute's name, lossily.
        name: String,
    },
    /// Bytes of a file can't be had.
    #[error("can't read the content of `{path}`")]
    Content {
        /// The file.
        path: TreePath,
        /// Why.
        source: StoreError,
    },
    /// The store can't be read or written.
    #[error("can't keep layer `{layer}` in the store")]
    Store {
        /// The layer's name.
        layer: String,
        /// Why.
        source: StoreError,
    },
    /// A codec can't work.
    #[error("can't compress layer `{layer}`")]
    Compress {
        /// The layer's name.
        layer: String,
        /// Why.
        source: std::io::Error,
    },
    /// What the layer is written to fails.
    #[error("can't write layer `{layer}`")]
    Write {
        /// The layer's name.
        layer: String,
        /// Why.
        source: std::io::Error,
    },
    /// The same layer came out differently than before: bytes in the store have changed.
    #[error(
        "layer `{layer}` is not what it was: expected {}, {} bytes; got {}, {} bytes",
        .expected.digest, .expected.size, .found.digest, .found.size
    )]
    Inconsistent {
        /// The layer's name.
        layer: String,
        /// The uncompressed tar as measured first.
        expected: Content,
        /// The uncompressed tar as it is now.
        found: Content,
    },
}

impl Error {
    /// Fails unless the tar of `layer` came to what it was.
    pub(super) fn unless_same(layer: &str, expected: Content, found: Content) -> Result<(), Self> {
        match found == expected {
            true => Ok(()),
            false => Err(Self::Inconsistent { layer: layer.to_owned(), expected, found }),
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Content { source, .. } | Self::Store { source, .. } => source.hint(),
            Self::Inconsistent { .. } => Some(
                "a file in the store was changed; set LONGSHORE_STORE to an empty folder and run `longshore build` again"
                    .to_owned(),
            ),
            Self::Whiteout { .. } => Some("leave the file out in `stack.toml`, or rename it".to_owned()),
            Self::NotInTree { .. }
            | Self::NotADirectory { .. }
            | Self::DanglingHardlink { .. }
            | Self::XattrName { .. }
            | Self::Compress { .. }
            | Self::Write { .. } => None,
        }
    }
}
