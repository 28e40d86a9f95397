//! The command line: one definition for parsing, help, completions, man pages and the reference.

mod cache;
mod compression;
mod generate;
mod inputs;
mod layers;
mod registry;
mod run;
mod sbom;
mod trust;

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use longshore_oci::Platform;
use longshore_vendor::Place;

pub use cache::{Age, Cache, CacheCommand, ExportStore, Gc, ImportStore, Size, VerifyStore};
pub use compression::Compression;
pub use generate::{Generate, ImagesBy, KubeForm, Target};
pub use inputs::Inputs;
pub use layers::{Lock, Plan};
pub use registry::{Copy, Login, Logout, Prune, Pull, Push, Serve};
pub use run::{Down, Exec, Export, Logs, Restart, Secrets, SecretsCommand, Supervise, Up};
pub use sbom::Sbom;
pub use trust::{
    Attest, Author, Keygen, Log, LoginWay, Sign, TrustedRoot, TrustedRootCommand, UpdateRoot, Verify,
};

/// From one stack file to reproducible container images.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, max_term_width = 100, disable_help_subcommand = true, after_long_help = AFTERWARD.as_str())]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What the environment may say; none of it reaches an image.
pub const ENVIRONMENT: [(&str, &str); 21] = [
    (
        "LONGSHORE_STORE",
        "The content store, shared by all stacks [default: $XDG_CACHE_HOME/longshore or ~/.cache/longshore]",
    ),
    (
        "LONGSHORE_STORE_LIMIT",
        "How large it may grow, `20GB`: a command that leaves it larger removes what was used longest ago [default: no limit]",
    ),
    (
        "XDG_STATE_HOME",
        "The state of stacks that run is in `longshore/stacks` there: data, logs, generated secrets; beside it, which trusted root \
         was chosen [default: ~/.local/state]",
    ),
    ("LONGSHORE_PROFILE", "The profile of the stack, where `--profile` does not say it"),
    (
        "LONGSHORE_MIRROR_<NAME>",
        "Mirrors in order, separated by spaces, for the source of that name or for Debian's archives DEBIAN and \
         DEBIAN_SECURITY; before those of the machine's apt settings",
    ),
    ("http_proxy, https_proxy, all_proxy, no_proxy", "Proxies, as everywhere"),
    ("SSL_CERT_FILE", "Certificate authorities in PEM form that are trusted besides the system's"),
    (
        "LONGSHORE_NIX",
        "The `nix` command that says what `{ nix = … }` is, or `none` to do without [default: the one in PATH]",
    ),
    (
        "LONGSHORE_NIX_CACHES",
        "Binary caches that are asked besides those of the stack file, separated by spaces; the keys that are trusted are the \
         stack's",
    ),
    (
        "LONGSHORE_NIX_GRAPH",
        "A file that says it instead, inside of a Nix build: store paths by platform and installable, and all they refer to",
    ),
    (
        "REGISTRY_AUTH_FILE",
        "Who you are at registries [default: containers/auth.json in $XDG_RUNTIME_DIR or ~/.config, then config.json in \
         $DOCKER_CONFIG or ~/.docker]",
    ),
    (
        "CONTAINERS_REGISTRIES_CONF",
        "Mirrors of registries and what is special about them [default: ~/.config/containers/registries.conf, \
         /etc/containers/registries.conf]",
    ),
    (
        "LONGSHORE_PLAIN_HTTP",
        "Registries that speak plain HTTP, separated by spaces; those on loopback need no mention",
    ),
    (
        "LONGSHORE_CACHE_KEY",
        "The private key, a PEM file, that signs what builds made when it goes into the cache of the stack (`--write-cache`)",
    ),
    (
        "LONGSHORE_TUF_MIRROR",
        "Where the trusted root of a Sigstore is kept up to date, a TUF repository [default: what `longshore trusted-root update \
         --mirror` chose, or else that of the public Sigstore]",
    ),
    (
        "LONGSHORE_TUF_ROOT",
        "The `root.json` that its metadata are checked by [default: that of the public Sigstore]",
    ),
    ("COSIGN_PASSWORD", "The password of the key that signs"),
    (
        "SIGSTORE_ID_TOKEN",
        "A token that says who you are, to sign without a key; GitHub Actions, Buildkite and CircleCI need none",
    ),
    ("BROWSER", "The browser to log in with, to sign without a key [default: xdg-open]"),
    ("DOCKER_HOST, CONTAINER_HOST …", "Where engines are: their own clients read these"),
    ("NO_COLOR", "No colours"),
];

