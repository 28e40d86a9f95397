//! What provenance (SLSA v1) must say, for those who ask it: the same questions as [`crate::policy`] has.

use super::pattern::regex;
use crate::policy::AttestationRule;

/// As an expression of CEL about the predicate `p`; none when nothing is asked of it.
pub(super) fn cel(rule: &AttestationRule) -> Option<String> {
    let fits = |pattern: &str| literal(&regex(pattern));
    let builder = rule.builder.as_ref().map(|pattern| {
        format!("p.?runDetails.?builder.?id.optMap(v, v.matches({})).orValue(false)", fits(pattern))
    });
    let source = rule.source.as_ref().map(|pattern| {
        let fits = fits(pattern);
        format!(
            "(p.?buildDefinition.?resolvedDependencies.orValue([]).exists(d, d.?uri.optMap(v, v.matches({fits})).orValue(false)) || \
             p.?buildDefinition.?externalParameters.?source.optMap(v, v.matches({fits})).orValue(false))"
        )
    });
    let hermetic = rule.hermetic.then(|| {
        "p.?buildDefinition.?internalParameters.?hermetic.optMap(v, v == true).orValue(false)".to_owned()
    });
    let asked: Vec<String> = [builder, source, hermetic].into_iter().flatten().collect();
    (!asked.is_empty()).then(|| asked.join(" &&\n    "))
}

/// As a module of Rego about the statement; none when nothing is asked of it.
pub(super) fn rego(rule: &AttestationRule) -> Option<String> {
    let fits = |pattern: &str, what: &str| format!("regex.match({}, {what})", literal(&regex(pattern)));
    let mut asked = Vec::new();
    let mut others = String::new();
    if let Some(pattern) = &rule.builder {
        asked.push(fits(pattern, "input.predicate.runDetails.builder.id"));
    }
    if let Some(pattern) = &rule.source {
        asked.push("source".to_owned());
        for what in ["resolvedDependencies[_].uri", "externalParameters.source"] {
            let asked = fits(pattern, &format!("input.predicate.buildDefinition.{what}"));
            others += &format!("\nsource {{\n  {asked}\n}}\n");
        }
    }
    if rule.hermetic {
        asked.push("input.predicate.buildDefinition.internalParameters.hermetic == true".to_owned());
    }
    let body: String = asked.iter().map(|one| format!("  {one}\n")).collect();
    (!asked.is_empty()).then(|| {
        format!("package sigstore\n\ndefault isCompliant = false\n\nisCompliant {{\n{body}}}\n{others}")
    })
}

/// A text in quotes, as JSON, CEL and Rego all read it.
pub(super) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::PROVENANCE;

    #[test]
    fn what_is_not_asked_is_not_written() {
        let mut rule = AttestationRule {
            predicate_type: PROVENANCE.to_owned(),
            signed_by: Vec::new(),
            builder: None,
            source: None,
            hermetic: false,
            max_severity: None,
        };
        assert_eq!((cel(&rule), rego(&rule)), (None, None));
        rule.builder = Some("https://*\"".to_owned());
        let (cel, rego) = (cel(&rule).unwrap(), rego(&rule).unwrap());
        assert!(cel.contains(r#"v.matches("^https://.*\"$")"#) && !cel.contains("&&"), "{cel}");
        assert!(
            rego.contains(r#"regex.match("^https://.*\"$", input"#) && !rego.contains("source"),
            "{rego}"
        );
    }
}
