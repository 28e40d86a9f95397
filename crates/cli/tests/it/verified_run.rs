//! What was published is run as it is, and only if the policy takes it.

use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::{Sandbox, Tool};

use crate::common::LONGSHORE;
use crate::run::{Stack, stack_in, write};

/// A service that says which version of its image it is.
const SERVICE: &str = "\n[service.box]\nimage = \"box\"\n";

/// A stack with two keys, `cosign` and `other`; its policy believes the first.
fn stack(images: &str) -> Stack {
    let stack = stack_in(Sandbox::new(LONGSHORE).env("COSIGN_PASSWORD", "x"), SERVICE);
    version(&stack, "1");
    stack.ok(&["keygen"]);
    stack.ok(&["keygen", "other"]);
    stack.write(
        "policy.toml",
        format!(
            "[signers.release]\nkey = \"cosign.pub\"\n[[rules]]\nimages = [\"{images}\"]\nsigned-by = [\"release\"]\n"
        ),
    );
    stack
}

/// Gives the image another version, which is in a variable and in a file.
fn version(stack: &Stack, number: &str) {
    write(stack, SERVICE);
    let text = stack.read("stack.toml").replace(
        "contents = [",
        &format!("env = {{ VERSION = \"{number}\" }}\ncontents = [{{ text = \"{number}\", to = \"/etc/version\" }}, "),
    );
    stack.write("stack.toml", text);
}

/// That bringing it up this way is refused for this reason, and leaves nothing behind.
#[track_caller]
fn refused(stack: &Stack, arguments: &[&str], reason: &str) {
    let up = stack.run(&[&["up", "--detach"], arguments].concat());
    assert!(up.code == 3 && up.stderr.contains(reason), "{up}");
    assert!(stack.run(&["ps"]).stderr.contains("the stack does not run"));
}

#[test]
fn what_was_pushed_runs_if_the_policy_takes_it() {
    let registry = Registry::start(Kind::Docker);
    let stack = stack(&format!("{}/org/*", registry.host()));
    let never = stack.run(&["up", "--published"]);
    assert!(never.code == 2 && never.stderr.contains("`stack.published` does not have it"), "{never}");
    stack.ok(&["push", "--to", &format!("{}/org", registry.host())]);
    refused(&stack, &["--published"], "box: not signed");
    stack.ok(&["sign", "box", "--key", "other.key"]);
    refused(&stack, &["--published"], "box: signed by someone else");
    stack.ok(&["sign", "box", "--key", "cosign.key"]);
    stack.ok(&["up", "--detach", "--published"]);
    let seen = ["exec", "box", "sh", "-c", "echo $VERSION; busybox cat /etc/version"];
    assert_eq!(stack.ok(&seen).trim(), "1\n1");
    stack.ok(&["down"]);

    // The stack file has moved on; what was pushed has not.
    version(&stack, "2");
    stack.ok(&["up", "--detach", "--published"]);
    assert_eq!(stack.ok(&seen).trim(), "1\n1");
    stack.ok(&["up", "--detach"]);
    assert_eq!(stack.ok(&seen).trim(), "2\n2");
    stack.ok(&["down"]);

    // Another image in the place of the signed one.
    let before = stack.read("stack.published");
    stack.ok(&["push", "--to", &format!("{}/org", registry.host())]);
    refused(&stack, &["--published"], "box: not signed");
    stack.write("stack.published", before);
    stack.ok(&["up", "--detach", "--published"]);
    assert_eq!(stack.ok(&seen).trim(), "1\n1");
}

#[test]
fn a_layout_runs_if_the_policy_takes_it() {
    let stack = stack("shop/*");
    stack.ok(&["build", "-o", "layout"]);
    refused(&stack, &["--from", "layout"], "box: not signed");
    stack.ok(&["sign", "oci:layout", "--key", "cosign.key"]);
    stack.ok(&["up", "--detach", "--from", "layout"]);
    assert_eq!(stack.ok(&["exec", "box", "busybox", "cat", "/etc/version"]).trim(), "1");
    stack.ok(&["down"]);

    // A layer that is not what its digest says, for somebody who has not seen it before.
    let blobs = stack.work().join("layout/blobs/sha256");
    let largest = Tool::new("ls").arg("-S").arg(&blobs).run().lines().next().unwrap().to_owned();
    let mut bytes = fs_err::read(blobs.join(&largest)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(blobs.join(&largest), bytes).unwrap();
    let store = stack.work().join("empty-store");
    let up = stack.command(&["up", "--detach", "--from", "layout"]).env("LONGSHORE_STORE", store).output();
    let said = String::from_utf8_lossy(&up.unwrap().stderr).into_owned();
    assert!(said.contains(&largest) && said.contains("error"), "{said}");
    assert!(stack.run(&["ps"]).stderr.contains("the stack does not run"));
}
