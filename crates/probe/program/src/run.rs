//! One check from its beginning to its end, within its time, or one after another for as long as a service is waited for.

use crate::names;
use crate::probe::address::Endpoint;
use crate::probe::answer::{Answer, Health};
use crate::probe::arguments::{Check, Request};
use crate::probe::bytes::{Bytes, Full};
use crate::probe::failure::{Failure, Stage};
use crate::probe::grpc::{self, Conversation, Next};
use crate::probe::hosts::resolve;
use crate::probe::http::{self, Response};
use crate::probe::timeout::Timeout;
use crate::system::clock::Deadline;
use crate::system::file;
use crate::system::signal::{self, Pause};
use crate::system::socket::Socket;

/// As much of `/etc/hosts` as is read: a thousand lines, and more.
const MOST_HOSTS: usize = 64 * 1_024;

/// Between two checks of a service that is waited for.
const PAUSE: Timeout = Timeout { milliseconds: 500 };

/// Asks, and judges the answer; of several answers, the last one.
pub fn run(request: &Request<'_>) -> Answer {
    match request.wait {
        None => once(&request.check, request.timeout, Deadline::after(request.timeout)),
        Some(wait) => wait_for(&request.check, request.timeout.min(wait), wait),
    }
}

fn wait_for(check: &Check<'_>, timeout: Timeout, wait: Timeout) -> Answer {
    signal::hold();
    let end = Deadline::after(wait);
    let mut last = None;
    loop {
        let mut answer = once(check, timeout, Deadline::after(timeout).or(end));
        if answer.health == Health::Healthy {
            return answer;
        }
        if end.left().is_err() {
            // Of a check that was cut short, nothing is to be learned.
            answer = last.unwrap_or(answer);
        } else if let Pause::Stopped = signal::pause(Deadline::after(PAUSE).or(end)) {
            return answer.lasting(&[b", until it was stopped"]);
        }
        if end.left().is_err() {
            let mut time = Bytes::<16>::new();
            wait.say(&mut time);
            return answer.lasting(&[b", for ", time.get()]);
        }
        last = Some(answer);
    }
}

fn once(check: &Check<'_>, timeout: Timeout, deadline: Deadline) -> Answer {
    let endpoint = match check {
        Check::Http(url) => &url.endpoint,
        Check::Tcp(endpoint) | Check::Grpc { endpoint, .. } => endpoint,
    };
    let socket = match connect(endpoint, timeout, deadline) {
        Ok(socket) => socket,
        Err(answer) => return answer,
    };
    let answer = match check {
        Check::Tcp(_) => Ok(Answer::healthy(&[b"connected"])),
        Check::Http(url) => match http::request(url) {
            Ok(bytes) => ask_http(&socket, bytes.get()),
            Err(Full) => Ok(TOO_LONG()),
        },
        Check::Grpc { endpoint, service } => match grpc::request(endpoint, service) {
            Ok(bytes) => ask_grpc(&socket, bytes.get()),
            Err(Full) => Ok(TOO_LONG()),
        },
    };
    answer.unwrap_or_else(|failure| failure.answer(Stage::Answer, timeout))
}

/// Not reached: arguments are short enough for every request.
const TOO_LONG: fn() -> Answer = || Answer::unhealthy(&[b"the request is too long"]);

/// A connection to the first address of the host that takes one.
fn connect(endpoint: &Endpoint<'_>, timeout: Timeout, deadline: Deadline) -> Result<Socket, Answer> {
    let mut hosts = [0; MOST_HOSTS];
    let known = resolve(endpoint.host, file::read(c"/etc/hosts", &mut hosts));
    match names::dial(&known, endpoint.port, deadline) {
        Ok(Some(socket)) => Ok(socket),
        Ok(None) => names::connect(endpoint, timeout, deadline),
        Err(failure) => Err(failure.answer(Stage::Connect, timeout)),
    }
}

fn ask_http(socket: &Socket, request: &[u8]) -> Result<Answer, Failure> {
    socket.send(request)?;
    let mut response = Response::new();
    loop {
        let count = socket.receive(response.room())?;
        if count == 0 {
            return Ok(response.ended());
        }
        if let Some(answer) = response.took(count) {
            return Ok(answer);
        }
    }
}

fn ask_grpc(socket: &Socket, request: &[u8]) -> Result<Answer, Failure> {
    socket.send(request)?;
    let mut conversation = Conversation::new();
    loop {
        match conversation.next() {
            Next::Done(answer) => return Ok(answer),
            Next::Send(bytes) => socket.send(bytes.get())?,
            Next::Read => {
                let count = socket.receive(conversation.room())?;
                if count == 0 {
                    return Ok(conversation.ended());
                }
                conversation.took(count);
            }
        }
    }
}
