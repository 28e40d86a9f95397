//! Where a signing key may be: behind an open file, in a program as the guide has it, in a PKCS #11 token. cosign verifies what each
//! of them signed.

use std::process::Command;

use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::sandbox::Answer;
use longshore_testkit::sigstore::cosign;
use longshore_testkit::{Sandbox, Tool};

use crate::common::{LONGSHORE, root};

/// An image in a registry, and nothing that has signed it.
struct Stage {
    registry: Registry,
    sandbox: Sandbox,
}

impl Stage {
    fn new() -> Self {
        Self { registry: Registry::start(Kind::Docker), sandbox: Sandbox::new(LONGSHORE) }
    }

    /// An image of its own for each name, so that no signature stands in for another.
    fn image(&self, name: &str) -> String {
        let of_all = self.registry.push_sample(&format!("org/{name}"));
        assert!(of_all.contains('@'), "{of_all}");
        of_all
    }

    /// That cosign and longshore take `image` for signed by this public key.
    fn is_signed(&self, image: &str, public: &str) {
        let file = self.sandbox.work().join(public);
        let tool = cosign(&self.sandbox.work().join("../home"));
        tool.args(["verify", "--insecure-ignore-tlog=true", "--key"]).arg(file).arg(image).run();
        self.sandbox.ok(&["verify", image, "--key", public]);
    }

    /// A pair of keys of openssl's: `NAME.pem`, `NAME.pub`.
    fn pair(&self, name: &str) {
        let work = self.sandbox.work();
        let key = work.join(format!("{name}.pem"));
        let openssl = || Tool::new("openssl");
        openssl()
            .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
            .arg(&key)
            .run();
        let public = openssl().args(["pkey", "-pubout", "-in"]).arg(&key).run();
        self.sandbox.write(&format!("{name}.pub"), public);
    }

    /// Runs the program below a shell that does `first` with `"$@"`, which is the program.
    fn in_shell(&self, first: &str, arguments: &[&str]) -> Answer {
        let like = self.sandbox.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", first, "sh", LONGSHORE]).args(arguments).current_dir(self.sandbox.work());
        shell.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Answer::of(&mut shell)
    }
}

#[test]
fn a_key_may_be_behind_an_open_file() {
    let stage = Stage::new();
    stage.pair("release");
    for (name, shell, key) in [
        ("third", "\"$@\" 3< release.pem", "fd://3"),
        ("high", "exec 9< release.pem; \"$@\"", "fd://9"),
        ("pipe", "cat release.pem | \"$@\"", "fd://0"),
    ] {
        let image = stage.image(name);
        let signed = stage.in_shell(shell, &["sign", &image, "--key", key]);
        assert_eq!(signed.code, 0, "{name}: {signed}");
        stage.is_signed(&image, "release.pub");
    }
    let image = stage.image("none");
    for (shell, key, code, said) in [
        ("\"$@\"", "fd://7", 1, "key behind open file 7: "),
        ("\"$@\" 3< release.pub", "fd://3", 1, "is not a private key"),
        ("head -c 100000 /dev/zero | \"$@\"", "fd://0", 1, "more than the 65536 bytes"),
        ("\"$@\"", "fd://three", 2, "is not the number of an open file"),
    ] {
        let refused = stage.in_shell(shell, &["sign", &image, "--key", key]);
        assert!(refused.code == code && refused.stderr.contains(said), "{shell} {key}: {refused}");
    }
}

/// What stands in the guide between ```` ```sh ```` and the end, where that is a program.
fn program_of_the_guide() -> String {
    let guide = fs_err::read_to_string(root().join("docs/guides/trust.md")).unwrap();
    let mut programs = guide.split("```sh\n").filter_map(|rest| rest.strip_prefix("#!/bin/sh\n"));
    let program = programs.next().unwrap().split("```").next().unwrap();
    assert!(programs.next().is_none(), "the guide has another program, which nothing runs");
    format!("#!/bin/sh\n{program}")
}

#[test]
fn the_guide_s_program_keeps_a_key() {
    let stage = Stage::new();
    stage.pair("release");
    stage.sandbox.write("signer", program_of_the_guide());
    let program = stage.sandbox.work().join("signer");
    Tool::new("chmod").arg("+x").arg(&program).run();
    let image = stage.image("app");
    stage.sandbox.ok(&["sign", &image, "--key", "program:./signer"]);
    stage.is_signed(&image, "release.pub");
    // Another key than it says.
    stage.pair("other");
    fs_err::rename(stage.sandbox.work().join("other.pub"), stage.sandbox.work().join("release.pub")).unwrap();
    let refused = stage.sandbox.run(&["sign", &image, "--key", "program:./signer"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("signed with another key than it says"),
        "{refused}"
    );
}

#[test]
fn a_token_keeps_a_key() {
    let Stage { registry, sandbox } = Stage::new();
    const PIN: &str = "471100";
    const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
    let work = sandbox.work();
    let tokens = work.join("tokens");
    fs_err::create_dir(&tokens).unwrap();
    sandbox.write(
        "softhsm2.conf",
        format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display()),
    );
    let config = work.join("softhsm2.conf").display().to_string();
    let softhsm = Tool::new("softhsm2-util").env("SOFTHSM2_CONF", &config);
    softhsm
        .args(["--init-token", "--free", "--label", "release", "--pin", PIN, "--so-pin", "12345678"])
        .run();
    let token = || {
        let tool = Tool::new("pkcs11-tool").env("SOFTHSM2_CONF", &config);
        tool.args(["--module", MODULE, "--token-label", "release"])
    };
    let make = ["--keypairgen", "--key-type", "EC:prime256v1", "--label", "signing", "--usage-sign"];
    token().args(["--login", "--pin", PIN]).args(make).run();
    let der = work.join("public.der");
    token()
        .args(["--read-object", "--type", "pubkey", "--label", "signing", "--output-file"])
        .arg(&der)
        .run();
    let public = Tool::new("openssl").args(["pkey", "-pubin", "-inform", "DER", "-in"]).arg(&der).run();
    sandbox.write("token.pub", public);
    let sandbox = sandbox
        .env("SOFTHSM2_CONF", &config)
        .env("PKCS11_MODULE", MODULE)
        .env("PKCS11_TOKEN", "release")
        .env("PKCS11_KEY", "signing")
        .env("PKCS11_PIN", PIN);
    let stage = Stage { registry, sandbox };
    let image = stage.image("app");
    let key = format!("program:{}", root().join("examples/signers/pkcs11").display());
    let signed = stage.sandbox.run(&["sign", &image, "--key", &key]);
    assert!(signed.code == 0 && !signed.to_string().contains(PIN), "{signed}");
    stage.is_signed(&image, "token.pub");
    // With another PIN the token signs nothing, and neither do we.
    let mut wrong = stage.sandbox.command(&["sign", &image, "--key", &key]);
    let wrong = Answer::of(wrong.env("PKCS11_PIN", "000000"));
    assert!(wrong.code == 1 && wrong.stderr.contains("that keeps the key"), "{wrong}");
}
