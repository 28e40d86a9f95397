//! Whether the backend and the services beside it are well.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::support::{Setup, eventually, free_port};

/// Answers every request with this status.
fn service(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let head = BufReader::new(stream.try_clone().unwrap()).lines();
            head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    port
}

#[test]
fn the_services_beside_it() {
    let (up, ill, down) = (service("200 OK"), service("503 Service Unavailable"), free_port());
    let url = |port: u16| format!("http://127.0.0.1:{port}/ready");
    let services = format!("tempo={}, loki={},grafana={}", url(up), url(down), url(ill));
    let backend = Setup::new().set("BETRACE_SERVICES", services).start();
    let all = eventually("all were asked", || {
        let status = backend.get("/v1/status").expect(200);
        let all = status["services"].as_array().unwrap().clone();
        all.iter().all(|it| it["state"] != "UNKNOWN").then_some(all)
    });
    let seen = |nth: usize| {
        let service = &all[nth];
        (
            service["name"].as_str().unwrap(),
            service["state"].as_str().unwrap(),
            service["url"].as_str().unwrap(),
        )
    };
    assert_eq!(seen(0), ("backend", "UP", ""));
    assert_eq!(seen(1), ("grafana", "DOWN", url(ill).as_str()));
    assert_eq!(seen(2), ("loki", "DOWN", url(down).as_str()));
    assert_eq!(seen(3), ("tempo", "UP", url(up).as_str()));
    assert!(all[1]["message"].as_str().unwrap().contains("503"), "{}", all[1]);
    assert!(all[2]["message"].as_str().unwrap().contains("refused"), "{}", all[2]);
    assert_eq!(all[3]["message"], "");
    assert!(all.iter().all(|it| it["checkedAt"].as_str().unwrap().starts_with("20")), "{all:?}");
    assert_eq!(all.len(), 4);
}

#[test]
fn it_is_ready_for_all_who_ask_at_once() {
    let backend = Setup::new().start();
    let expected = serde_json::json!({"data": "ok", "export": "ok", "buffer": "ok"});
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(backend.get("/v1/ready").expect(200)["metadata"], expected);
                }
            });
        }
    });
    for path in ["/v1/health", "/v1/ready", "/health"] {
        let answer = backend.call("HEAD", path, &[], None);
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]), "{path}");
    }
    let health = backend.get("/v1/health").expect(200);
    assert_eq!(
        (&health["status"], &health["version"]),
        (&"HEALTHY".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert!(health["uptimeSeconds"].is_string(), "{health}");
}
