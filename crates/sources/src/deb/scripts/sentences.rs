//! What a command of a maintainer script means for an image.

use super::shell::Command;

/// What a command would have done.
pub(super) enum Meaning {
    /// Nothing that lasts, or nothing that an image has: tests, messages, services of a running system.
    Nothing,
    /// In words.
    Sentences(Vec<String>),
    /// It would have asked the question of that name.
    Question(String),
    /// It is not known here.
    Unknown,
}

/// `ldconfig`, as command and as trigger.
pub(super) const LDCONFIG: &str = "would refresh the shared library cache (ldconfig)";

/// Builtins, tests, filters and messages; and what acts on running services or on upgrades alone.
const HARMLESS: &[&str] = &[
    ".",
    ":",
    "[",
    "[[",
    "aa-enabled",
    "apparmor_parser",
    "awk",
    "basename",
    "break",
    "cat",
    "cd",
    "chroot",
    "cmp",
    "continue",
    "cut",
    "db_beginblock",
    "db_capb",
    "db_endblock",
    "db_fget",
    "db_fset",
    "db_get",
    "db_go",
    "db_info",
    "db_metaget",
    "db_purge",
    "db_register",
    "db_reset",
    "db_set",
    "db_settitle",
    "db_stop",
    "db_subst",
    "db_title",
    "db_unregister",
    "db_version",
    "deb-systemd-invoke",
    "diff",
    "dirname",
    "dpkg",
    "dpkg-maintscript-helper",
    "dpkg-query",
    "dpkg-trigger",
    "echo",
    "egrep",
    "eval",
    "exit",
    "export",
    "expr",
    "false",
    "fgrep",
    "find",
    "getent",
    "grep",
    "head",
    "id",
    "invoke-rc.d",
    "local",
    "log_action_begin_msg",
    "ls",
    "md5sum",
    "mktemp",
    "mountpoint",
    "printf",
    "pwd",
    "read",
    "readlink",
    "readonly",
    "realpath",
    "restorecon",
    "return",
    "rm",
    "rmdir",
    "sed",
    "service",
    "set",
    "sha256sum",
    "shift",
    "sleep",
    "sort",
    "ss",
    "stat",
    "sync",
    "tail",
    "test",
    "tr",
    "trap",
    "true",
    "type",
    "udevadm",
    "umask",
    "uname",
    "uniq",
    "unset",
    "update-rc.d",
    "wait",
    "wc",
    "which",
    "xargs",
];

/// Options of the user tools that take the next word as their value.
const USER_VALUES: &[&str] = &[
    "--home",
    "--shell",
    "--gecos",
    "--comment",
    "--uid",
    "--gid",
    "--ingroup",
    "--firstuid",
    "--lastuid",
    "--conf",
    "--home-dir",
    "--groups",
    "--password",
    "-d",
    "-s",
    "-c",
    "-u",
    "-g",
    "-G",
    "-p",
    "-b",
    "-k",
    "-K",
    "-e",
    "-f",
];

