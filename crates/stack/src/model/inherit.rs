//! What images leave to their base to say, once it is known what that says.

use longshore_oci::{ImageConfig, TreePath};

use super::{Allow, Inherit, Stack, UserSpec};

/// A number that no user has: `(uid_t) -1` means nobody at all (chown(2)).
const LATER: u32 = u32::MAX;

/// A line of a base's `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
    /// Its home folder.
    pub home: String,
    /// Its shell.
    pub shell: String,
}

impl Account {
    /// The accounts of a `passwd` file (passwd(5)); lines that are none are passed over.
    pub fn all(passwd: &[u8]) -> Vec<Self> {
        let text = String::from_utf8_lossy(passwd);
        let account = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
            Some(Self {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                home: home.to_owned(),
                shell: shell.to_owned(),
            })
        };
        text.lines().filter_map(account).collect()
    }
}

/// Why an image can't take over what its base says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InheritError {
    /// The base's user is no number.
    #[error("image `{image}` has no user, and that of its base `{base}` is `{user}`, which is no number")]
    User {
        /// The image.
        image: String,
        /// Its base.
        base: String,
        /// What the base says.
        user: String,
        /// The numbers that the base's `/etc/passwd` has for that name.
        numbers: Option<(u32, u32)>,
    },
    /// The base's user is root.
    #[error("image `{image}` has no user, and that of its base `{base}` is root")]
    Root {
        /// The image.
        image: String,
        /// Its base.
        base: String,
    },
    /// The base's working directory is no path of an image.
    #[error("image `{image}` starts where its base `{base}` says, and `{workdir}` is no absolute path")]
    Workdir {
        /// The image.
        image: String,
        /// Its base.
        base: String,
        /// What the base says.
        workdir: String,
    },
}

impl InheritError {
    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            Self::User { image, user, numbers: Some((uid, gid)), .. } => {
                let name = user.split(':').next().unwrap_or_default();
                let gid = if gid == uid { String::new() } else { format!(", gid = {gid}") };
                format!(
                    "write `user = {{ name = \"{name}\", uid = {uid}{gid} }}` in [image.{image}]; then run `longshore check`"
                )
            }
            Self::User { image, .. } => format!(
                "write `user = {{ name = \"app\", uid = 65532 }}` in [image.{image}]; then run `longshore check`"
            ),
            Self::Root { image, .. } => format!(
                "write `user = {{ name = \"app\", uid = 65532 }}` in [image.{image}]; if it must be root, add \
                 `allow = [\"root-user\"]`; then run `longshore check`"
            ),
            Self::Workdir { image, .. } => {
                format!("write `workdir = \"/\"` in [image.{image}]; then run `longshore check`")
            }
        }
    }
}

/// Why an image can't be run as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// Its user is no number.
    #[error("its user is `{0}`, which is no number")]
    User(String),
    /// Its working directory is no path of an image.
    #[error("it starts in `{0}`, which is no absolute path")]
    Workdir(String),
}

impl UserSpec {
    /// The user of a base that is not known yet.
    pub(crate) fn later() -> Self {
        Self {
            name: String::new(),
            uid: LATER,
            gid: LATER,
            home: "/".to_owned(),
            shell: "/usr/sbin/nologin".to_owned(),
        }
    }

    /// Whether it is the user of a base that is not known yet.
    pub(crate) fn is_later(&self) -> bool {
        self.uid == LATER
    }
}