/// What exit codes say.
pub const EXIT_CODES: [(u8, &str); 5] = [
    (0, "Done"),
    (1, "Failed"),
    (2, "The command line, the stack file or the lock is wrong"),
    (3, "Refused: `--locked`, `--hermetic`, a policy"),
    (130, "Interrupted"),
];

/// What stands below the help.
static AFTERWARD: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::from("Environment:\n");
    for (name, meaning) in ENVIRONMENT {
        text += &format!("  {name}\n      {meaning}\n");
    }
    text += "\nExit codes:\n";
    for (code, meaning) in EXIT_CODES {
        text += &format!("  {code:>3}  {meaning}\n");
    }
    text
});

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work in this folder: the one that holds `stack.toml`
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Use this profile of the stack [default: its `default-profile`]
    #[arg(long, global = true, value_name = "NAME", env = "LONGSHORE_PROFILE", hide_env = true)]
    pub profile: Option<String>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: notes, choices, what was left out
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print results and errors as JSON on standard output, and progress as JSON events on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Use what the store holds; never the network
    #[arg(long, global = true)]
    pub offline: bool,
    /// Use what `longshore vendor` brought together, and never the network; `--vendored=PLACE` says where [default: stack.vendor beside the stack file]
    #[arg(long, global = true, value_name = "PLACE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub vendored: Option<Inputs>,
    /// Fail (exit 3) if the lock is missing or would have to change
    #[arg(long, global = true)]
    pub locked: bool,
    /// Keep the folder of a build that fails
    #[arg(long, global = true)]
    pub keep_failed: bool,
    /// Give the cache of the stack file, `[cache]`, what it lacks
    #[arg(long, global = true)]
    pub write_cache: bool,
    /// Refuse builds that use the machine's own toolchain (exit 3)
    #[arg(long, global = true)]
    pub hermetic: bool,
    /// How many things to do at once [default: the number of processors]
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
}

impl Global {
    /// The profile that was chosen; an empty name, as of a variable that is set to nothing, chooses none.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref().filter(|name| !name.is_empty())
    }
}

/// The commands, in the order people meet them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first stack file
    Init(Init),
    /// Check the stack file with all its profiles, and that the locks still fit it
    Check,
    /// Pin every input in `stack.lock`, keeping what is pinned already
    Lock(Lock),
    /// Move pins to what the archives offer now
    Update(Update),
    /// Build images
    Build(Build),
    /// Run builds again under other conditions, and compare every byte
    Rebuild(Rebuild),
    /// Open the environment of a build
    Shell(Shell),
    /// Build images and load them into a container engine
    Load(Load),
    /// Build images and write them to archive files
    Save(Save),
    /// Build images and push them to their registry, all or none
    Push(Push),
    /// Fetch pushed images into an OCI image layout
    Pull(Pull),
    /// Copy an image between registries, layouts, archives and engines, with what refers to it
    Copy(Copy),
    /// Offer the images of the stack as a registry on this machine, only to be read
    Serve(Serve),
    /// Remove from registries what the stack file does not keep
    Prune(Prune),
    /// Log in to a registry
    Login(Login),
    /// Forget the login of a registry
    Logout(Logout),
    /// Make a pair of keys to sign with
    Keygen(Keygen),
    /// Sign images, wherever they are
    Sign(Sign),
    /// Sign a document about images: provenance, a bill of materials, anything
    Attest(Attest),
    /// Say whether those signed and attested images who must have
    Verify(Verify),
    /// Look after the certificate authorities, logs and timestamp authorities that are believed
    TrustedRoot(TrustedRoot),
    /// Write the services of the stack as files for Compose, Kubernetes or podman, or its policy as those of others
    Generate(Generate),
    /// Build what is needed and run the stack on this machine
    Up(Up),
    /// Show how the services are
    Ps,
    /// Show what services wrote
    Logs(Logs),
    /// Run a program beside a service, in its container
    Exec(Exec),
    /// Stop services and start them anew
    Restart(Restart),
    /// Show what services use
    Stats,
    /// Stop the stack
    Down(Down),
    /// Show the stack's secrets and where they come from, never their values
    Secrets(Secrets),
    /// Copy every locked input into a folder or a registry of your own
    Vendor(Vendor),
    /// Show what is in images and where it comes from
    Show(Show),
    /// Say which input put a path or a package into an image
    Why(Why),
    /// Print how images are cut into layers
    Plan(Plan),
    /// Say what images are made of, as SPDX or CycloneDX
    Sbom(Sbom),
    /// Look after the content store of this machine: its size, its age, its health
    Cache(Cache),
    /// Print the JSON Schema of the stack file
    Schema,
    /// Print completions for a shell
    Completions(Completions),
    /// Write the manual pages
    Man(Man),
    /// Print a page of the reference as Markdown
    #[command(hide = true)]
    Reference(Reference),
    /// Keep the services of a plan running: what `up` starts
    #[command(hide = true)]
    Supervise(Supervise),
    /// Run the commands of a derivation: the builder of the flake's library
    #[command(hide = true)]
    NixBuilder,
}