/// What `command` means.
pub(super) fn meaning(command: &Command) -> Meaning {
    let Some((name, words)) = command.words.split_first() else { return Meaning::Nothing };
    let name = name.rsplit('/').next().unwrap_or_default();
    // Files are put into place under a temporary name; what counts is the name they get.
    let words: Vec<&str> = words.iter().map(|word| word.strip_suffix(".dpkg-new").unwrap_or(word)).collect();
    if words.iter().any(|word| of_no_image(word)) {
        return Meaning::Nothing;
    }
    let found = match name {
        "adduser" | "useradd" | "addgroup" | "groupadd" | "usermod" => user(name, &words),
        "systemd-sysusers" => named(&words, "would add the users of", name),
        "systemd-tmpfiles" => named(&words, "would make the files and folders of", name),
        "update-alternatives" => alternatives(&words),
        "dpkg-divert" => divert(&words),
        "dpkg-statoverride" => statoverride(&words),
        "ldconfig" => one(LDCONFIG.to_owned()),
        "update-ca-certificates" => {
            one("would make the bundle /etc/ssl/certs/ca-certificates.crt (update-ca-certificates)"
                .to_owned())
        }
        "py3compile" | "pycompile" | "pypy3compile" => {
            one(format!("would compile Python modules to bytecode ({name})"))
        }
        "deb-systemd-helper" | "systemctl" => services(name, &words),
        "db_input" | "db_text" => {
            return words
                .get(1)
                .map_or(Meaning::Nothing, |question| Meaning::Question((*question).to_owned()));
        }
        "mkdir" => folders(name, &words, &["-m", "--mode"]),
        "install" if words.iter().any(|word| *word == "-d" || *word == "--directory") => {
            folders(name, &words, &["-m", "--mode", "-o", "--owner", "-g", "--group"])
        }
        "chown" | "chgrp" => changed(&words, |path, to| format!("would give {path} to `{to}` ({name})")),
        "chmod" => changed(&words, |path, to| format!("would set the mode of {path} to {to} (chmod)")),
        "setcap" => {
            pair(&words, |caps, path| format!("would give {path} the capabilities `{caps}` (setcap)"))
        }
        "ln" => pair(&words, |target, link| format!("would link {link} → {target} (ln)")),
        // Old versions of files are kept aside; in an empty root there are none.
        "mv" if command.words.iter().any(|word| word.contains(".dpkg-")) => Some(Vec::new()),
        "mv" => pair(&words, |from, to| format!("would move {from} to {to} (mv)")),
        "cp" | "install" | "ucf" => pair(&words, |from, to| format!("would copy {from} to {to} ({name})")),
        "touch" => each(&positional(&words, &[]), |path| format!("would make the file {path} (touch)")),
        "add-shell" => each(&words, |shell| format!("would add {shell} to /etc/shells (add-shell)")),
        _ => None,
    };
    match (found, &command.output) {
        (Some(sentences), _) if sentences.is_empty() => Meaning::Nothing,
        (Some(sentences), _) => Meaning::Sentences(sentences),
        (None, Some(file)) if file.starts_with("/etc/") && known(file) => Meaning::Sentences(vec![format!(
            "would write {}",
            file.strip_suffix(".dpkg-new").unwrap_or(file)
        )]),
        (None, _) if HARMLESS.contains(&name) || name.starts_with('-') => Meaning::Nothing,
        (None, _) => Meaning::Unknown,
    }
}

/// What only a system with an init, or one whose `/usr` is not merged yet, has use for.
fn of_no_image(word: &str) -> bool {
    word.starts_with("/etc/init.d/")
        || word.starts_with("/etc/apparmor.d/")
        || word.ends_with(".usr-is-merged")
        || ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libo32", "/libx32", "/usr/lib64"].contains(&word)
}

/// Sentences; none when the command is not understood.
type Found = Option<Vec<String>>;

fn one(sentence: String) -> Found {
    Some(vec![sentence])
}

fn known(word: &str) -> bool {
    !word.contains(['$', '`', '*']) && !word.is_empty()
}

/// Words that are neither options nor their values.
fn positional<'a>(words: &[&'a str], with_value: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if with_value.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            found.push(*word);
        }
    }
    found
}

fn value<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    words.iter().position(|word| *word == option).and_then(|at| words.get(at + 1)).copied()
}

fn each(words: &[&str], sentence: impl Fn(&str) -> String) -> Found {
    let sentences: Vec<String> = words.iter().filter(|word| known(word)).map(|word| sentence(word)).collect();
    (!sentences.is_empty()).then_some(sentences)
}

fn user(tool: &str, words: &[&str]) -> Found {
    // Unknown words are options kept in variables (`$quiet`).
    let names: Vec<&str> = positional(words, USER_VALUES).into_iter().filter(|word| known(word)).collect();
    let name = *names.first()?;
    let group = tool.starts_with("addg") || tool.starts_with("groupa");
    let system = words.contains(&"--system") || words.contains(&"-r");
    one(match (tool, names.get(1)) {
        ("usermod", _) => format!("would change user `{name}` (usermod)"),
        ("adduser", Some(group)) => format!("would add user `{name}` to group `{group}` (adduser)"),
        _ if group => format!("would add group `{name}` ({tool})"),
        ("adduser", _) if words.contains(&"--group") && !system => {
            format!("would add group `{name}` (adduser)")
        }
        _ => format!("would add user `{name}` ({tool})"),
    })
}

