//! Bodies of requests, and that each is read to its end.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tonic::Code;

use super::http::failure_as_asked;
use crate::failure::Failure;
use crate::limits;

/// Of a body that is too large, how much is read before the connection is given up.
const READ: usize = 10 * limits::REQUEST_BYTES;

pub fn too_large() -> Failure {
    let message = format!("the body has more than {} MiB", limits::REQUEST_BYTES / 1024 / 1024);
    Failure::new(Code::ResourceExhausted, message)
}

/// Has the whole body before anything is answered: a sender that is still sending sees a connection that was closed, not
/// why, and tries again for ever.
pub async fn read_whole(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match whole(body).await {
        Ok(bytes) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Err(failure) => failure_as_asked(&head.uri, &head.headers, failure),
    }
}

async fn whole(mut body: Body) -> Result<Bytes, Failure> {
    let (mut bytes, mut length) = (BytesMut::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::new(Code::InvalidArgument, format!("the body can't be read: {error}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len());
        match length {
            fits if fits <= limits::REQUEST_BYTES => bytes.extend_from_slice(&data),
            read if read <= READ => bytes = BytesMut::new(),
            _ => break,
        }
    }
    if length > limits::REQUEST_BYTES { Err(too_large()) } else { Ok(bytes.freeze()) }
}
