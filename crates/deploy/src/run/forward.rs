//! Published ports: listeners of the supervisor that hand connections and datagrams on to a service's own address.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_stack::model::Protocol;

use super::{Error, Plan, Way};

/// Connections, or senders of datagrams, of one port at once.
const MOST: usize = 512;
/// A sender of datagrams is forgotten after so long without one.
const QUIET: Duration = Duration::from_secs(60);
/// Time to connect to the service.
const CONNECT: Duration = Duration::from_secs(5);
/// An address that was just let go of is tried so often, ten milliseconds apart.
const TRIES: u32 = 100;
/// Bytes of a thread's stack.
const STACK: usize = 96 << 10;
/// The longest datagram.
const DATAGRAM: usize = 65_536;

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    udp: bool,
    from: SocketAddr,
    to: SocketAddr,
}

/// The published ports that are open.
#[derive(Debug, Default)]
pub(super) struct Gates(BTreeMap<Route, Open>);

/// An open port. Dropping it closes it; connections that were made stay.
#[derive(Debug)]
enum Open {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Gates {
    /// Opens what `plan` publishes and is not open, closes what it no longer does.
    pub(super) fn set(&mut self, plan: &Plan) -> Result<(), Error> {
        let mut wanted = BTreeMap::new();
        for (name, service) in &plan.services {
            for (port, gate) in service.gates.iter().filter(|(_, gate)| gate.way == Way::Forwarded) {
                let Some(port) = service.ports.get(port) else { continue };
                let udp = gate.protocol == Protocol::Udp;
                let route = Route { udp, from: gate.address, to: at(service.address, port.number) };
                wanted.insert(route, name);
            }
        }
        let closed: BTreeSet<SocketAddr> =
            self.0.keys().filter(|route| !wanted.contains_key(route)).map(|route| route.from).collect();
        self.0.retain(|route, _| wanted.contains_key(route));
        for (route, service) in wanted {
            let Entry::Vacant(place) = self.0.entry(route) else { continue };
            // The thread of one that was just closed lets go of it in a moment.
            let tries = if closed.contains(&route.from) { TRIES } else { 1 };
            let gate = route.from;
            let error = |source| Error::Gate { service: service.clone(), gate, source };
            place.insert(open_in(route, tries).map_err(error)?);
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // The thread that waits has a descriptor of its own, so closing this one would not wake it.
        let _ = match self {
            Self::Tcp(listener) => rustix::net::shutdown(&*listener, rustix::net::Shutdown::Both),
            Self::Udp(socket) => rustix::net::shutdown(&*socket, rustix::net::Shutdown::Both),
        };
    }
}

fn at(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::new(address.into(), port)
}

fn open_in(route: Route, tries: u32) -> io::Result<Open> {
    match open(route) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 1 => {
            std::thread::sleep(Duration::from_millis(10));
            open_in(route, tries - 1)
        }
        other => other,
    }
}

fn open(route: Route) -> io::Result<Open> {
    if route.udp {
        let socket = UdpSocket::bind(route.from)?;
        let own = socket.try_clone()?;
        thread(move || datagrams(&own, route.to))?;
        return Ok(Open::Udp(socket));
    }
    let listener = TcpListener::bind(route.from)?;
    let own = listener.try_clone()?;
    thread(move || connections(&own, route.to))?;
    Ok(Open::Tcp(listener))
}

fn thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("forward".to_owned()).stack_size(STACK).spawn(work).map(drop)
}

/// Counts what is under way; one less when dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(all: &Arc<AtomicUsize>) -> Option<Self> {
        let one = Self(Arc::clone(all));
        (all.fetch_add(1, Ordering::Relaxed) < MOST).then_some(one)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn connections(listener: &TcpListener, to: SocketAddr) {
    let all = Arc::new(AtomicUsize::new(0));
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                // Where there are too many, or no more threads, the connection is closed.
                if let Some(counted) = Counted::new(&all) {
                    let _ = thread(move || connection(&client, to, counted));
                }
            }
            // It was closed.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return,
            // A client that left, or no descriptors for a while.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn connection(client: &TcpStream, to: SocketAddr, _counted: Counted) {
    let Ok(service) = TcpStream::connect_timeout(&to, CONNECT) else { return };
    let _ = (client.set_nodelay(true), service.set_nodelay(true));
    let (Ok(answers), Ok(back)) = (service.try_clone(), client.try_clone()) else { return };
    let other = std::thread::Builder::new().stack_size(STACK).spawn(move || hand_on(&answers, &back));
    if let Ok(other) = other {
        hand_on(client, &service);
        let _ = other.join();
    }
}

