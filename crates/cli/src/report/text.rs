//! Words and numbers for people.

use std::io::{Write, stdout};
use std::time::Duration;

use longshore_publish::{Identity, Published};
use serde::Serialize;
use serde_json::json;

/// A size for people: `1.2 MB`, in powers of ten, as registries count.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = size as f64;
    if value < 1000.0 {
        return format!("{size} B");
    }
    let mut unit = "";
    for name in UNITS {
        value /= 1000.0;
        unit = name;
        if value < 999.95 {
            break;
        }
    }
    format!("{value:.1} {unit}")
}

/// A time for people, to the second: `9 s`, `4 min 12 s`, `1 h 30 min`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `1 image`, `2 images`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What publishing came to, as data.
pub fn published_json(published: &Published) -> serde_json::Value {
    let images = published.images.iter().map(|image| {
        let kind = match image.identity {
            Identity::Id(_) => "id",
            Identity::Manifest(_) => "manifest",
        };
        json!({ "name": image.name, kind: image.identity.digest() })
    });
    json!({
        "images": images.collect::<Vec<_>>(),
        "bytes_sent": published.bytes_sent,
        "bytes_skipped": published.bytes_skipped,
    })
}

/// Prints a result. A reader that went away (`| head`) is no error.
pub fn print(text: &str) {
    let _ = writeln!(stdout(), "{}", text.trim_end_matches('\n'));
}

/// Prints a result as JSON.
pub fn print_json(value: &impl Serialize) {
    // Results hold only strings, numbers, lists and string-keyed maps.
    print(&serde_json::to_string_pretty(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn times() {
        for (milliseconds, text) in
            [(999, "0 s"), (59_999, "59 s"), (252_100, "4 min 12 s"), (3_600_000, "1 h 0 min")]
        {
            assert_eq!(super::duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn sizes() {
        for (size, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (28_440_000, "28.4 MB")]
        {
            assert_eq!(super::bytes(size), text);
        }
    }
}
