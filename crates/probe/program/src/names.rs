//! Connections by name: the addresses are asked of name servers, where `/etc/hosts` does not have the name.

use core::net::IpAddr;

use crate::probe::address::{Endpoint, Host};
use crate::probe::answer::Answer;
use crate::probe::dns::{self, Kind, Question, Reply};
use crate::probe::failure::{Failure, Stage, code};
use crate::probe::hosts::Addresses;
use crate::probe::resolv::Resolv;
use crate::probe::timeout::Timeout;
use crate::system::clock::Deadline;
use crate::system::file;
use crate::system::random;
use crate::system::socket::Socket;

/// As much of `/etc/resolv.conf` as is read.
const MOST_RESOLV: usize = 8 * 1_024;
/// Where name servers listen.
const PORT: u16 = 53;

/// The name servers, and until when they are waited for.
struct Servers<'a> {
    resolv: Resolv<'a>,
    /// How many of the first are passed over, since they said nothing.
    silent: usize,
    timeout: Timeout,
    deadline: Deadline,
}

/// Why nothing was found, or nobody there takes a connection.
enum Trouble {
    /// Servers can't be asked, or say nothing.
    Servers(Failure),
    /// They say that they can't say, by a code.
    Code(u8),
    /// Their answer is too long.
    TooLong,
    /// No connection is taken at what was found.
    Connect(Failure),
}

/// A connection to the first address of the host that takes one, by its name.
pub fn connect(endpoint: &Endpoint<'_>, timeout: Timeout, deadline: Deadline) -> Result<Socket, Answer> {
    let mut text = [0; MOST_RESOLV];
    let resolv = Resolv::parse(file::read(c"/etc/resolv.conf", &mut text));
    // Not reached otherwise: an address is its own.
    let Host::Name(name) = endpoint.host else { return Err(Answer::unhealthy(&[b"no address"])) };
    let unknown = |why: &[u8]| Answer::unhealthy(&[b"unknown host ", endpoint.text, b": ", why]);
    if resolv.servers().next().is_none() {
        return Err(unknown(b"/etc/hosts does not have it, and /etc/resolv.conf has no name server"));
    }
    let mut servers = Servers { resolv, silent: 0, timeout, deadline };
    let mut trouble = None;
    for candidate in resolv.candidates(name) {
        match servers.connect(candidate.get(), endpoint.port) {
            Ok(Some(socket)) => return Ok(socket),
            Ok(None) => {}
            // In another domain it may be known, as the C library thinks, too.
            Err(Trouble::Code(code)) => trouble = Some(Trouble::Code(code)),
            Err(other) => {
                trouble = Some(other);
                break;
            }
        }
    }
    Err(match trouble {
        None => unknown(b"neither /etc/hosts nor the name server has it"),
        Some(Trouble::Code(number)) => code(number, endpoint.text),
        Some(Trouble::TooLong) => Answer::unhealthy(&[
            b"the name server's answer does not fit into one packet, for ",
            endpoint.text,
        ]),
        Some(Trouble::Servers(failure)) => failure.answer(Stage::Name, timeout),
        Some(Trouble::Connect(failure)) => failure.answer(Stage::Connect, timeout),
    })
}

impl Servers<'_> {
    /// A connection to the first address of this very name that takes one; IPv6 is asked for where IPv4 does not help. None where
    /// the name has no address.
    fn connect(&mut self, name: &[u8], port: u16) -> Result<Option<Socket>, Trouble> {
        let mut last = None;
        for kind in [Kind::A, Kind::Aaaa] {
            let found = match self.ask(name, kind) {
                Ok(Reply::Addresses(found)) => found,
                Ok(Reply::Nothing) => continue,
                Ok(Reply::Unknown) => break,
                Ok(Reply::TooLong) => return Err(last.unwrap_or(Trouble::TooLong)),
                Ok(Reply::Failed(code)) => return Err(last.unwrap_or(Trouble::Code(code))),
                Err(failure) => return Err(last.unwrap_or(Trouble::Servers(failure))),
            };
            match dial(&found, port, self.deadline) {
                Ok(socket) => return Ok(socket),
                Err(failure) => last = Some(Trouble::Connect(failure)),
            }
        }
        last.map_or(Ok(None), Err)
    }

    /// Asks one server after another, and again those that said nothing, twice as long each time.
    fn ask(&mut self, name: &[u8], kind: Kind) -> Result<Reply, Failure> {
        let Some(question) = Question::new(random::bytes()?, name, kind) else { return Ok(Reply::Unknown) };
        let count = self.resolv.servers().count();
        let mut patience = self.timeout.first_of_several();
        loop {
            let (mut late, mut last) = (false, Err(Failure::Late));
            let resolv = self.resolv;
            for server in resolv.servers().cycle().skip(self.silent).take(count) {
                last = exchange(server, &question, Deadline::after(patience).or(self.deadline));
                match last {
                    Ok(Reply::Failed(_)) => {}
                    Ok(reply) => return Ok(reply),
                    Err(Failure::Late) => {
                        self.deadline.left()?;
                        late = true;
                        self.silent = self.silent.wrapping_add(1).checked_rem(count).unwrap_or_default();
                    }
                    Err(Failure::System(_)) => {}
                }
            }
            if !late {
                return last;
            }
            patience = patience.doubled();
        }
    }
}

/// Asks one server, and waits for its answer. The kernel lets only the server's own through to the socket.
fn exchange(server: IpAddr, question: &Question, deadline: Deadline) -> Result<Reply, Failure> {
    let socket = Socket::datagrams(server, PORT, deadline)?;
    // Not reached: there is room for the longest name.
    let Ok(bytes) = question.bytes() else { return Ok(Reply::Unknown) };
    socket.send(bytes.get())?;
    let mut message = [0; dns::LONGEST];
    loop {
        let length = socket.receive(&mut message)?;
        if let Some(reply) = question.reply(message.get(..length).unwrap_or_default()) {
            return Ok(reply);
        }
    }
}

/// A connection to the first address that takes one; none where there is no address.
pub fn dial(addresses: &Addresses, port: u16, deadline: Deadline) -> Result<Option<Socket>, Failure> {
    let mut last = Ok(None);
    for address in addresses.iter() {
        match Socket::connect(address, port, deadline) {
            Ok(socket) => return Ok(Some(socket)),
            Err(failure) => last = Err(failure),
        }
    }
    last
}
