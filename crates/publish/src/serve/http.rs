//! HTTP for a shelf. The one place of asynchronous code: engines keep many connections open that are silent most of the time.

use std::convert::Infallible;
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::mpsc;

use super::{Answer, Content, Shelf};

/// Bytes of a blob that are read at once.
const CHUNK: usize = 1 << 17;
/// Chunks that wait to be sent.
const AHEAD: usize = 4;

type Body = BoxBody<Bytes, io::Error>;

/// Serves `shelf` on `listener` until the process ends, telling `seen` of each request and the status that it got.
///
/// # Errors
/// When no more connections can be taken.
pub fn serve(
    listener: TcpListener,
    shelf: Shelf,
    seen: impl Fn(&str, u16) + Send + Sync + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let (shelf, seen) = (Arc::new(shelf), Arc::new(seen));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let (shelf, seen) = (Arc::clone(&shelf), Arc::clone(&seen));
            let service = service_fn(move |request: Request<Incoming>| {
                let (shelf, seen) = (Arc::clone(&shelf), Arc::clone(&seen));
                async move { Ok::<_, Infallible>(respond(&shelf, &request, &*seen)) }
            });
            tokio::spawn(async move {
                let mut server = hyper::server::conn::http1::Builder::new();
                server.timer(TokioTimer::new());
                // A client that goes away in the middle of an answer is its own business.
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    })
}

fn respond(
    shelf: &Shelf,
    request: &Request<Incoming>,
    seen: &(impl Fn(&str, u16) + ?Sized),
) -> Response<Body> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let Answer { status, headers, content } = shelf.answer(request.method().as_str(), path, range);
    seen(&format!("{} {path}", request.method()), status);
    let mut response = Response::builder()
        .status(status)
        .header("docker-distribution-api-version", "registry/2.0")
        .header(header::CONTENT_LENGTH, content.size());
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let body = match content {
        _ if request.method() == Method::HEAD => full(Vec::new()),
        Content::Bytes(bytes) => full(bytes),
        Content::Blob(blob, from, size) => BoxBody::new(StreamBody::new(read(blob, from, size))),
    };
    // A header that can't be said is a fault of ours, and no reason to end.
    response.body(body).unwrap_or_else(|_| Response::new(full(Vec::new())))
}

fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed()
}

/// The bytes of a blob, read on a thread of its own, a little ahead of what is sent.
fn read(
    blob: crate::registry::Blob,
    from: u64,
    size: u64,
) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync + 'static {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let pass = |chunk: io::Result<Bytes>| sender.blocking_send(chunk.map(Frame::data)).is_ok();
        let mut reader = match blob.open(from) {
            Ok(reader) => reader.take(size),
            Err(error) => {
                pass(Err(error));
                return;
            }
        };
        loop {
            let mut buffer = vec![0; CHUNK];
            match reader.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => {
                    buffer.truncate(read);
                    if !pass(Ok(buffer.into())) {
                        return;
                    }
                }
                Err(error) => {
                    pass(Err(error));
                    return;
                }
            }
        }
    });
    futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))
}