/// Copies until `from` says no more, and says so to `to`, which may go on speaking.
fn hand_on(mut from: &TcpStream, mut to: &TcpStream) {
    match io::copy(&mut from, &mut to) {
        Ok(_) => drop(to.shutdown(Shutdown::Write)),
        // One of them is gone: the other direction is to end too.
        Err(_) => {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
    }
}

/// Those who sent datagrams of late, each with a socket by which the service answers.
type Senders = Arc<Mutex<BTreeMap<SocketAddr, Arc<UdpSocket>>>>;

fn datagrams(socket: &UdpSocket, to: SocketAddr) {
    let senders = Senders::default();
    let mut bytes = vec![0; DATAGRAM];
    loop {
        let (length, sender) = match socket.recv_from(&mut bytes) {
            // It was closed: nobody sends nothing from nowhere.
            Ok((0, sender)) if sender.port() == 0 => return,
            Ok(received) => received,
            Err(_) => return,
        };
        let Ok(Some(way)) = way_of(&senders, sender, socket, to) else { continue };
        let _ = way.send(bytes.get(..length).unwrap_or_default());
    }
}

fn way_of(
    senders: &Senders,
    sender: SocketAddr,
    socket: &UdpSocket,
    to: SocketAddr,
) -> io::Result<Option<Arc<UdpSocket>>> {
    let mut known = senders.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(way) = known.get(&sender) {
        return Ok(Some(Arc::clone(way)));
    }
    if known.len() >= MOST {
        return Ok(None);
    }
    let way = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
    way.connect(to)?;
    way.set_read_timeout(Some(QUIET))?;
    let (answers, back, senders) = (Arc::clone(&way), socket.try_clone()?, Arc::clone(senders));
    thread(move || {
        let mut bytes = vec![0; DATAGRAM];
        while let Ok(length) = answers.recv(&mut bytes) {
            let _ = back.send_to(bytes.get(..length).unwrap_or_default(), sender);
        }
        senders.lock().unwrap_or_else(PoisonError::into_inner).remove(&sender);
    })?;
    known.insert(sender, Arc::clone(&way));
    Ok(Some(way))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn free(udp: bool) -> SocketAddr {
        match udp {
            true => UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap(),
            false => TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(),
        }
    }

    #[test]
    fn each_direction_ends_by_itself() {
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let route = Route { udp: false, from: free(false), to: service.local_addr().unwrap() };
        let gate = open(route).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = service.accept().unwrap();
            let mut heard = String::new();
            // Ends when the client says that it has said all.
            stream.read_to_string(&mut heard).unwrap();
            stream.write_all(heard.to_uppercase().as_bytes()).unwrap();
        });
        let mut client = TcpStream::connect(route.from).unwrap();
        client.write_all(&vec![b'a'; 1 << 20]).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        client.read_to_end(&mut said).unwrap();
        assert_eq!(said, vec![b'A'; 1 << 20]);
        server.join().unwrap();
        drop(gate);
        // Its number is free again once the thread has let go.
        for _ in 0..500 {
            if TcpListener::bind(route.from).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} is still taken", route.from);
    }

    #[test]
    fn a_service_that_is_not_there_closes_the_connection() {
        let route = Route { udp: false, from: free(false), to: free(false) };
        let _gate = open(route).unwrap();
        let mut client = TcpStream::connect(route.from).unwrap();
        let mut said = Vec::new();
        let _ = client.read_to_end(&mut said);
        assert!(said.is_empty());
    }

    #[test]
    fn datagrams_find_their_way_back() {
        let service = UdpSocket::bind("127.0.0.1:0").unwrap();
        let route = Route { udp: true, from: free(true), to: service.local_addr().unwrap() };
        let _gate = open(route).unwrap();
        let clients = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        for (index, client) in clients.iter().enumerate() {
            client.send_to(&[index as u8], route.from).unwrap();
        }
        let mut bytes = [0; 10];
        for _ in &clients {
            let (length, from) = service.recv_from(&mut bytes).unwrap();
            service.send_to(&[bytes[0], bytes[0]][..2 * length], from).unwrap();
        }
        for (index, client) in clients.iter().enumerate() {
            client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let (length, from) = client.recv_from(&mut bytes).unwrap();
            assert_eq!((&bytes[..length], from), (&[index as u8; 2][..], route.from));
        }
    }
}