fn named(words: &[&str], what: &str, tool: &str) -> Found {
    each(&positional(words, &["--replace"]), |file| format!("{what} `{file}` ({tool})"))
}

fn alternatives(words: &[&str]) -> Found {
    let at = match words.iter().position(|word| *word == "--install") {
        Some(at) => at,
        None => return Some(Vec::new()),
    };
    let [link, name, path, priority] = words.get(at + 1..at + 5)? else { return None };
    if ![link, path].into_iter().all(|word| known(word)) {
        return None;
    }
    let priority = if known(priority) { format!(", priority {priority}") } else { String::new() };
    let mut found = vec![format!("would link {link} → {path} (update-alternatives{priority})")];
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "--slave" || **word == "--follower")
    {
        if let Some([link, _, path]) = words.get(at + 1..at + 4)
            && known(link)
            && known(path)
            && !link.starts_with("/usr/share/man/")
        {
            found.push(format!("would link {link} → {path} (update-alternatives, with `{name}`)"));
        }
    }
    Some(found)
}

fn divert(words: &[&str]) -> Found {
    if ["--remove", "--list", "--truename", "--listpackage"].iter().any(|verb| words.contains(verb)) {
        return Some(Vec::new());
    }
    let file = positional(words, &["--package", "--divert", "--admindir", "--root", "--instdir"]).pop()?;
    let to = value(words, "--divert").filter(|to| known(to));
    known(file).then(|| match to {
        Some(to) => vec![format!("would divert {file} to {to} (dpkg-divert)")],
        None => vec![format!("would divert {file} (dpkg-divert)")],
    })
}

fn statoverride(words: &[&str]) -> Found {
    let Some(at) = words.iter().position(|word| *word == "--add") else { return Some(Vec::new()) };
    let words = positional(&words[at + 1..], &[]);
    let [user, group, mode, path] = words[..] else { return None };
    known(path)
        .then(|| vec![format!("would give {path} to `{user}:{group}` with mode {mode} (dpkg-statoverride)")])
}

fn services(tool: &str, words: &[&str]) -> Found {
    let words = positional(words, &[]);
    match words.split_first() {
        Some((&"enable", units)) => {
            each(units, |unit| format!("would enable `{unit}` ({tool})")).or(Some(Vec::new()))
        }
        _ => Some(Vec::new()),
    }
}

fn folders(tool: &str, words: &[&str], with_value: &[&str]) -> Found {
    let mode = value(words, "-m").or_else(|| value(words, "--mode")).filter(|mode| known(mode));
    let mode = mode.map(|mode| format!(" with mode {mode}")).unwrap_or_default();
    let owner = match (value(words, "-o"), value(words, "-g")) {
        (Some(user), Some(group)) if known(user) && known(group) => format!(" for `{user}:{group}`"),
        (Some(user), None) if known(user) => format!(" for `{user}`"),
        _ => String::new(),
    };
    each(&positional(words, with_value), |path| format!("would make the folder {path}{mode}{owner} ({tool})"))
}

fn changed(words: &[&str], sentence: impl Fn(&str, &str) -> String) -> Found {
    // A mode like `-x` looks like an option; it takes rights away and is passed over.
    let words = positional(words, &[]);
    let (to, paths) = words.split_first()?;
    if !known(to) { None } else { each(paths, |path| sentence(path, to)) }
}

fn pair(words: &[&str], sentence: impl Fn(&str, &str) -> String) -> Found {
    let words = positional(words, &["-m", "--mode", "-o", "-g", "--owner", "--group"]);
    match words[..] {
        [from, to] if known(from) && known(to) => one(sentence(from, to)),
        _ => None,
    }
}
