//! A command's log: kept whole in a file, its last line told while the command runs, its end shown when it fails.

use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

use fs_err as fs;
use longshore_oci::Step;

use crate::Error;

/// Lines of a failed command's log that are shown.
const TAIL: usize = 30;
/// As much of the end of a log is read for them.
const TAIL_BYTES: usize = 64 << 10;
/// Bytes of one line that are looked at while a command runs.
const LINE_BYTES: usize = 4 << 10;

/// Writes a log, and tells `step` each last line.
pub(super) struct Log<'a> {
    file: fs::File,
    step: &'a dyn Step,
    /// The start of a line whose end was not written yet.
    begun: Vec<u8>,
}

impl<'a> Log<'a> {
    /// An empty one at `path`.
    pub fn create(path: &Path, step: &'a dyn Step) -> std::io::Result<Self> {
        Ok(Self { file: fs::File::create(path)?, step, begun: Vec::new() })
    }

    /// Tells the last whole line, of as many as came at once. A carriage return ends one too: that is how bars are drawn.
    fn tell(&mut self, bytes: &[u8]) {
        let cut = bytes.len().saturating_sub(LINE_BYTES);
        if cut > 0 {
            self.begun.clear();
        }
        self.begun.extend_from_slice(&bytes[cut..]);
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        if let Some(end) = self.begun.iter().rposition(is_end) {
            let mut lines =
                self.begun[..end].rsplit(is_end).map(|line| printable(&String::from_utf8_lossy(line)));
            if let Some(line) = lines.find(|line| !line.trim().is_empty()) {
                self.step.detail(line.trim());
            }
            self.begun.drain(..=end);
        }
        // What is cut off was in front.
        self.begun.drain(..self.begun.len().saturating_sub(LINE_BYTES));
    }
}

impl Write for Log<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.tell(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// The last lines of a log, as far as they can be shown.
pub(super) fn tail(log: &Path) -> Result<Vec<String>, Error> {
    let mut file = fs::File::open(log)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES as u64)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES as u64).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().map(printable).collect();
    Ok(lines[lines.len().saturating_sub(TAIL)..].to_vec())
}

/// A line without what would move a terminal's cursor, and without colours (ECMA-48, "CSI").
pub(crate) fn printable(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.as_str().starts_with('[') {
            chars.next();
            // Parameters until a final byte.
            let _ = chars.find(|c| matches!(c, '@'..='~'));
        } else if c == '\t' || !c.is_control() {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Step for Told {
        fn advance(&self, _bytes: u64) {}

        fn detail(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    #[test]
    fn the_last_whole_line_of_what_came_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let told = Told::default();
        let mut log = Log::create(&path, &told).unwrap();
        let long = "x".repeat(3 * LINE_BYTES);
        let pieces = [
            "one\ntwo\nthr",
            "ee",
            "\n\n  \n",
            "10 %\r20 %\rsoon",
            "\r\n",
            "\u{1b}[1;32m   Compiling\u{1b}[0m serde v1\u{7}\n",
            &long,
            "\nend\n",
        ];
        pieces.iter().for_each(|piece| log.write_all(piece.as_bytes()).unwrap());
        let told = told.0.into_inner().unwrap();
        assert_eq!(told, ["two", "three", "20 %", "soon", "Compiling serde v1", "end"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), pieces.concat());
    }
}
