//! The time of day as violations and rules carry it: never earlier than what was given before, whatever the machine's
//! clock does. How long things take is measured with `Instant`, which never goes back.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub struct Clock {
    last: Mutex<u64>,
    read: fn() -> SystemTime,
}

impl Clock {
    /// `last`: the latest time that was ever given, nanoseconds since 1970.
    pub fn system(last: u64) -> Self {
        Self::new(last, SystemTime::now)
    }

    pub fn new(last: u64, read: fn() -> SystemTime) -> Self {
        Self { last: Mutex::new(last), read }
    }

    /// Nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        let read = (self.read)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut last = self.last.lock();
        *last = u64::try_from(read.as_nanos()).unwrap_or(u64::MAX).max(*last);
        *last
    }
}

const SECOND: u64 = 1_000_000_000;

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Serialize for Timestamp {
    /// As protobuf's JSON mapping has it: RFC 3339, with `Z`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = u32::try_from(self.nanos).unwrap_or(0);
        let time = chrono::DateTime::from_timestamp(self.seconds, nanos)
            .ok_or_else(|| serde::ser::Error::custom("a time beyond the year 262142"))?;
        serializer.serialize_str(&time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = chrono::DateTime::parse_from_rfc3339(&text).map_err(|error| {
            serde::de::Error::custom(format!("`{text}` is no time as RFC 3339 has it: {error}"))
        })?;
        Ok(Self {
            seconds: time.timestamp(),
            nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0),
        })
    }
}

pub fn timestamp(nanos: u64) -> Timestamp {
    // A `u64` of nanoseconds has seconds that an `i64` holds.
    Timestamp { seconds: (nanos / SECOND) as i64, nanos: (nanos % SECOND) as i32 }
}

/// Nanoseconds since 1970; 0 for what is before.
pub fn nanos(timestamp: &Timestamp) -> u64 {
    let seconds = u64::try_from(timestamp.seconds).unwrap_or(0);
    seconds.saturating_mul(SECOND).saturating_add(u64::try_from(timestamp.nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_goes_back_stands_still() {
        static READ: AtomicU64 = AtomicU64::new(0);
        let clock = Clock::new(5, || UNIX_EPOCH + Duration::from_nanos(READ.load(Ordering::SeqCst)));
        let mut given = Vec::new();
        for read in [3, 10, 7, 12] {
            READ.store(read, Ordering::SeqCst);
            given.push(clock.now());
        }
        assert_eq!(given, [5, 10, 10, 12]);
    }

    #[test]
    fn times_as_json() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_735_787_045_250_000_000, "2025-01-02T03:04:05.250Z"),
            (1_735_787_045_000_000_001, "2025-01-02T03:04:05.000000001Z"),
        ] {
            let time = timestamp(nanos);
            assert_eq!(serde_json::to_value(time).unwrap(), text);
            assert_eq!(serde_json::from_value::<Timestamp>(text.into()).unwrap(), time);
        }
        let east: Timestamp = serde_json::from_str("\"2025-01-02T05:04:05+02:00\"").unwrap();
        assert_eq!(east.seconds, 1_735_787_045);
        assert!(
            serde_json::from_str::<Timestamp>("\"yesterday\"").unwrap_err().to_string().contains("RFC 3339")
        );
    }
}
