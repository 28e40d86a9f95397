//! SIGTERM: what waits is judged, stored and sent before the program ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use betrace_backend::proto::HealthCheckRequest;
use betrace_backend::proto::health_service_client::HealthServiceClient;

use crate::support::{Backend, Receiver, Setup, free_port, otlp, runtime, span, trace_id};

fn break_rules(backend: &Backend, traces: usize) {
    let spans = (0..traces).map(|_| span(&trace_id(), 1, "a")).collect();
    assert_eq!(backend.export(&otlp("shop", spans)).status, 200);
}

#[test]
fn nothing_that_waits_is_lost_and_open_connections_hold_nothing_up() {
    let receiver = Receiver::start();
    let mut backend = Setup::new()
        .set("BETRACE_TRACE_SILENCE_MS", 60_000)
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", receiver.address()))
        .start();
    backend.rule("r", "when { a } always { b }");
    // One that waits for its next request, one in the middle of its request, and one of gRPC.
    let mut idle = TcpStream::connect(backend.http().trim_start_matches("http://")).unwrap();
    idle.write_all(b"GET /v1/health HTTP/1.1\r\nhost: b\r\n\r\n").unwrap();
    assert!(idle.read(&mut [0; 1024]).unwrap() > 0);
    let mut slow = TcpStream::connect(backend.http().trim_start_matches("http://")).unwrap();
    slow.write_all(b"POST /v1/spans HTTP/1.1\r\nhost: b\r\ncontent-length: 100\r\n\r\n{").unwrap();
    let mut grpc = HealthServiceClient::new(backend.channel());
    runtime().block_on(grpc.check(HealthCheckRequest {})).unwrap();

    break_rules(&backend, 50);
    assert_eq!((backend.total(), backend.judged()), (0, 0.0));
    let (status, time) = backend.terminate();
    assert_eq!(status.code(), Some(0), "{}", backend.log());
    assert!(time < Duration::from_secs(8), "{time:?}");
    assert_eq!(receiver.violations().len(), 50);
    drop((idle, slow, grpc));

    backend.restart(&[]);
    assert_eq!(backend.violations(50).len(), 50);
    assert!(backend.violations(50).iter().all(|violation| violation["verified"] == true));
    let (status, time) = backend.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(time < Duration::from_secs(4), "{time:?} with nothing to do");
    assert_eq!(receiver.violations().len(), 50);
}

#[test]
fn a_receiver_that_is_gone_takes_no_more_than_the_grace() {
    let port = free_port();
    let mut backend = Setup::new()
        .set("BETRACE_TRACE_SILENCE_MS", 60_000)
        .set("BETRACE_SHUTDOWN_GRACE_MS", 3000)
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", format!("127.0.0.1:{port}"))
        .start();
    backend.rule("r", "when { a } always { b }");
    break_rules(&backend, 3);
    let (status, time) = backend.terminate();
    assert_eq!(status.code(), Some(0), "{}", backend.log());
    assert!(time < Duration::from_secs(5), "{time:?}");
    assert!(
        backend.log().contains("they are stored, and are sent after the next start"),
        "{}",
        backend.log()
    );
    let receiver = Receiver::start_on(port);
    backend.restart(&[]);
    assert_eq!(receiver.wait(3).len(), 3);
}
