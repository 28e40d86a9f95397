//! From a library's name to its package's: Debian policy, section 8.1, and the few that are called otherwise.

/// Names that the package of `library` may have, likeliest first.
pub(super) fn packages(library: &[u8]) -> Vec<String> {
    let name = String::from_utf8_lossy(library);
    let (stem, version) = name.split_once(".so.").unwrap_or((name.strip_suffix(".so").unwrap_or(&name), ""));
    if GLIBC.contains(&stem)
        || stem.starts_with("ld-linux")
        || stem.starts_with("ld64")
        || &*name == "ld.so.1"
    {
        return vec!["libc6".to_owned()];
    }
    let stem = OTHER_NAMES.iter().find(|(is, _)| *is == stem).map_or(stem, |(_, called)| called);
    let stem = stem.to_lowercase().replace('_', "-");
    let version = version.to_lowercase();
    // `libpcre2-8.so.0` is in `libpcre2-8-0`.
    let dash = if stem.ends_with(|c: char| c.is_ascii_digit()) && !version.is_empty() { "-" } else { "" };
    let base = format!("{stem}{dash}{version}");
    // `t64`: the transition to a 64-bit `time_t`; `v5`: to GCC 5's C++ ABI.
    let mut names: Vec<_> = ["", "t64", "v5"].iter().map(|suffix| format!("{base}{suffix}")).collect();
    if dash.is_empty() && !version.is_empty() {
        // `libgcc_s.so.1` is in `libgcc-s1`, `libffi.so.8` in `libffi8`, and some keep the dash regardless.
        names.push(format!("{stem}-{version}"));
    }
    if stem == "zlib" {
        names.insert(0, "zlib1g".to_owned());
    }
    names
}

/// Libraries of glibc, which is one package.
const GLIBC: &[&str] = &[
    "libBrokenLocale",
    "libanl",
    "libc",
    "libc_malloc_debug",
    "libdl",
    "libm",
    "libmvec",
    "libnsl",
    "libnss_compat",
    "libnss_dns",
    "libnss_files",
    "libnss_hesiod",
    "libpthread",
    "libresolv",
    "librt",
    "libthread_db",
    "libutil",
];

/// Libraries that are packaged under another's name.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("libcrypto", "libssl"),
    ("libformw", "libncursesw"),
    ("libicudata", "libicu"),
    ("libicui18n", "libicu"),
    ("libicuio", "libicu"),
    ("libicuuc", "libicu"),
    ("libmenuw", "libncursesw"),
    ("libpanelw", "libncursesw"),
    ("libz", "zlib"),
    ("liblber", "libldap"),
];

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn names_follow_debian_policy() {
        for (library, package) in [
            ("libc.so.6", "libc6"),
            ("ld-linux-x86-64.so.2", "libc6"),
            ("libssl.so.3", "libssl3t64"),
            ("libcrypto.so.3", "libssl3t64"),
            ("libgcc_s.so.1", "libgcc-s1"),
            ("libstdc++.so.6", "libstdc++6"),
            ("libpcre2-8.so.0", "libpcre2-8-0"),
            ("libbz2.so.1.0", "libbz2-1.0"),
            ("libgssapi_krb5.so.2", "libgssapi-krb5-2"),
            ("libsqlite3.so.0", "libsqlite3-0"),
            ("libreadline.so.8", "libreadline8t64"),
            ("libicuuc.so.76", "libicu76"),
            ("libz.so.1", "zlib1g"),
        ] {
            assert!(
                packages(library.as_bytes()).iter().any(|name| name == package),
                "{library}: {:?}",
                packages(library.as_bytes())
            );
        }
    }
}
