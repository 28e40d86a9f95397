//! People who sign without a key: logins at an issuer of identities, in a browser and with a code, at a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use longshore_testkit::Sandbox;
use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::sandbox::Answer;
use longshore_testkit::sigstore::{Identity, Issuer, Log, Mischief, Sigstore};
use serde_json::json;

use crate::common::LONGSHORE;
use crate::registries::two;

const PERSON: &str = "dev@longshore.test";

/// A sandbox whose browser goes where it is sent, and a signing configuration with `issuer` and a log.
fn person(issuer: &Issuer, log: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE);
    browser(&sandbox);
    let service = |url: &str| json!({ "url": url, "majorApiVersion": 1, "validFor": { "start": "2020-01-01T00:00:00Z" }, "operator": "test" });
    let mut config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [service("http://127.0.0.1:1")],
        "oidcUrls": [service(&issuer.url())],
        "rekorTlogConfig": {}, "tsaConfig": {},
    });
    if let Some(log) = log {
        config["rekorTlogUrls"] = json!([service(log)]);
        config["rekorTlogConfig"] = json!({ "selector": "ANY" });
    }
    sandbox.write("config.json", config.to_string());
    let browser = sandbox.work().join("browser").display().to_string();
    sandbox.env("BROWSER", &browser).hide(issuer.url(), "[ISSUER]")
}

