//! How long work tells of itself. Libraries call it; only the binary draws.

/// Where long work is reported.
pub trait Progress: Send + Sync {
    /// A step begins: a verb and what it is about (`Fetching`, `nginx 1.26.3-3`), with its size in bytes where known.
    /// Dropping the step ends it.
    fn begin(&self, verb: &'static str, what: &str, bytes: Option<u64>) -> Box<dyn Step>;

    /// Something the user should know though nothing failed.
    fn note(&self, message: &str);

    /// Something that is probably wrong.
    fn warn(&self, message: &str) {
        self.note(message);
    }
}

/// One step under way.
pub trait Step: Send + Sync {
    /// That many more bytes are done.
    fn advance(&self, bytes: u64);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _verb: &'static str, _what: &str, _bytes: Option<u64>) -> Box<dyn Step> {
        Box::new(Self)
    }

    fn note(&self, _message: &str) {}
}

impl Step for Silent {
    fn advance(&self, _bytes: u64) {}
}
