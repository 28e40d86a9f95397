//! `policy.toml` as written.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{AttestationRule, Demand, Policy, Rule, Timestamp, Trusted};
use crate::TrustError;
use crate::evidence::Signer;
use crate::key::PublicKey;
use crate::sigstore::Expected;
use crate::statement::{FINDINGS, PROVENANCE, predicate_type};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    trusted_root: Option<String>,
    #[serde(default)]
    signers: BTreeMap<String, SignerTable>,
    #[serde(default)]
    rules: Vec<RuleTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SignerTable {
    key: Option<String>,
    identity: Option<String>,
    issuer: Option<String>,
    log: Option<Wanted>,
    timestamp: Option<Wanted>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    Required,
    Ignored,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RuleTable {
    images: Vec<String>,
    accept: Option<Accept>,
    #[serde(default)]
    signed_by: Vec<String>,
    #[serde(default)]
    attestations: Vec<AttestationTable>,
    max_age: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Accept {
    Anything,
    Nothing,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AttestationTable {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    signed_by: Vec<String>,
    builder: Option<String>,
    source: Option<String>,
    #[serde(default)]
    hermetic: bool,
    max_severity: Option<String>,
}

/// The policy in `text`, the content of `policy.toml`.
pub(super) fn read(text: &str, folder: &Path, path: &Path) -> Result<Policy, TrustError> {
    let wrong = |reason: String| TrustError::Policy { path: path.to_owned(), reason };
    policy(toml::from_str(text).map_err(|error| wrong(error.to_string()))?, folder, path)
}

/// The policy in `text`, the content of a stack file; none where it has no `[policy]`.
pub(super) fn read_stack(text: &str, folder: &Path, path: &Path) -> Result<Option<Policy>, TrustError> {
    #[derive(Deserialize)]
    struct Stack {
        policy: Option<File>,
    }
    let wrong = |reason: String| TrustError::Policy { path: path.to_owned(), reason };
    let stack: Stack = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    stack.policy.map(|file| policy(file, folder, path)).transpose()
}

fn policy(file: File, folder: &Path, path: &Path) -> Result<Policy, TrustError> {
    let wrong = |reason: String| TrustError::Policy { path: path.to_owned(), reason };
    let mut signers = BTreeMap::new();
    for (name, table) in file.signers {
        let trusted = signer(&name, table, folder).map_err(|error| match error {
            Wrong::Key(error) => error,
            Wrong::Said(reason) => wrong(reason),
        })?;
        signers.insert(name, trusted);
    }
    let known = |names: &[String]| match names.iter().find(|name| !signers.contains_key(*name)) {
        Some(name) => Err(wrong(format!("there is no `[signers.{name}]`"))),
        None => Ok(()),
    };
    let mut rules = Vec::new();
    for table in file.rules {
        known(&table.signed_by)?;
        for attestation in &table.attestations {
            known(&attestation.signed_by)?;
        }
        rules.push(rule(table).map_err(wrong)?);
    }
    if rules.is_empty() {
        return Err(wrong("it has no `[[rules]]`, so it would refuse everything".to_owned()));
    }
    let trusted_root = file.trusted_root.map(|name| folder.join(name));
    Ok(Policy { signers, rules, trusted_root })
}

enum Wrong {
    Key(TrustError),
    Said(String),
}

fn signer(name: &str, table: SignerTable, folder: &Path) -> Result<Trusted, Wrong> {
    let wants = |wanted: Option<Wanted>, usually: Wanted| wanted.unwrap_or(usually) == Wanted::Required;
    let (signer, logged) = match (table.key, table.identity, table.issuer) {
        (Some(key), None, None) => {
            let key = PublicKey::read(&folder.join(key)).map_err(|error| Wrong::Key(error.into()))?;
            (Signer::Key(Box::new(key)), wants(table.log, Wanted::Ignored))
        }
        (None, Some(identity), Some(issuer)) => {
            if issuer.contains('*') {
                return Err(Wrong::Said(format!(
                    "`[signers.{name}]`: an issuer is written out, without `*`"
                )));
            }
            (Signer::Identity { identity, issuer }, wants(table.log, Wanted::Required))
        }
        _ => {
            return Err(Wrong::Said(format!(
                "`[signers.{name}]` has either `key`, or `identity` and `issuer`"
            )));
        }
    };
    Ok(Trusted {
        signer,
        log: if logged { Expected::Logged } else { Expected::Unlogged },
        timestamp: if wants(table.timestamp, Wanted::Ignored) {
            Timestamp::Required
        } else {
            Timestamp::Ignored
        },
    })
}

fn rule(table: RuleTable) -> Result<Rule, String> {
    if table.images.is_empty() {
        return Err("a rule without `images` is for none".to_owned());
    }
    let what = table.images.join(", ");
    let asked = !table.signed_by.is_empty() || !table.attestations.is_empty() || table.max_age.is_some();
    let demand = match table.accept {
        Some(_) if asked => return Err(format!("the rule for {what} has `accept`, and then demands more")),
        Some(Accept::Anything) => Demand::Nothing,
        Some(Accept::Nothing) => Demand::Refused,
        None if table.signed_by.is_empty() => {
            return Err(format!("the rule for {what} says nothing: give `signed-by` or `accept`"));
        }
        None => {
            let max_age = table.max_age.map(|text| days(&text)).transpose()?;
            let own = table.signed_by.clone();
            let attestations = table.attestations.into_iter().map(|table| attestation(table, &own));
            Demand::Evidence {
                attestations: attestations.collect::<Result<_, _>>()?,
                signed_by: table.signed_by,
                max_age,
            }
        }
    };
    Ok(Rule { images: table.images, demand })
}

fn attestation(table: AttestationTable, signed_by: &[String]) -> Result<AttestationRule, String> {
    let predicate_type = predicate_type(&table.kind)?;
    let of_provenance = table.builder.is_some() || table.source.is_some() || table.hermetic;
    if of_provenance && predicate_type != PROVENANCE {
        return Err(format!(
            "`builder`, `source` and `hermetic` are said by `slsa-provenance`, not by `{}`",
            table.kind
        ));
    }
    if table.max_severity.is_some() && !FINDINGS.contains(&predicate_type.as_str()) {
        return Err(format!(
            "`max-severity` is of what scanners found, `vulns` or `vuln`, and not of `{}`",
            table.kind
        ));
    }
    Ok(AttestationRule {
        max_severity: table.max_severity.map(|text| text.parse()).transpose()?,
        predicate_type,
        signed_by: if table.signed_by.is_empty() { signed_by.to_vec() } else { table.signed_by },
        builder: table.builder,
        source: table.source,
        hermetic: table.hermetic,
    })
}

/// `90d`, `12w`.
fn days(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no age: write days or weeks, `90d` or `12w`");
    let (number, factor) = match text.strip_suffix('d') {
        Some(number) => (number, 1),
        None => (text.strip_suffix('w').ok_or_else(wrong)?, 7),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|days| *days > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::SPDX;

    fn complaint(text: &str) -> String {
        read(text, Path::new("/nowhere"), Path::new("policy.toml")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_what_is_demanded() {
        let text = r#"
            [signers.ci]
            identity = "https://github.com/acme/app/.github/workflows/*"
            issuer = "https://token.actions.githubusercontent.com"
            timestamp = "required"
            [[rules]]
            images = ["ghcr.io/acme/*"]
            signed-by = ["ci"]
            max-age = "2w"
            attestations = [{ type = "slsa-provenance", builder = "https://longshore/*", hermetic = true }, { type = "spdx" }]
            [[rules]]
            images = ["docker.io/library/*"]
            accept = "anything"
        "#;
        let policy = read(text, Path::new("."), Path::new("policy.toml")).unwrap();
        let Some(Rule { demand: Demand::Evidence { attestations, max_age, .. }, .. }) =
            policy.rule("ghcr.io/acme/web")
        else {
            panic!("{policy:?}");
        };
        assert_eq!(*max_age, Some(14));
        assert!(attestations[0].hermetic && attestations[0].signed_by == ["ci"]);
        assert_eq!(attestations[1].predicate_type, SPDX);
        assert_eq!(policy.rule("docker.io/library/debian").unwrap().demand, Demand::Nothing);
        assert!(policy.rule("ghcr.io/other/web").is_none());
        let ci = &policy.signers["ci"];
        assert_eq!((ci.log, ci.timestamp), (Expected::Logged, Timestamp::Required));
    }

    #[test]
    fn what_would_demand_less_than_it_seems_is_refused() {
        for (text, said) in [
            ("", "no `[[rules]]`"),
            ("[[rules]]\nimages = [\"*\"]", "says nothing"),
            ("[[rules]]\nimages = []\naccept = \"anything\"", "is for none"),
            ("[[rules]]\nimages = [\"*\"]\nsigned-by = [\"x\"]", "no `[signers.x]`"),
            ("[[rules]]\nimages = [\"*\"]\nsigned_by = [\"x\"]", "unknown field"),
            ("[signers.x]\nidentity = \"me\"", "either `key`, or"),
            ("[signers.x]\nidentity = \"me\"\nissuer = \"*\"", "written out"),
            ("[signers.x]\nkey = \"no.pub\"", "no.pub"),
            (
                "[signers.x]\nidentity = \"a\"\nissuer = \"b\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"x\"]\nattestations = [{ type = \"spdx\", hermetic = true }]",
                "are said by `slsa-provenance`",
            ),
            (
                "[signers.x]\nidentity = \"a\"\nissuer = \"b\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"x\"]\nattestations = [{ type = \"spdx\", max-severity = \"low\" }]",
                "is of what scanners found",
            ),
            (
                "[signers.x]\nidentity = \"a\"\nissuer = \"b\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"x\"]\nattestations = [{ type = \"vulns\", max-severity = \"some\" }]",
                "is no severity",
            ),
            (
                "[signers.x]\nidentity = \"a\"\nissuer = \"b\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"x\"]\nmax-age = \"9m\"",
                "is no age",
            ),
        ] {
            let complaint = complaint(text);
            assert!(complaint.contains(said), "{text}: {complaint}");
        }
    }
}