fn browser(sandbox: &Sandbox) {
    sandbox.write("browser", "#!/bin/sh\nexec curl -s -L -o page \"$1\"\n");
    let file = sandbox.work().join("browser");
    fs_err::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// Runs a command at a terminal on which somebody types `typed`. What it says comes in one piece.
fn at_terminal(sandbox: &Sandbox, arguments: &[&str], typed: &str) -> Answer {
    let mut script = Command::new("script");
    let command = format!("exec {LONGSHORE} {}", arguments.join(" "));
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(sandbox.work());
    script.env_clear().envs(sandbox.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Signs an image that is nowhere, which is found out after the login.
const SIGN: [&str; 4] = ["sign", "oci:nowhere", "--signing-config", "config.json"];

fn sign(sandbox: &Sandbox, more: &[&str], typed: &str) -> Answer {
    let answer = at_terminal(sandbox, &[&SIGN[..], more].concat(), typed);
    // Neither a token nor what an issuer says of one.
    for secret in ["eyJ", "planted"] {
        assert!(!answer.to_string().contains(secret), "{answer}");
    }
    answer
}

fn is_in(answer: &Answer) -> bool {
    answer.stdout.contains(&format!("You sign as {PERSON}, by http://127.0.0.1:"))
}

#[test]
fn a_browser_comes_back_with_who_somebody_is() {
    let issuer = Issuer::start();
    issuer.logs_in(PERSON, 0);
    let sandbox = person(&issuer, None).env("DISPLAY", ":9");
    let answer = sign(&sandbox, &[], "");
    assert!(is_in(&answer), "{answer}");
    assert!(
        answer.stdout.contains(&format!("{}/auth?response_type=code&client_id=sigstore", issuer.url())),
        "{answer}"
    );
    assert_eq!(issuer.requests(), ["GET /.well-known/openid-configuration", "GET /auth", "POST /token"]);
    assert_eq!(sandbox.read("page"), "You are logged in. You may close this page.");
    // Without a browser that can be started, whoever sits there opens the address.
    let sandbox = person(&issuer, None).env("BROWSER", "/nowhere/browser");
    let mut script = Command::new("script");
    let command = format!("exec {LONGSHORE} {} --login browser", SIGN.join(" "));
    script.args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"]);
    script.current_dir(sandbox.work()).env_clear();
    script.envs(sandbox.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("/auth?") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0, "it shows no address");
    }
    longshore_testkit::Tool::new("curl").args(["-s", "-L", line.trim()]).run();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
    assert!(rest.contains(&format!("You sign as {PERSON}")), "{rest}");
    child.wait().unwrap();
}

#[test]
fn a_code_that_is_entered_elsewhere_says_who_somebody_is() {
    let issuer = Issuer::start();
    issuer.logs_in(PERSON, 0);
    // Without a display there is no browser.
    let sandbox = person(&issuer, None);
    let answer = sign(&sandbox, &[], "");
    assert!(is_in(&answer), "{answer}");
    for shown in [format!("open {}/activate", issuer.url()), "the code   WDJB-MJHT".to_owned()] {
        assert!(answer.stdout.contains(&shown), "{shown}: {answer}");
    }
    assert_eq!(issuer.requests(), ["GET /.well-known/openid-configuration", "POST /device", "POST /token"]);
    let sandbox = sandbox.env("WAYLAND_DISPLAY", "wayland-1");
    assert!(is_in(&sign(&sandbox, &["--login", "device"], "")));
    assert_eq!(issuer.requests()[4], "POST /device");
}

#[test]
fn a_login_that_is_not_what_it_should_be_signs_nothing() {
    let cases = [
        ("browser", Mischief::NamesAnother, "says that it is `https://accounts.example.org`"),
        ("browser", Mischief::OtherState, "its `state` is another one"),
        ("browser", Mischief::OtherNonce, "its `nonce` is another one"),
        ("browser", Mischief::OtherClient, "its `aud` is another one"),
        ("browser", Mischief::Denied, "the login was refused"),
        ("browser", Mischief::Endless, "larger than the 262144 bytes allowed here"),
        ("device", Mischief::NamesAnother, "says that it is `https://accounts.example.org`"),
        ("device", Mischief::OtherClient, "its `aud` is another one"),
        ("device", Mischief::Denied, "the login was refused"),
        ("device", Mischief::Expired, "the code has expired"),
        ("device", Mischief::Endless, "larger than the 262144 bytes allowed here"),
        ("device", Mischief::NoDevices, "has no login on another device"),
    ];
    for (way, mischief, said) in cases {
        let issuer = Issuer::start();
        issuer.logs_in(PERSON, 0);
        issuer.mischief(mischief);
        let answer = sign(&person(&issuer, None), &["--login", way], "");
        assert!(answer.code == 1 && answer.stdout.contains(said), "{way} {mischief:?}: {answer}");
        assert!(!is_in(&answer), "{way} {mischief:?}: {answer}");
    }
    let answer = sign(&person(&Issuer::start(), None), &["--oidc-issuer", "http://127.0.0.1:1"], "");
    assert!(
        answer.code == 1 && answer.stdout.contains("the issuer of identities at http://127.0.0.1:1/"),
        "{answer}"
    );
    // As another client, the issuer has nothing for it.
    let answer = sign(&person(&Issuer::start(), None), &["--oidc-client-id", "another"], "");
    assert!(answer.code == 1 && answer.stdout.contains("gives no token: invalid_request"), "{answer}");
}

#[test]
fn nobody_is_asked_where_nobody_is_and_an_address_becomes_public_only_when_it_may() {
    let issuer = Issuer::start();
    issuer.logs_in(PERSON, 0);
    let sandbox = person(&issuer, Some("https://Rekor.sigstore.dev:443"));
    for more in [&[][..], &["--login", "browser"], &["--login", "device"]] {
        let answer = sandbox.run(&[&SIGN[..], more].concat());
        assert!(answer.code == 2 && answer.stderr.contains("nothing says who you are"), "{answer}");
    }
    for typed in ["n\n", "\n"] {
        let answer = sign(&sandbox, &[], typed);
        assert!(answer.code == 2 && answer.stdout.contains("nobody can take it out again"), "{answer}");
        assert!(answer.stdout.contains("nothing was signed"), "{answer}");
    }
    assert_eq!(issuer.requests(), Vec::<String>::new());
    let answer = sign(&sandbox, &[], "y\n");
    assert!(is_in(&answer), "{answer}");
    // A log of one's own is named, and nothing is asked.
    let answer = sign(&person(&issuer, Some("https://rekor.example.org")), &[], "");
    assert!(
        is_in(&answer) && answer.stdout.contains("into the log at https://rekor.example.org"),
        "{answer}"
    );
    let answer = sign(&sandbox, &["--offline"], "y\n");
    assert!(answer.code == 2 && answer.stdout.contains("nobody can log in without network"), "{answer}");
}

#[test]
fn circleci_says_who_its_jobs_are() {
    let issuer = Issuer::start();
    let sandbox = person(&issuer, None).env("CIRCLECI", "true");
    let token = issuer.token(Identity::Email(PERSON));
    sandbox.write("circleci", format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > asked\necho {token}\n"));
    let file = sandbox.work().join("circleci");
    fs_err::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", sandbox.work().display(), std::env::var("PATH").unwrap());
    let sandbox = sandbox.env("PATH", &path);
    let answer = sandbox.run(&SIGN);
    assert!(answer.code == 1 && !answer.stderr.contains("nothing says who you are"), "{answer}");
    let asked = sandbox.read("asked");
    assert_eq!(
        asked.lines().collect::<Vec<_>>(),
        ["run", "oidc", "get", "--root-issuer", "--claims", r#"{"aud":"sigstore"}"#]
    );
    sandbox.write("circleci", "#!/bin/sh\necho 'no context' >&2\nexit 1\n");
    let answer = sandbox.run(&SIGN);
    assert!(answer.code == 2 && answer.stderr.contains("`circleci` gives no token: no context"), "{answer}");
    let given = sandbox.env("SIGSTORE_ID_TOKEN", &token).run(&SIGN);
    assert!(!given.stderr.contains("circleci"), "{given}");
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn people_sign_as_themselves_in_both_ways() {
    let sigstore = Sigstore::start();
    sigstore.logs_in(PERSON);
    let registry = Registry::start(Kind::Docker);
    let (_repository, sandbox) = two();
    browser(&sandbox);
    let sandbox = sandbox.env("BROWSER", "./browser");
    let to = format!("{}/org", registry.host());
    sandbox.ok(&["push", "--to", &to]);
    let config = sigstore.signing_config(Log::Rekor2).display().to_string();
    let root = sigstore.trusted_root().display().to_string();
    let issuer = sigstore.issuer();
    for (image, way) in [("web", "browser"), ("api", "device")] {
        let verify = ["verify", image, "--identity", PERSON, "--issuer", &issuer, "--trusted-root", &root];
        assert_eq!(sandbox.run(&verify).code, 3);
        let answer = at_terminal(&sandbox, &["sign", image, "--login", way, "--signing-config", &config], "");
        assert!(answer.code == 0 && is_in(&answer), "{way}: {answer}");
        sandbox.ok(&verify);
    }
}
