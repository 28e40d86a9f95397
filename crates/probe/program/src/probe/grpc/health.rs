//! The messages of `grpc.health.v1.Health/Check` (grpc/grpc-proto, `grpc/health/v1/health.proto`), in Protocol Buffers'
//! wire format.

use crate::probe::bytes::{Bytes, Full};

/// The path of the call.
pub const CHECK: &[u8] = b"/grpc.health.v1.Health/Check";

/// `HealthCheckResponse.ServingStatus`.
const STATUSES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/// The status that is healthy.
pub const SERVING: u64 = 1;

/// A `HealthCheckRequest`, behind the five bytes that gRPC has before a message: not compressed, and its length.
pub fn request(service: &[u8]) -> Result<Bytes<300>, Full> {
    let mut message = Bytes::<300>::new();
    if !service.is_empty() {
        // Field 1, of a length that takes one byte or two.
        message.put(&[1 << 3 | 2])?;
        let length = u16::try_from(service.len()).map_err(|_| Full)?;
        let low = u8::try_from(length % 128).map_err(|_| Full)?;
        match u8::try_from(length / 128).map_err(|_| Full)? {
            0 => message.put(&[low])?,
            high => message.put(&[0x80 | low, high])?,
        }
        message.put(service)?;
    }
    let mut request = Bytes::new();
    request.put(&[0])?;
    request.put(&u32::try_from(message.get().len()).map_err(|_| Full)?.to_be_bytes())?;
    request.put(message.get())?;
    Ok(request)
}

/// The status in a `HealthCheckResponse`; none when it is no such message.
pub fn status(message: &[u8]) -> Option<u64> {
    let mut rest = message;
    // What is not sent is 0, and of what is sent twice the last counts.
    let mut status = 0;
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        match (tag >> 3, tag & 7) {
            (0, _) => return None,
            (1, 0) => status = varint(&mut rest)?,
            (_, 0) => drop(varint(&mut rest)?),
            (_, 1) => skip(&mut rest, 8)?,
            (_, 2) => {
                let length = varint(&mut rest)?;
                skip(&mut rest, length)?;
            }
            (_, 5) => skip(&mut rest, 4)?,
            _ => return None,
        }
    }
    Some(status)
}

/// The name of a status; none for one that later versions may have.
pub fn name(status: u64) -> Option<&'static str> {
    STATUSES.get(usize::try_from(status).ok()?).copied()
}

fn skip(rest: &mut &[u8], count: u64) -> Option<()> {
    *rest = rest.get(usize::try_from(count).ok()?..)?;
    Some(())
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_the_service() {
        assert_eq!(request(b"").unwrap().get(), [0; 5]);
        assert_eq!(request(b"ab").unwrap().get(), b"\0\0\0\0\x04\x0a\x02ab");
        let long = [b'a'; 255];
        let start = b"\0\0\0\x01\x02\x0a\xff\x01";
        assert_eq!(request(&long).unwrap().get(), [&start[..], &long].concat());
    }

    #[test]
    fn responses_are_read() {
        for (message, expected) in [
            (&b""[..], Some(0)),
            (b"\x08\x01", Some(1)),
            (b"\x08\x02", Some(2)),
            (b"\x08\x02\x08\x01", Some(1)),
            (b"\x12\x02ab\x08\x01\x19aaaaaaaa\x25aaaa\x20\x81\x01", Some(1)),
            (b"\x08", None),
            (b"\x00\x01", None),
            (b"\x0f", None),
            (b"\x12\x03ab", None),
            (b"<html>", None),
            (b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", None),
        ] {
            assert_eq!(status(message), expected, "{message:?}");
        }
        assert_eq!(
            [0, 1, 2, 3, 4].map(name),
            [Some("UNKNOWN"), Some("SERVING"), Some("NOT_SERVING"), Some("SERVICE_UNKNOWN"), None]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_message_is_taken(message: Vec<u8>) {
            // No number is longer than ten bytes.
            proptest::prop_assert!(status(&message).is_none_or(|status| status == 0 || message.len() > 1));
        }
    }
}
