//! No check takes longer than it may, whatever a server does.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::common::unhealthy;

/// How much later than its time a check may end: two programs, one of them under QEMU, on a busy machine.
const SLACK: Duration = Duration::from_secs(20);

/// Both programs say this, and take their time but no more.
#[track_caller]
fn late(arguments: &[&str], line: &str) {
    let start = Instant::now();
    unhealthy(&[arguments, &["--timeout", "400ms"]].concat(), line);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(800), "{took:?} for both");
    assert!(took < SLACK, "{took:?} for both");
}

#[test]
fn servers_that_never_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    late(&["http", &format!("http://{address}/")], "no answer within 400ms");
    late(&["grpc", &address], "no answer within 400ms");
}

#[test]
fn the_time_is_for_all_of_it() {
    // A server that is always about to say something: each byte comes well within the time.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let bytes = b"HTTP/1.1 200 ".iter().chain(std::iter::repeat(&b'a'));
                for byte in bytes.take(1_000) {
                    if stream.write_all(&[*byte]).is_err() {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    late(&["http", &format!("http://{address}/")], "no answer within 400ms");
}

#[test]
fn machines_that_take_no_connection() {
    // With a queue that is full, Linux does not answer who wants to connect.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        waiting.push(stream);
        assert!(waiting.len() < 10, "the queue takes everybody");
    }
    late(&["tcp", &address.to_string()], "no connection within 400ms");
}
