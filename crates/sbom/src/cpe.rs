//! Names in the Common Platform Enumeration (CPE 2.3, NIST IR 7695), for those who look vulnerabilities up in the NVD by them.
//!
//! A vendor and a product there follow from nothing; these are the ones that the NVD's dictionary has for what images are mostly
//! made of. Nothing else gets a name: one that is guessed finds what is not there, and not what is.

/// Source packages of Debian, and the vendor and product that the NVD has for them, sorted. `*` stands for a
/// number.
const SOURCES: [(&str, &str, &str); 50] = [
    ("apache2", "apache", "http_server"),
    ("bash", "gnu", "bash"),
    ("brotli", "google", "brotli"),
    ("busybox", "busybox", "busybox"),
    ("bzip2", "bzip", "bzip2"),
    ("caddy", "caddyserver", "caddy"),
    ("coreutils", "gnu", "coreutils"),
    ("curl", "haxx", "curl"),
    ("expat", "libexpat_project", "libexpat"),
    ("freetype", "freetype", "freetype"),
    ("glibc", "gnu", "glibc"),
    ("gmp", "gmplib", "gmp"),
    ("gnutls28", "gnu", "gnutls"),
    ("grafana", "grafana", "grafana"),
    ("gzip", "gnu", "gzip"),
    ("haproxy", "haproxy", "haproxy"),
    ("icu", "icu-project", "international_components_for_unicode"),
    ("krb5", "mit", "kerberos_5"),
    ("libgcrypt20", "gnupg", "libgcrypt"),
    ("libidn2", "gnu", "libidn2"),
    ("libjpeg-turbo", "libjpeg-turbo", "libjpeg-turbo"),
    ("libpng1.6", "libpng", "libpng"),
    ("libssh2", "libssh2", "libssh2"),
    ("libtasn1-6", "gnu", "libtasn1"),
    ("libxml2", "xmlsoft", "libxml2"),
    ("libxslt", "xmlsoft", "libxslt"),
    ("libzstd", "facebook", "zstandard"),
    ("lz4", "lz4_project", "lz4"),
    ("mariadb", "mariadb", "mariadb"),
    ("memcached", "memcached", "memcached"),
    ("ncurses", "gnu", "ncurses"),
    ("nghttp2", "nghttp2", "nghttp2"),
    ("nginx", "f5", "nginx"),
    ("nodejs", "nodejs", "node.js"),
    ("openldap", "openldap", "openldap"),
    ("openssh", "openbsd", "openssh"),
    ("openssl", "openssl", "openssl"),
    ("pcre2", "pcre", "pcre2"),
    ("perl", "perl", "perl"),
    ("postgresql-*", "postgresql", "postgresql"),
    ("prometheus", "prometheus", "prometheus"),
    ("python3.*", "python", "python"),
    ("redis", "redis", "redis"),
    ("rsync", "samba", "rsync"),
    ("sqlite3", "sqlite", "sqlite"),
    ("systemd", "systemd_project", "systemd"),
    ("tar", "gnu", "tar"),
    ("util-linux", "kernel", "util-linux"),
    ("xz-utils", "tukaani", "xz"),
    ("zlib", "zlib", "zlib"),
];

/// The name of what was built from Debian's `source` at `version`, if the NVD has one.
pub(crate) fn of_debian(source: &str, version: &str) -> Option<String> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => source
            .strip_prefix(start)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())),
        None => source == pattern,
    };
    let (_, vendor, product) = SOURCES.iter().find(|(pattern, ..)| fits(pattern))?;
    Some(name(vendor, product, upstream(version)))
}

/// The name of Go's standard library.
pub(crate) fn of_go(version: &str) -> String {
    name("golang", "go", version)
}

/// The version that upstream gave it: without Debian's epoch and revision (Debian policy 5.6.12), and without the mark of what was
/// taken out of its source.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let marks = ["+dfsg", "~dfsg", "+ds", "~ds", ".dfsg", "+really"];
    let end = marks.iter().filter_map(|mark| version.find(mark)).min();
    &version[..end.unwrap_or(version.len())]
}

/// As a formatted string: an application of any update, edition, language and the rest.
fn name(vendor: &str, product: &str, version: &str) -> String {
    let quoted: String = version
        .chars()
        .flat_map(|c| {
            let plain = c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            (!plain).then_some('\\').into_iter().chain([c])
        })
        .collect();
    format!("cpe:2.3:a:{vendor}:{product}:{quoted}:*:*:*:*:*:*:*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_nvd_at_upstream_s_version() {
        for (source, version, expected) in [
            ("nginx", "1.26.3-3+deb13u1", Some("cpe:2.3:a:f5:nginx:1.26.3:*:*:*:*:*:*:*")),
            ("zlib", "1:1.3.dfsg+really1.3.1-1+b1", Some("cpe:2.3:a:zlib:zlib:1.3:*:*:*:*:*:*:*")),
            ("python3.13", "3.13.5-2", Some("cpe:2.3:a:python:python:3.13.5:*:*:*:*:*:*:*")),
            ("ncurses", "6.5+20250216-2", Some(r"cpe:2.3:a:gnu:ncurses:6.5\+20250216:*:*:*:*:*:*:*")),
            ("postgresql-17", "17.6-0+deb13u1", Some("cpe:2.3:a:postgresql:postgresql:17.6:*:*:*:*:*:*:*")),
            ("postgresql-common", "278", None),
            ("nginx-mod", "1.0", None),
        ] {
            assert_eq!(of_debian(source, version).as_deref(), expected, "{source}");
        }
        assert!(SOURCES.is_sorted());
    }
}
