//! A file that is not as it was left: what was committed is there and the log says what was undone, or the backend does
//! not start and says which file it is.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use betrace_backend::store::{Capacity, Filter, Page, Store};
use parking_lot::Mutex;
use serde_json::json;

use crate::support::{Backend, Setup, otlp, span, trace_id};

/// Three commits of violations after one of a rule; then it ends.
fn ended(end: impl FnOnce(&mut Backend)) -> (Backend, PathBuf, Vec<u8>) {
    let mut backend = Setup::new().start();
    backend.rule("r", "when { a } always { b }");
    for nth in 1..=3 {
        backend.export(&otlp("shop", vec![span(&trace_id(), 1, "a")]));
        backend.violations(nth);
    }
    end(&mut backend);
    let path = backend.data().join("betrace.redb");
    let whole = std::fs::read(&path).unwrap();
    (backend, path, whole)
}

#[test]
fn a_file_that_is_none_of_ours_is_refused_by_name() {
    let (mut backend, path, whole) = ended(Backend::kill9);
    let cases: [(&str, Vec<u8>); 6] = [
        ("nothing", Vec::new()),
        ("text", b"no store at all\n".to_vec()),
        ("zeros", vec![0; whole.len()]),
        ("noise", (0..whole.len()).map(|at| (at * 31 % 251) as u8).collect()),
        ("its beginning alone", whole[..512].to_vec()),
        ("a beginning of noise", [&[9; 512][..], &whole[512..]].concat()),
    ];
    for (what, bytes) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let (status, log) = backend.restart_in_vain();
        assert_eq!(status.code(), Some(1), "{what}: {log}");
        assert!(log.contains(&format!("`{}` is damaged", path.display())), "{what}: {log}");
        assert!(!log.contains("panicked"), "{what}: {log}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{what}: the file has changed");
    }
    std::fs::write(&path, whole).unwrap();
    backend.restart(&[]);
    assert_eq!(backend.violations(3).len(), 3);
    assert_eq!(backend.get("/v1/rules").expect(200)["totalCount"], json!(1));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What opening a file of these bytes comes to: how many rules and violations, or the error; and the log.
fn open(bytes: &[u8]) -> (Result<(usize, usize), String>, String) {
    // In memory, since a disk would have to sync some hundred times.
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    std::fs::write(folder.path().join("betrace.redb"), bytes).unwrap();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let opened = tracing::subscriber::with_default(subscriber, || {
        let store = Store::open(folder.path(), Capacity { violations: 100, bytes: 1 << 30 });
        store.and_then(|store| {
            let rules = store.rules()?.len();
            let (violations, total) = store.violations(&Filter::default(), Page { offset: 0, limit: 10 })?;
            assert_eq!(violations.len(), total);
            Ok((rules, total))
        })
    });
    let log = String::from_utf8(log.0.lock().clone()).unwrap();
    (opened.map_err(|error| error.to_string()), log)
}

fn check(what: &str, bytes: &[u8]) -> bool {
    let (opened, log) = open(bytes);
    match opened {
        Ok((1, 3)) => true,
        Ok(less) => {
            assert!(less.0 <= 1 && less.1 < 3, "{what}: {less:?}");
            assert!(log.contains("undone"), "{what}: {less:?} in silence: {log}");
            true
        }
        Err(error) => {
            assert!(error.contains("betrace.redb` is damaged"), "{what}: {error}");
            false
        }
    }
}

fn no_damage_is_passed_over_in_silence(whole: &[u8]) {
    assert_eq!(open(whole).0, Ok((1, 3)));
    let (mut opened, mut refused) = (0, 0);
    let mut note = |what: &str, bytes: &[u8]| match check(what, bytes) {
        true => opened += 1,
        false => refused += 1,
    };
    // The first pages, with the header in them, and some of the others; where there is anything.
    for (nth, page) in whole.chunks(4096).enumerate() {
        if page.iter().all(|byte| *byte == 0) || (nth >= 24 && nth % 8 != 0) {
            continue;
        }
        let mut torn = whole.to_vec();
        torn[nth * 4096..][..page.len()].fill(0);
        note(&format!("page {nth} empty"), &torn);
        let parts = if nth == 0 { &[0, 9, 70, 200, 4000][..] } else { &[[0, 200, 4000][nth % 3]] };
        for at in parts {
            let mut flipped = whole.to_vec();
            flipped[nth * 4096 + at..].iter_mut().take(8).for_each(|byte| *byte ^= 0xff);
            note(&format!("page {nth} from {at}"), &flipped);
        }
    }
    for bytes in [1, 100, 4096, whole.len() / 2] {
        note(&format!("{bytes} bytes less"), &whole[..whole.len() - bytes]);
    }
    note("longer", &[whole, &[5; 10_000]].concat());
    assert!(opened > 0 && refused > 0, "{opened} opened, {refused} refused");
}

#[test]
fn a_damaged_file_of_a_backend_that_was_killed() {
    no_damage_is_passed_over_in_silence(&ended(Backend::kill9).2);
}

#[test]
fn a_damaged_file_of_a_backend_that_ended_in_order() {
    no_damage_is_passed_over_in_silence(&ended(|backend| assert!(backend.terminate().0.success())).2);
}
