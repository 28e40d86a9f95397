//! How severe what a scanner found is, as its attestation says: in-toto's `vulns` (in-toto Attestation Framework, "Vulnerabilities",
//! v0.1 and v0.2), and cosign's `vuln` (COSIGN_VULN_ATTESTATION_SPEC) around a report of Grype or Trivy.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// How severe a vulnerability is, as CVSS has it (CVSS v3.1, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Of no consequence.
    None,
    /// CVSS below 4.
    Low,
    /// Below 7.
    Medium,
    /// Below 9.
    High,
    /// 9 to 10; and what is not said in a way that is understood.
    Critical,
}

impl Severity {
    /// Of a word or a number of CVSS.
    fn of_score(text: &str) -> Option<Self> {
        if let Ok(score) = text.parse::<f64>() {
            return match score {
                0.0 => Some(Self::None),
                _ if !(0.0..=10.0).contains(&score) => None,
                _ if score < 4.0 => Some(Self::Low),
                _ if score < 7.0 => Some(Self::Medium),
                _ if score < 9.0 => Some(Self::High),
                _ => Some(Self::Critical),
            };
        }
        match text.to_ascii_lowercase().as_str() {
            "none" | "negligible" => Some(Self::None),
            "low" => Some(Self::Low),
            "medium" | "moderate" => Some(Self::Medium),
            "high" | "important" => Some(Self::High),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];
        known.into_iter().find(|severity| severity.to_string() == text).ok_or_else(|| {
            format!("`{text}` is no severity: write `none`, `low`, `medium`, `high` or `critical`")
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// A finding and how severe it is.
type Finding<'a> = (&'a str, Severity);

/// The findings above `most` in the report that is `predicate`; none where that is no report that is understood.
pub(super) fn above(predicate: &Value, most: Severity) -> Option<Vec<Finding<'_>>> {
    let result = &predicate["scanner"]["result"];
    let all: Vec<Finding<'_>> = match (result, &result["matches"], &result["Results"]) {
        (Value::Array(list), ..) => list.iter().map(of_in_toto).collect(),
        (_, Value::Array(matches), _) => {
            matches.iter().map(|found| of_word(&found["vulnerability"], "id", "severity")).collect()
        }
        (_, _, Value::Array(targets)) => {
            let of_target =
                targets.iter().filter_map(|target| target["Vulnerabilities"].as_array()).flatten();
            of_target.map(|found| of_word(found, "VulnerabilityID", "Severity")).collect()
        }
        _ => return None,
    };
    Some(all.into_iter().filter(|(_, severity)| *severity > most).collect())
}

/// The worst of its scores counts, and one that is not understood is the worst.
fn of_in_toto(found: &Value) -> Finding<'_> {
    let found = if found["vulnerability"].is_object() { &found["vulnerability"] } else { found };
    let scores = match &found["severity"] {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let of_score = |one: &Value| match &one["score"] {
        Value::Number(number) => Severity::of_score(&number.to_string()),
        score => Severity::of_score(score.as_str().unwrap_or_default()),
    };
    let worst = scores.into_iter().map(|one| of_score(one).unwrap_or(Severity::Critical)).max();
    (found["id"].as_str().unwrap_or("without a name"), worst.unwrap_or(Severity::Critical))
}

fn of_word<'a>(found: &'a Value, id: &str, severity: &str) -> Finding<'a> {
    let said = found[severity].as_str().and_then(Severity::of_score);
    (found[id].as_str().unwrap_or("without a name"), said.unwrap_or(Severity::Critical))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(result: &Value, most: Severity) -> Option<Vec<String>> {
        let predicate = json!({ "scanner": { "uri": "pkg:x", "result": result } });
        let found = above(&predicate, most)?;
        Some(found.into_iter().map(|(id, severity)| format!("{id} {severity}")).collect())
    }

    #[test]
    fn the_worst_score_of_a_finding_counts() {
        let report = json!([
            { "id": "A", "severity": [{ "method": "nvd", "score": "low" }, { "method": "cvss_score", "score": "7.5" }] },
            { "id": "B", "severity": [{ "method": "nvd", "score": "medium" }] },
            { "vulnerability": { "id": "C", "severity": { "method": "cvss", "score": 3.9 } } },
        ]);
        assert_eq!(found(&report, Severity::Medium).unwrap(), ["A high"]);
        assert_eq!(found(&report, Severity::Low).unwrap(), ["A high", "B medium"]);
        assert_eq!(found(&report, Severity::None).unwrap(), ["A high", "B medium", "C low"]);
        assert!(found(&json!([]), Severity::None).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_understood_is_critical() {
        let report = json!([
            { "id": "A" }, { "id": "B", "severity": [{ "method": "x", "score": "AV:N/AC:L" }] }, {}, 1,
            { "id": "D", "severity": [{ "method": "cvss", "score": "11" }] },
        ]);
        let all =
            ["A critical", "B critical", "without a name critical", "without a name critical", "D critical"];
        assert_eq!(found(&report, Severity::High).unwrap(), all);
        for other in [json!(null), json!({}), json!("nothing found"), json!({ "runs": [] })] {
            assert_eq!(found(&other, Severity::Critical), None, "{other}");
        }
    }

    #[test]
    fn reports_of_scanners_are_read() {
        let grype = json!({ "matches": [
            { "vulnerability": { "id": "CVE-1", "severity": "Negligible" }, "artifact": { "name": "x" } },
            { "vulnerability": { "id": "CVE-2", "severity": "High" } },
            { "vulnerability": { "id": "CVE-3", "severity": "Unknown" } },
        ] });
        assert_eq!(found(&grype, Severity::Medium).unwrap(), ["CVE-2 high", "CVE-3 critical"]);
        let trivy = json!({ "SchemaVersion": 2, "Results": [
            { "Target": "a", "Vulnerabilities": [{ "VulnerabilityID": "CVE-4", "Severity": "CRITICAL" }] },
            { "Target": "b" },
        ] });
        assert_eq!(found(&trivy, Severity::High).unwrap(), ["CVE-4 critical"]);
    }

    #[test]
    fn severities_are_words() {
        for word in ["none", "low", "medium", "high", "critical"] {
            assert_eq!(word.parse::<Severity>().unwrap().to_string(), word);
        }
        assert!("High".parse::<Severity>().unwrap_err().contains("`high`"));
    }
}