/// Which images, on which platforms.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// Images of the stack [default: all]
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Only this platform; may be given again [default: all of the stack's]
    #[arg(short, long = "platform", value_name = "OS/ARCH")]
    pub platforms: Vec<Platform>,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The stack's name [default: the folder's, or the environment's]
    pub name: Option<String>,
    /// Take the Flox environment in this folder, beside the stack file to be: what it installs, its services and variables
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    pub from_flox: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Update {
    /// Packages to move, also pinned archives and images of others by name, and what is taken of Nix as the stack file names it [default: all]
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Rebuild {
    /// Builds of the stack [default: all]
    #[arg(value_name = "BUILD")]
    pub builds: Vec<String>,
    /// All builds of the stack, as when none is named
    #[arg(long, conflicts_with = "builds")]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Shell {
    /// The build
    #[arg(value_name = "BUILD")]
    pub build: String,
    /// What is run there
    #[arg(last = true, value_name = "COMMAND", default_value = "/bin/sh")]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub selection: Selection,
    /// Write an OCI image layout to this folder
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// How layers of the layout are compressed
    #[arg(long, value_enum, default_value_t = Compression::Default)]
    pub compression: Compression,
    /// Tag of the images in the layout
    #[arg(long, default_value = "latest")]
    pub tag: String,
    /// Say why this build of the stack would run again, and build nothing
    #[arg(long, value_name = "BUILD", conflicts_with_all = ["images", "output"])]
    pub explain: Option<String>,
}

#[derive(Debug, Args)]
pub struct Load {
    /// Images of the stack [default: all]
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// The engine [default: docker where its command is found, else podman]
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    /// Tag of the loaded images
    #[arg(long, default_value = "latest")]
    pub tag: String,
}

/// Container engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Docker,
    Podman,
    /// By `ctr`, where Kubernetes looks
    Containerd,
    /// By `k3s ctr`
    K3s,
}

impl From<Engine> for longshore_publish::copy::Engine {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Docker => Self::Docker,
            Engine::Podman => Self::Podman,
            Engine::Containerd => Self::Containerd,
            Engine::K3s => Self::K3s,
        }
    }
}

#[derive(Debug, Args)]
pub struct Save {
    #[command(flatten)]
    pub selection: Selection,
    /// The archive to write; into a folder, or a name that ends with a slash, go an archive of each image and `index.json`, which says
    /// what they hold
    #[arg(short, long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub output: PathBuf,
    /// The archive's form
    #[arg(long, value_enum, default_value_t = Format::Oci)]
    pub format: Format,
    /// Tag of the saved images
    #[arg(long, default_value = "latest")]
    pub tag: String,
    /// Also under the tag of its content, by which generated files name an image that was loaded
    #[arg(long)]
    pub by_content: bool,
}

/// Forms of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// OCI image layout that Docker's loader reads too: every engine takes it
    Oci,
    /// What `docker save` wrote before it knew OCI; layers are not compressed
    Docker,
}

#[derive(Debug, Args)]
pub struct Vendor {
    /// Where to: a folder, or oci://REGISTRY/REPOSITORY[:TAG] [default: stack.vendor beside the stack file]
    #[arg(long, value_name = "PLACE")]
    pub to: Option<Place>,
    /// The inputs of every profile of the stack
    #[arg(long, conflicts_with = "profile")]
    pub all_profiles: bool,
    /// Copy nothing; fail if what is there lacks an input or is damaged
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    pub selection: Selection,
    /// List every path with its owner, mode and origin
    #[arg(long, conflicts_with = "scripts")]
    pub files: bool,
    /// Say what packages' maintainer scripts would have done; they never run
    #[arg(long)]
    pub scripts: bool,
}

#[derive(Debug, Args)]
pub struct Why {
    /// The image
    pub image: String,
    /// An absolute path in it, or the name of a package
    #[arg(value_name = "PATH|PACKAGE")]
    pub subject: String,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Reference {
    /// The page
    #[arg(value_enum)]
    pub page: Page,
}

/// Pages of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Page {
    Commands,
    StackFile,
    Lints,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Where to write them; without it, `longshore.1` goes to standard output
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}
