//! Stacks that Kubernetes can't run, and what is said of them.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use longshore_deploy::Deployment;
use longshore_deploy::kube::{Error, Form, Options, kube};
use longshore_oci::Digest;
use longshore_stack::model::{Stack, Text};

use crate::shop::{rendered, stack};

fn said(error: &Error) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn refused(change: impl FnOnce(&mut Stack)) -> String {
    let mut stack = stack();
    change(&mut stack);
    said(&rendered(&stack, Form::File, &[]).unwrap_err())
}

#[test]
fn an_image_without_a_name() {
    let stack = stack();
    let deployment = Deployment { stack: &stack, images: &BTreeMap::new(), lock: Digest::of(b"lock") };
    let error = kube(&deployment, Options { form: Form::Helm, groups: &[] }).unwrap_err();
    assert_snapshot!(said(&error), @r"
    service `api` runs image `api`, and nothing says where that is found
    hint: run `longshore build`, which says by what names images are known
    ");
}

#[test]
fn root() {
    assert_snapshot!(refused(|stack| stack.services.get_mut("db").unwrap().user.uid = 0), @r"
    service `db` runs as root, which its namespace does not allow
    hint: take `user` out of `[image.db]`, then: longshore check
    ");
}

#[test]
fn files_that_are_too_large() {
    let large = |stack: &mut Stack| {
        let files = &mut stack.services.get_mut("web").unwrap().files;
        files.values_mut().for_each(|file| file.text = Text::from("x".repeat(400_000).as_str()));
    };
    assert_snapshot!(refused(large), @r"
    the files of service `web` are 1200072 bytes together; Kubernetes takes 1048576 at most
    hint: put large files into the image with `contents = [{ path = …, to = … }]`, then: longshore check
    ");
}

/// The Service that gives a StatefulSet's pods their names has a name as well.
#[test]
fn one_name_twice() {
    let twice = |stack: &mut Stack| {
        let api = stack.services["api"].clone();
        stack.services.insert("db-pods".to_owned(), api);
    };
    assert_snapshot!(refused(twice), @r"
    two objects of the kind Service are called `db-pods`
    hint: give one of the services another name, then: longshore check
    ");
}
