//! Collects what is wrong, so that one run says all of it.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Severity, Source};

/// Findings in one file and in the files it names.
#[derive(Debug, Clone)]
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
            profiles: Vec::new(),
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
        sort(&mut self.all, &self.source.path);
        let mut once: Vec<Diagnostic> = Vec::new();
        for finding in self.all {
            if !once.contains(&finding) {
                once.push(finding);
            }
        }
        once
    }
}

/// The findings of several profiles as those of one file, whose path is `own`. What all profiles have is said once and of
/// none of them; what some have is said once and names them.
pub(crate) fn together(own: &str, found: Vec<(String, Vec<Diagnostic>)>) -> Vec<Diagnostic> {
    let count = found.len();
    // Help may speak of what one profile alone has, and is the first one's.
    let same = |a: &Diagnostic, b: &Diagnostic| {
        (a.severity, a.code, &a.message, &a.source, &a.span)
            == (b.severity, b.code, &b.message, &b.source, &b.span)
    };
    let mut all: Vec<Diagnostic> = Vec::new();
    for (profile, findings) in found {
        for mut finding in findings {
            match all.iter_mut().find(|known| same(known, &finding)) {
                Some(known) if known.profiles.last() == Some(&profile) => {}
                Some(known) => known.profiles.push(profile.clone()),
                None => {
                    finding.profiles = vec![profile.clone()];
                    all.push(finding);
                }
            }
        }
    }
    all.iter_mut().filter(|finding| finding.profiles.len() == count).for_each(|all| all.profiles.clear());
    sort(&mut all, own);
    all
}

/// The stack file's first, by place.
fn sort(all: &mut [Diagnostic], own: &str) {
    all.sort_by_key(|finding| {
        (finding.source.path != own, finding.source.path.clone(), finding.span.start, finding.severity)
    });
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
