//! Running the probe, and servers for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::process::{Child, Output, Stdio};
use std::thread::JoinHandle;

use longshore_testkit::Tool;

/// The programs, and what runs them where it is not the machine's own.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("x86_64", "qemu-x86_64-static", concat!(env!("CARGO_MANIFEST_DIR"), "/bin/longshore-probe-linux-amd64")),
    (
        "aarch64",
        "qemu-aarch64-static",
        concat!(env!("CARGO_MANIFEST_DIR"), "/bin/longshore-probe-linux-arm64"),
    ),
];

/// The commands that run the program of each platform, this machine's own first.
pub fn programs() -> [Vec<&'static str>; 2] {
    let mut programs = PROGRAMS;
    programs.sort_by_key(|(machine, ..)| *machine != std::env::consts::ARCH);
    programs.map(|(machine, emulator, program)| match machine == std::env::consts::ARCH {
        true => vec![program],
        false => vec![emulator, program],
    })
}

/// What a probe did.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Runs both programs after one another; both say the same.
#[track_caller]
pub fn probe(arguments: &[&str]) -> Said {
    probe_in(&[], arguments)
}

/// Runs both programs by the command `around`.
#[track_caller]
pub fn probe_in(around: &[&str], arguments: &[&str]) -> Said {
    let [own, other] = programs().map(|program| {
        let words: Vec<&str> = [around, &program, arguments].concat();
        Said::from(Tool::new(words[0]).args(&words[1..]).output())
    });
    assert_eq!(own, other, "the programs of the two platforms differ: {arguments:?}");
    own
}

#[track_caller]
pub fn healthy(arguments: &[&str], line: &str) {
    let expected = Said { code: 0, stdout: format!("{line}\n"), stderr: String::new() };
    assert_eq!(probe(arguments), expected, "{arguments:?}");
}

#[track_caller]
pub fn unhealthy(arguments: &[&str], line: &str) {
    let expected = Said { code: 1, stdout: format!("{line}\n"), stderr: String::new() };
    assert_eq!(probe(arguments), expected, "{arguments:?}");
}

/// Somebody else's server, until dropped.
pub struct Server(Child);

impl Server {
    /// Starts it.
    pub fn start(tool: Tool) -> Self {
        Self(tool.spawn(Stdio::piped(), Stdio::null()))
    }

    /// The port in the first line that it prints: the number after `word`.
    pub fn port_after(&mut self, word: &str) -> u16 {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, rest) = line.split_once(word).unwrap_or_else(|| panic!("no `{word}` in `{line}`"));
        rest.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server that has the same answer for everyone, and then closes the connection; for as many as there are programs.
pub struct Canned {
    pub address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Canned {
    pub fn new(answer: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = answer.to_vec();
        let thread = std::thread::spawn(move || {
            for _ in programs() {
                let (mut stream, _) = listener.accept().unwrap();
                assert!(stream.read(&mut [0; 4_096]).unwrap() > 0);
                // Who has read enough hangs up, whether or not everything was said.
                drop(stream.write_all(&answer).and_then(|()| stream.shutdown(Shutdown::Write)));
                // Read to the end: to close a connection with unread bytes is to reset it.
                drop(std::io::copy(&mut stream, &mut std::io::sink()));
            }
        });
        Self { address, thread: Some(thread) }
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

/// Runs the machine's own program alone, for its exit code.
pub fn exit_code(arguments: &[&str]) -> i32 {
    let [own, _] = programs();
    Said::from(Tool::new(own[0]).args(arguments).output()).code
}
