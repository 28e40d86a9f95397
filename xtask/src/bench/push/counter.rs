//! Connections passed on to a server, with what is sent on them counted.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::run::Result;

/// Passes connections on until dropped.
pub struct Counter {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Counter {
    /// Before the server at `host`.
    pub fn before(host: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let counter = Self { address, bytes: Arc::default(), stop: Arc::default() };
        let (bytes, stop, host) = (counter.bytes.clone(), counter.stop.clone(), host.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(server), bytes) = (TcpStream::connect(&host), bytes.clone()) else { continue };
                let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
                    continue;
                };
                std::thread::spawn(move || pass(client, server, Some(&bytes)));
                std::thread::spawn(move || pass(server_too, client_too, None));
            }
        });
        Ok(counter)
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many bytes clients have sent.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The listener sleeps in `accept`; a connection wakes it.
        drop(TcpStream::connect(self.address));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, counted: Option<&AtomicU64>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
        if let Some(bytes) = counted {
            bytes.fetch_add(read as u64, Ordering::SeqCst);
        }
    }
    drop(to.shutdown(Shutdown::Write));
}