impl Stack {
    /// Fills in what `image` leaves to its base to say: that has `config`, and `accounts` in its `/etc/passwd`. Nothing happens
    /// to an image without a base, and nothing a second time.
    ///
    /// Variables and labels are joined, the image's own on top; `org.opencontainers.image.*` labels of the base speak of the
    /// base alone and stay out.
    ///
    /// # Errors
    /// When the base's word can't be taken over.
    pub fn inherit(
        &mut self,
        image: &str,
        config: &ImageConfig,
        accounts: &[Account],
    ) -> Result<(), InheritError> {
        let Some(spec) = self.images.get_mut(image) else { return Ok(()) };
        let Some(base) = &mut spec.base else { return Ok(()) };
        let name = base.reference.to_string();
        let Some(inherits) = base.inherits.take() else { return Ok(()) };
        let own = &config.config;
        if inherits.contains(&Inherit::Entrypoint) {
            spec.entrypoint = own.entrypoint.clone();
        }
        if inherits.contains(&Inherit::Command) {
            spec.command = own.cmd.clone();
        }
        for (key, value) in own.env.iter().filter_map(|variable| variable.split_once('=')) {
            spec.env.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        for (key, value) in &own.labels {
            if !key.starts_with("org.opencontainers.image.") {
                spec.labels.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        if spec.stop_signal.is_none() && !own.stop_signal.is_empty() {
            spec.stop_signal = Some(own.stop_signal.clone());
        }
        if spec.workdir.is_none() && !own.working_dir.is_empty() {
            let workdir = &own.working_dir;
            spec.workdir = Some(absolute(workdir).ok_or_else(|| InheritError::Workdir {
                image: image.to_owned(),
                base: name.clone(),
                workdir: workdir.clone(),
            })?);
        }
        if inherits.contains(&Inherit::User) {
            let user = user(&own.user, accounts).map_err(|numbers| InheritError::User {
                image: image.to_owned(),
                base: name.clone(),
                user: own.user.clone(),
                numbers,
            })?;
            let allowed = |allow: &Allow| allow.lint == "root-user";
            if user.uid == 0 && !spec.allow.iter().any(allowed) {
                return Err(InheritError::Root { image: image.to_owned(), base: name });
            }
            self.run_as(image, user);
        }
        Ok(())
    }

    /// Has `image` be run as it was published, whatever the stack file says of it now: that has `config`, and `accounts` in its
    /// `/etc/passwd`.
    ///
    /// # Errors
    /// When it can't be run as it says.
    pub fn adopt(
        &mut self,
        image: &str,
        config: &ImageConfig,
        accounts: &[Account],
    ) -> Result<(), AdoptError> {
        let Some(spec) = self.images.get_mut(image) else { return Ok(()) };
        let own = &config.config;
        let user = user(&own.user, accounts).map_err(|_| AdoptError::User(own.user.clone()))?;
        spec.workdir = match own.working_dir.as_str() {
            "" => None,
            text => Some(absolute(text).ok_or_else(|| AdoptError::Workdir(text.to_owned()))?),
        };
        spec.base = None;
        spec.entrypoint.clone_from(&own.entrypoint);
        spec.command.clone_from(&own.cmd);
        let variables = own.env.iter().filter_map(|variable| variable.split_once('='));
        spec.env = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.run_as(image, user);
        Ok(())
    }

    /// Puts `user` wherever the user of `image` stands for one that was not known.
    fn run_as(&mut self, image: &str, user: UserSpec) {
        let known = |owner: &mut (u32, u32)| {
            if owner.0 == LATER {
                *owner = (user.uid, user.gid);
            }
        };
        for service in self.services.values_mut().filter(|service| service.image == image) {
            service.volumes.values_mut().for_each(|volume| known(&mut volume.owner));
            service.scratch.iter_mut().for_each(|folder| known(&mut folder.owner));
            service.user = user.clone();
        }
        if let Some(spec) = self.images.get_mut(image) {
            spec.writable.iter_mut().for_each(|folder| known(&mut folder.owner));
            spec.user = user;
        }
    }
}

/// The path that `text` is, if it is an absolute one.
fn absolute(text: &str) -> Option<TreePath> {
    TreePath::new(text).ok().filter(|_| text.starts_with('/'))
}

/// The user that `text` names in an image whose accounts are `accounts`, if it is a number; else the numbers that it has
/// there.
fn user(text: &str, accounts: &[Account]) -> Result<UserSpec, Option<(u32, u32)>> {
    // Nothing said is root, for every engine.
    let text = if text.is_empty() { "0:0" } else { text };
    let (name, group) = text.split_once(':').map_or((text, None), |(name, group)| (name, Some(group)));
    let named = accounts.iter().find(|account| account.name == name).map(|found| (found.uid, found.gid));
    let Ok(uid) = name.parse::<u32>() else { return Err(named) };
    let account = accounts.iter().find(|account| account.uid == uid);
    let gid = match group {
        Some(group) => group.parse::<u32>().map_err(|_| account.map(|found| (found.uid, found.gid)))?,
        // As engines do: the group of its account, or else root's.
        None => account.map_or(0, |account| account.gid),
    };
    Ok(match account {
        Some(account) => UserSpec {
            name: account.name.clone(),
            uid,
            gid,
            home: if account.home.is_empty() { "/".to_owned() } else { account.home.clone() },
            shell: account.shell.clone(),
        },
        None => UserSpec { name: "app".to_owned(), uid, gid, ..UserSpec::later() },
    })
}
