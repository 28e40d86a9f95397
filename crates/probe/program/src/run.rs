//! One check from its beginning to its end, within its time.

use crate::probe::address::Endpoint;
use crate::probe::answer::Answer;
use crate::probe::arguments::{Check, Request};
use crate::probe::bytes::Full;
use crate::probe::failure::{Failure, Stage};
use crate::probe::grpc::{self, Conversation, Next};
use crate::probe::hosts::resolve;
use crate::probe::http::{self, Response};
use crate::system::clock::Deadline;
use crate::system::file;
use crate::system::socket::Socket;

/// As much of `/etc/hosts` as is read: a thousand lines, and more.
const MOST_HOSTS: usize = 64 * 1_024;

/// Asks, and judges the answer.
pub fn run(request: &Request<'_>) -> Answer {
    let deadline = Deadline::after(request.timeout);
    let endpoint = match &request.check {
        Check::Http(url) => &url.endpoint,
        Check::Tcp(endpoint) | Check::Grpc { endpoint, .. } => endpoint,
    };
    let socket = match connect(endpoint, deadline) {
        Ok(socket) => socket,
        Err(None) => {
            return Answer::unhealthy(&[b"unknown host ", endpoint.text, b": /etc/hosts does not have it"]);
        }
        Err(Some(failure)) => return failure.answer(Stage::Connect, request.timeout),
    };
    let answer = match &request.check {
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
    answer.unwrap_or_else(|failure| failure.answer(Stage::Answer, request.timeout))
}

/// Not reached: arguments are short enough for every request.
const TOO_LONG: fn() -> Answer = || Answer::unhealthy(&[b"the request is too long"]);

/// A connection to the first address of the host that takes one; no failure where it has no address.
fn connect(endpoint: &Endpoint<'_>, deadline: Deadline) -> Result<Socket, Option<Failure>> {
    let mut hosts = [0; MOST_HOSTS];
    let text = file::read(c"/etc/hosts", &mut hosts);
    let mut last = None;
    for address in resolve(endpoint.host, text).iter() {
        match Socket::connect(address, endpoint.port, deadline) {
            Ok(socket) => return Ok(socket),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last)
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
