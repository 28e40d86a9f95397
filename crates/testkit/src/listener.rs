//! A loopback port whose connections are answered, each on a thread of its own, until it is dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

/// A port that somebody listens on.
pub(crate) struct Listener {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Has `answer` answer every connection to a free port.
    pub(crate) fn new(answer: impl Fn(&TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, answer) = (stop.clone(), Arc::new(answer));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), answer) = (stream, answer.clone()) else { continue };
                std::thread::spawn(move || answer(&stream));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The listener sleeps in `accept`; a connection wakes it.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Ports that nobody listens on now, and that no other call of this process gets.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    [(); N].map(|()| free_port())
}

/// A port of loopback that nobody listens on now, and that no other call of this process gets.
///
/// It is none of those that the system gives to whoever asks for any: such a port is soon somebody else's.
pub fn free_port() -> u16 {
    /// Below the first that Linux gives out by itself (`ip_local_port_range`).
    const PORTS: std::ops::Range<u32> = 10_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes begin at different ones.
    let first = std::process::id().wrapping_mul(101);
    (0..PORTS.len())
        .map(|_| {
            PORTS.start + first.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst)) % (PORTS.end - PORTS.start)
        })
        .map(|port| u16::try_from(port).unwrap())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
