//! Servers and proxies on loopback that do one thing, with and without TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use longshore_net::{Client, Failure, NetError, Settings};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection, with or without TLS.
pub trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Runs `talk` on each connection; it tells the request heads that it reads.
fn listen(talk: impl Fn(TcpStream, &Sender<String>) + Clone + Send + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, talk, tell) = (stream.unwrap(), talk.clone(), tell.clone());
            std::thread::spawn(move || talk(stream, &tell));
        }
    });
    (format!("127.0.0.1:{port}"), heads)
}

/// Answers every request with what `answer` makes of its head, and tells the heads.
pub fn server(answer: impl Fn(&str, &mut dyn Stream) + Clone + Send + 'static) -> (String, Receiver<String>) {
    listen(move |mut stream, tell| converse(&mut stream, &answer, tell))
}

/// The same behind TLS.
pub fn tls_server(
    authority: &Authority,
    answer: impl Fn(&str, &mut dyn Stream) + Clone + Send + 'static,
) -> (String, Receiver<String>) {
    let config = authority.server.clone();
    listen(move |stream, tell| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        converse(&mut stream, &answer, tell);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    })
}

fn converse(stream: &mut dyn Stream, answer: &impl Fn(&str, &mut dyn Stream), tell: &Sender<String>) {
    loop {
        let head = head(stream);
        if head.is_empty() {
            return;
        }
        // Told first: whoever has the answer finds the head.
        let _ = tell.send(head.clone());
        answer(&head, stream);
        if !head.to_ascii_lowercase().contains("keep-alive") {
            return;
        }
    }
}

/// A request's head, or nothing when the client has gone.
pub fn head(stream: &mut dyn Stream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    head
}

/// An answer that ends the connection.
pub fn reply(stream: &mut dyn Stream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A proxy that makes the connections that it is asked for (RFC 9110, 9.3.6).
pub fn tunnel() -> (String, Receiver<String>) {
    listen(|mut stream, tell| {
        let head = head(&mut stream);
        let to = head.split_ascii_whitespace().nth(1).unwrap().replace("localhost", "127.0.0.1");
        tell.send(head.clone()).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        join(stream, TcpStream::connect(to).unwrap());
    })
}

/// A SOCKS 5 proxy without passwords that is asked for host names (RFC 1928); tells them.
pub fn socks() -> (String, Receiver<String>) {
    listen(|mut stream, tell| {
        let mut read = |count: usize| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        let methods = read(2)[1];
        read(methods.into());
        stream.write_all(&[5, 0]).unwrap();
        let mut read = |count: usize| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(read(4), [5, 1, 0, 3], "connect to a name");
        let length = read(1)[0];
        let name = String::from_utf8(read(length.into())).unwrap();
        let port = read(2);
        let port = u16::from_be_bytes([port[0], port[1]]);
        tell.send(name).unwrap();
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        join(stream, TcpStream::connect(("127.0.0.1", port)).unwrap());
    })
}

/// Passes bytes both ways until one side ends.
fn join(here: TcpStream, there: TcpStream) {
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    };
    let (here2, there2) = (here.try_clone().unwrap(), there.try_clone().unwrap());
    std::thread::spawn(move || copy(here2, there2));
    copy(there, here);
}

/// A certificate authority of our own, and a server's certificate for `localhost` from it.
pub struct Authority {
    _folder: tempfile::TempDir,
    /// Its certificate as PEM.
    pub file: PathBuf,
    server: Arc<ServerConfig>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(params, key);
        let server_key = rcgen::KeyPair::generate().unwrap();
        let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&server_key, &issuer)
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs_err::write(&file, certificate.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![server.der().clone()],
                PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
            )
            .unwrap();
        Self { _folder: folder, file, server: Arc::new(config) }
    }

    /// Settings of a machine that trusts it.
    pub fn trusted(&self) -> Settings {
        Settings { certificates: vec![self.file.clone()], ..Settings::default() }
    }
}

pub fn client(settings: Settings) -> Client {
    Client::new(Settings { retries: 0, ..settings }).unwrap()
}

pub fn failure(error: NetError) -> Failure {
    match error {
        NetError::Failed { mut attempts } => attempts.remove(0).failure,
        other => panic!("{other}"),
    }
}
