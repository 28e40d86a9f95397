//! The programs themselves: their files, and what they say of wrong arguments.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use longshore_probe::{Check, binary};
use longshore_testkit::{Tool, free_port};

use crate::common::{Said, probe, programs, unhealthy};

#[test]
fn files_are_what_the_crate_embeds_and_can_be_run() {
    for (platform, program) in [("linux/amd64", "amd64"), ("linux/arm64", "arm64")] {
        let path = format!("{}/bin/longshore-probe-linux-{program}", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o111, 0o111, "{path}");
        assert!(fs_err::read(&path).unwrap() == binary(&platform.parse().unwrap()).unwrap(), "{path}");
        // Neither an interpreter nor a library is asked for.
        let headers = Tool::new("readelf").args(["--wide", "--program-headers", &path]).run();
        assert!(
            headers.contains("LOAD") && !headers.contains("INTERP") && !headers.contains("DYNAMIC"),
            "{headers}"
        );
    }
}

#[test]
fn wrong_arguments_are_told_apart_from_sick_services() {
    let said =
        |line: &str| Said { code: 2, stdout: String::new(), stderr: format!("longshore-probe: {line}\n") };
    assert_eq!(probe(&[]), said("missing `COMMAND`; try --help"));
    assert_eq!(
        probe(&["tcp", "256.0.0.1:80"]),
        said("not an address: `256.0.0.1:80`; expected HOST:PORT, with IPv6 in brackets")
    );
    assert_eq!(
        probe(&["http", "https://localhost/"]),
        said("https:// can't be asked; expected http://, where the service listens without TLS")
    );
}

#[test]
fn help_is_no_error() {
    let help = probe(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.contains("longshore-probe grpc HOST:PORT [SERVICE]"), "{help:?}");
}

#[test]
fn nobody_has_to_listen_to_what_it_says() {
    for program in programs() {
        let script = format!("{} --help >&- 2>&-", program.join(" "));
        assert_eq!(Said::from(Tool::new("sh").args(["-c", &script]).output()).code, 0);
    }
}

#[test]
fn commands_of_the_crate_run() {
    let port = free_port();
    let check = Check::Grpc { host: "127.0.0.1".to_owned(), port, service: Some("a.B".to_owned()) };
    let argv = check.argv(Duration::from_millis(1_500));
    let arguments: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    unhealthy(&arguments, "connection refused");
}
