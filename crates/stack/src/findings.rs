//! Collects what is wrong, so that one run says all of it.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Severity, Source};

/// Findings in one file and in the files it names.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The stack file.
    pub(crate) source: Source,
    all: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, all: Vec::new() }
    }

    /// Something in the stack file that stops the work. The answer takes a label and help.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let source = self.source.clone();
        self.push(Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            source,
            span: span.clone(),
            label: String::new(),
            help: None,
        })
    }

    /// Something in the stack file that is worth a look.
    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let finding = self.error(code, span, message);
        finding.severity = Severity::Warning;
        finding
    }

    /// Something found elsewhere.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        let index = self.all.len();
        self.all.push(diagnostic);
        &mut self.all[index]
    }

    /// The line of the stack file where `span` begins, from 1.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        self.source.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.all.iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(crate) fn drop_warnings(&mut self) {
        self.all.retain(|finding| finding.severity == Severity::Error);
    }

    /// All of them, the stack file's first, by place; what was found twice, as defaults are in every image, once.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        let own = self.source.path.clone();
        let place = |finding: &Diagnostic| {
            (finding.source.path != own, finding.source.path.clone(), finding.span.start, finding.severity)
        };
        self.all.sort_by_key(place);
        let mut once: Vec<Diagnostic> = Vec::new();
        for finding in self.all {
            if !once.contains(&finding) {
                once.push(finding);
            }
        }
        once
    }
}

impl Diagnostic {
    /// A few words under the span.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// What to do.
    pub(crate) fn help(&mut self, help: impl Into<Option<String>>) -> &mut Self {
        self.help = help.into();
        self
    }
}
