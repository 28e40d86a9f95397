//! A build's table, and the table of a pinned archive or file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Shorthand};

/// A hermetic build: locked inputs in, files out, no network. Which keys it has besides is a matter of its `kind`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "build")]
pub(crate) struct BuildTable {
    /// What is built: a Go module, a Cargo package, an npm package, or whatever some commands make.
    #[schemars(extend("enum" = ["go", "cargo", "npm", "command"]))]
    pub(crate) kind: At<String>,
    /// `go`, `cargo`, `npm`: the folder beside the stack file that holds `go.mod`, `Cargo.lock` or `package-lock.json`; `.` for the
    /// stack file's own.
    pub(crate) path: Option<At<String>>,
    /// `go`: a published module instead of a `path`: `host/path@version`.
    #[schemars(extend("examples" = ["github.com/grafana/loki/v3@v3.5.0"]))]
    pub(crate) module: Option<At<String>>,
    /// `go`: the packages that are built, as `go build` takes them. `["."]` when left out.
    #[schemars(extend("examples" = [["./cmd/loki"]]))]
    pub(crate) packages: Option<Vec<At<String>>>,
    /// `go`: build tags.
    pub(crate) tags: Option<Vec<At<String>>>,
    /// `go`: more flags for the linker, for version stamps.
    #[schemars(extend("examples" = [["-X main.version=1.2"]]))]
    pub(crate) ldflags: Option<Vec<At<String>>>,
    /// `go`: link C code in. The toolchain then needs a C compiler, as in `["golang-go", "gcc", "libc6-dev", …]`.
    pub(crate) cgo: Option<At<bool>>,
    /// `go`: the sums of `module`, where the checksum database does not know it.
    pub(crate) sums: Option<At<SumsTable>>,
    /// `cargo`: the member of the workspace that is built.
    pub(crate) package: Option<At<String>>,
    /// `cargo`: the programs that are built. All of them when left out.
    pub(crate) bins: Option<Vec<At<String>>>,
    /// `cargo`: features.
    pub(crate) features: Option<Vec<At<String>>>,
    /// `cargo`: whether the default features are on; they are when left out.
    pub(crate) default_features: Option<At<bool>>,
    /// `cargo`: the profile; `release` when left out.
    pub(crate) profile: Option<At<String>>,
    /// `cargo`: whether the C library is linked into the programs, and which: `static` is Debian's, `musl` that of Rust's own
    /// `*-linux-musl` libraries, which the toolchain then needs. `dynamic` when left out.
    #[schemars(extend("enum" = ["dynamic", "static", "musl"]))]
    pub(crate) linkage: Option<At<String>>,
    /// `npm`: the script that is run; `build` when left out.
    pub(crate) script: Option<At<String>>,
    /// `npm`: the folder that the script leaves, inside `path`; `dist` when left out.
    pub(crate) output: Option<At<String>>,
    /// `npm`: the workspace that is built.
    pub(crate) workspace: Option<At<String>>,
    /// `npm`: packages whose install scripts are run. None when left out.
    pub(crate) install_scripts: Option<Vec<At<String>>>,
    /// `command`: the commands in order, each a program with its arguments. They start in `/build`; what they leave in `/out` is
    /// the output.
    #[schemars(extend("examples" = [[["sh", "-c", "cp /src/a /out/"]]]))]
    pub(crate) run: Option<Vec<At<Vec<At<String>>>>>,
    /// `command`: what the commands find where.
    pub(crate) inputs: Option<Vec<At<InputTable>>>,
    /// What the build runs on instead of the kind's usual packages: packages, with all they depend on, and trees of programs, which
    /// come first; or `"host"` for whatever the machine has, which `--hermetic` refuses.
    pub(crate) toolchain: Option<At<Shorthand<Tools>>>,
    /// Environment variables of the build.
    #[serde(default)]
    pub(crate) env: BTreeMap<At<String>, At<String>>,
    /// How long it may take: a number with `s`, `m` or `h`.
    #[schemars(regex(pattern = "^[0-9]+[smh]$"), extend("default" = "1h"))]
    pub(crate) timeout: Option<At<String>>,
    /// How much memory it may use: a number with `K`, `M`, `G` or `T`, of 1024. No limit when left out.
    #[schemars(regex(pattern = "^[0-9]+[KMGT]$"), extend("examples" = ["4G"]))]
    pub(crate) memory: Option<At<String>>,
    /// How much it may leave in its output: a number with `K`, `M`, `G` or `T`, of 1024.
    #[schemars(regex(pattern = "^[0-9]+[KMGT]$"), extend("default" = "8G"))]
    pub(crate) output_limit: Option<At<String>>,
}

/// The sums of a Go module, as `go.sum` has them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "sums")]
pub(crate) struct SumsTable {
    /// The `h1:` sum of the module's zip.
    pub(crate) zip: At<String>,
    /// The `h1:` sum of its `go.mod`.
    pub(crate) go_mod: At<String>,
}

/// Something that commands find: one of `path`, `build` and `url`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "input")]
pub(crate) struct InputTable {
    /// A file or the git-tracked files of a folder beside the stack file.
    pub(crate) path: Option<At<String>>,
    /// The output of another build.
    pub(crate) build: Option<At<String>>,
    /// A pinned archive or file.
    pub(crate) url: Option<At<String>>,
    /// Where they find it: `/src`, `/deps`, or a path below; one that ends in `/` is the folder it goes into under its own name.
    pub(crate) to: At<String>,
}

/// Packages by name, and anything else in full.
pub(crate) type Tools = Vec<At<Shorthand<ToolTable>>>;

/// One thing in a toolchain, in full. Read as one table whose kind is the key of [`TOOL_KINDS`] that it has.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "tool")]
pub(crate) struct ToolTable {
    /// A package and all it depends on.
    pub(crate) package: Option<At<String>>,
    /// The source it comes from.
    pub(crate) source: Option<At<String>>,
    /// What a build of the stack made for the platform that builds, by the build's name. Builds see it at `/deps/tools/NAME`;
    /// `bin` in it, or its root where it has no `bin`, comes first on the search path, in the order of the list.
    pub(crate) build: Option<At<String>>,
    /// A pinned archive, by its name, seen and searched like a build's output.
    pub(crate) url: Option<At<String>>,
}

/// The kinds of tools, as those of contents.
pub(crate) const TOOL_KINDS: [(&str, &[&str], &[&str]); 3] =
    [("package", &[], &["source"]), ("build", &[], &[]), ("url", &[], &[])];

/// An archive or file on the network, by its SHA-256.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "url")]
pub(crate) struct UrlTable {
    /// Its address. Either this or `urls`.
    pub(crate) url: Option<At<String>>,
    /// Its address by platform, where it is another file on each.
    #[serde(default)]
    #[schemars(extend("examples" = [{ "linux/amd64": "https://example.com/tool-amd64.tar.gz" }]))]
    pub(crate) urls: BTreeMap<At<String>, At<String>>,
    /// Its SHA-256 in hex. Learnt by `longshore lock` when left out.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(crate) sha256: Option<At<String>>,
    /// The SHA-256 by platform, with `urls`.
    #[serde(default)]
    pub(crate) sha256s: BTreeMap<At<String>, At<String>>,
    /// How many leading folders of an archive's paths are dropped.
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub(crate) strip: Option<At<u32>>,
    /// Whether it is unpacked (tar, also with gzip, xz, zstd or bzip2, and zip) or taken as the file it is. Told by the ending of its
    /// name when left out.
    #[schemars(extend("enum" = ["archive", "file"]))]
    pub(crate) form: Option<At<String>>,
}
