//! A real API server takes the objects: it checks what schemas can't say, and what a restricted namespace lets in.

use longshore_deploy::kube::{Form, namespace};
use longshore_testkit::kube::ApiServer;
use serde_json::{Value, json};

use crate::shop::{self, NAMESPACE};

/// Objects and the pods that would be made of them.
#[test]
#[ignore = "needs an API server, which ./x setup --long builds"]
fn a_server_takes_every_object() {
    let server = ApiServer::start();
    let groups = ["reports"];
    let one = shop::on_disk(&shop::files(Form::File, &groups));
    let each = shop::on_disk(&shop::files(Form::Folder, &groups));
    let count = shop::objects(&shop::stack(), &groups).len();

    // The namespace first: what is in it is only looked at where it is.
    apply(&server, &[], &each.path().join("00-namespace.yaml"));
    assert_eq!(apply(&server, &["--dry-run=server"], each.path()).len(), count);
    assert_eq!(apply(&server, &[], &one.path().join("kube.yaml")).len(), count);
    for object in shop::objects(&shop::stack(), &groups) {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        kept(&object, &server.get(&[kind, name, "-n", NAMESPACE]), name);
    }

    let pods = pods(&server, NAMESPACE);
    assert_eq!(pods.len(), 6);
    for pod in &pods {
        assert_eq!(create(&server, pod), Ok(()), "{pod:#}");
    }
    refusals(&server, &pods[0]);
}

#[test]
#[ignore = "needs an API server, which ./x setup --long builds"]
fn a_server_takes_the_shipped_stack() {
    let server = ApiServer::start();
    for stack in shop::shipped() {
        let each = shop::on_disk(&shop::rendered(&stack, Form::Folder, &[]).unwrap().files);
        apply(&server, &[], &each.path().join("00-namespace.yaml"));
        apply(&server, &[], each.path());
        let pods = pods(&server, &namespace(&stack));
        assert!(pods.len() > 5, "{}", pods.len());
        for pod in pods {
            assert_eq!(create(&server, &pod), Ok(()), "{pod:#}");
        }
    }
}

/// The judge sees what is wrong: each of these is the first pod with one thing changed.
fn refusals(server: &ApiServer, pod: &Value) {
    let wrong = |pointer: &str, value: Value| {
        let mut pod = pod.clone();
        *pod.pointer_mut(pointer).unwrap() = value;
        create(server, &pod).unwrap_err()
    };
    let restricted = "violates PodSecurity \"restricted:latest\"";
    for (pointer, value, expected) in [
        ("/spec/securityContext/runAsNonRoot", json!(false), restricted),
        ("/spec/securityContext/seccompProfile", json!({ "type": "Unconfined" }), restricted),
        ("/spec/containers/0/securityContext/capabilities", json!({ "add": ["SYS_ADMIN"] }), restricted),
        ("/spec/initContainers/0/securityContext", json!({}), restricted),
        ("/spec/containers/0/ports/0/containerPort", json!(70000), "must be between 1 and 65535"),
        ("/spec/containers/0/name", json!("a_b"), "a lowercase RFC 1123 label"),
        (
            "/spec/containers/0",
            json!({ "name": "a", "imagee": "b" }),
            "unknown field \"spec.containers[0].imagee\"",
        ),
    ] {
        let said = wrong(pointer, value);
        assert!(said.contains(expected), "{pointer}: {said}");
    }
}

/// Whether a server has all of what it was given: it drops what it knows and has switched off without a word.
fn kept(given: &Value, there: &Value, place: &str) {
    match (given, there) {
        (Value::Object(given), Value::Object(there)) => {
            for (key, value) in given {
                let place = format!("{place}.{key}");
                kept(value, there.get(key).unwrap_or_else(|| panic!("{place} was dropped")), &place);
            }
        }
        (Value::Array(given), Value::Array(there)) => {
            assert_eq!(given.len(), there.len(), "{place}");
            given.iter().zip(there).for_each(|(given, there)| kept(given, there, place));
        }
        _ => assert_eq!(given, there, "{place}"),
    }
}

/// Applies a file or folder without a word of warning, and gives the objects' names.
fn apply(server: &ApiServer, how: &[&str], path: &std::path::Path) -> Vec<String> {
    let apply =
        server.kubectl().args(["apply", "--server-side", "--validate=strict", "-o", "name"]).args(how);
    let output = apply.arg("-f").arg(path).output();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{error}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Tries to make one object, which is an error with a warning as well.
fn create(server: &ApiServer, object: &Value) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), object.to_string()).unwrap();
    let create = server.kubectl().args(["create", "--dry-run=server", "--validate=strict", "-f"]);
    let output = create.arg(file.path()).output();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && error.is_empty() { Ok(()) } else { Err(error) }
}

/// What controllers would make of the templates that the server has.
fn pods(server: &ApiServer, namespace: &str) -> Vec<Value> {
    let all = server.get(&["deployments,statefulsets,jobs", "-n", namespace]);
    let pods = all["items"].as_array().unwrap().iter().map(|workload| {
        let mut pod = workload["spec"]["template"].clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = workload["metadata"]["name"].clone();
        pod["metadata"]["namespace"] = json!(namespace);
        let claims = workload["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
        for claim in claims {
            let name = &claim["metadata"]["name"];
            let volume = json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
            pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
        }
        pod
    });
    pods.collect()
}
