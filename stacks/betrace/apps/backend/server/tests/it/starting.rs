//! What the environment may say, and what the program says of it.

use std::os::unix::fs::PermissionsExt;

use crate::support::Setup;

#[test]
fn a_start_that_can_not_be_says_why() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let empty = file.path().display().to_string();
    for (settings, said) in [
        (vec![("BETRACE_SIGNATURE_KEY", "change-me")], "everybody knows"),
        (vec![("BETRACE_SIGNATURE_KEY", "too short")], "9 bytes"),
        (vec![("BETRACE_SIGNATURE_KEY_FILE", "/nowhere/key")], "/nowhere/key"),
        (vec![("BETRACE_SIGNATURE_KEY_FILE", empty.as_str())], "empty"),
        (vec![("BETRACE_API_KEY_FILE", empty.as_str())], "empty"),
        (vec![("BETRACE_API_KEY", "a"), ("BETRACE_API_KEY_FILE", empty.as_str())], "both set"),
        (vec![("BETRACE_PORT_BACKEND", "http")], "`BETRACE_PORT_BACKEND` can't be `http`"),
        (vec![("BETRACE_TRACE_SILENCE_MS", "0")], "milliseconds"),
        (vec![("BETRACE_DATA_DIR", "/proc/nowhere")], "/proc/nowhere"),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://tempo:4317")], "host:port"),
    ] {
        let mut setup = Setup::new();
        for (name, value) in &settings {
            setup = setup.set(name, value);
        }
        let (status, log) = setup.start_in_vain();
        assert_eq!(status.code(), Some(1), "{settings:?}: {log}");
        assert!(log.contains(said), "{settings:?}: {log}");
        assert!(!log.contains("panicked"), "{settings:?}: {log}");
    }
}

#[test]
fn a_key_that_everybody_knows_will_do_in_development() {
    let backend = Setup::new().set("BETRACE_SIGNATURE_KEY", "change-me").set("BETRACE_DEV", true).start();
    assert_eq!(backend.get("/v1/health").status, 200);
}

#[test]
fn a_key_of_its_own_is_made_once_and_nobody_else_reads_it() {
    let mut backend = Setup::new().start();
    let path = backend.data().join("signature.key");
    let key = std::fs::read_to_string(&path).unwrap();
    assert_eq!(key.len(), 64);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    backend.restart(&[]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), key);
    std::fs::write(&path, "half a k").unwrap();
    backend.kill9();
    let (status, log) = backend.restart_in_vain();
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("signature.key"), "{log}");
}

#[test]
fn one_folder_is_for_one_backend() {
    let backend = Setup::new().start();
    let second = Setup::new().set("BETRACE_DATA_DIR", backend.setting("BETRACE_DATA_DIR"));
    let (status, log) = second.start_in_vain();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("betrace.redb` is in use by another process"), "{log}");
    backend.rule("r", "when { a } always { b }");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let backend = Setup::new().start();
    for name in ["BETRACE_PORT_BACKEND", "BETRACE_PORT_GRPC"] {
        let port = backend.setting(name);
        let (status, log) = Setup::new().set(name, port).start_in_vain();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains(&format!("can't listen on 127.0.0.1:{port}")), "{log}");
    }
}

#[test]
fn variables_that_do_nothing_are_warned_about() {
    let backend = Setup::new().set("BETRACE_PORT", 8080).set("BETRACE_SILENCE", 1).set("PORT", 1).start();
    let log = backend.log();
    for name in ["BETRACE_PORT", "BETRACE_SILENCE"] {
        let warned =
            |line: &&str| line.contains("\"WARN\"") && line.contains(&format!("\"name\":\"{name}\""));
        assert_eq!(log.lines().filter(warned).count(), 1, "{name}: {log}");
    }
    assert_eq!(log.matches("\"WARN\"").count(), 2, "{log}");
}
