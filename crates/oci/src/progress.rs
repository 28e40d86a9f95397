//! How long work tells of itself. Libraries call it; only the binary draws.

/// Where long work is reported.
pub trait Progress: Send + Sync {
    /// A step begins: a verb and what it is about (`Fetching`, `nginx 1.26.3-3`), with its size in bytes where known.
    /// Dropping the step ends it.
    fn begin(&self, verb: &'static str, what: &str, bytes: Option<u64>) -> Box<dyn Step>;

    /// `what` can't begin before all of `on` is done. Dropping the step ends the wait.
    fn wait(&self, _what: &str, _on: &[String]) -> Box<dyn Step> {
        Box::new(Silent)
    }

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

    /// What it does now, in a line for people: the last one that its command printed. Cheap, and may be said often.
    fn detail(&self, _line: &str) {}

    /// It failed. Why, its caller says.
    fn fail(&self) {}
}

impl dyn Progress + '_ {
    /// Does `work` as a step, which fails with it. The arguments are those of [`Progress::begin`].
    ///
    /// # Errors
    /// Those of `work`.
    pub fn during<T, E>(
        &self,
        verb: &'static str,
        what: &str,
        bytes: Option<u64>,
        work: impl FnOnce(&dyn Step) -> Result<T, E>,
    ) -> Result<T, E> {
        let step = self.begin(verb, what, bytes);
        work(&*step).inspect_err(|_| step.fail())
    }
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
