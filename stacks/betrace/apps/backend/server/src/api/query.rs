//! A query string as the message that it stands for.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Fields that can be given again for more than one value, and those that are true or false.
const LISTS: &[&str] = &["tags"];
const TRUTHS: &[&str] = &["enabledOnly", "enabled_only"];

/// # Errors
/// If a name is none of the message's, or a value can't be its.
pub fn read<M: DeserializeOwned>(query: &str) -> Result<M, Failure> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if LISTS.contains(&&*name) {
            let list = fields.entry(name.into_owned()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = list {
                items.push(Value::from(value.into_owned()));
            }
            continue;
        }
        // As if it were not there, as forms send it.
        if value.is_empty() {
            continue;
        }
        let parsed = match (TRUTHS.contains(&&*name), &*value) {
            (true, "true" | "1") => Value::Bool(true),
            (true, "false" | "0") => Value::Bool(false),
            (true, other) => {
                return Err(Failure::field(&name, format!("can't be `{other}`: it is true or false")));
            }
            (false, text) => Value::from(text),
        };
        fields.insert(name.into_owned(), parsed);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        Failure::new(tonic::Code::InvalidArgument, format!("the query can't be read: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{ListRulesRequest, ListViolationsRequest};

    #[test]
    fn names_in_either_case_lists_truths_numbers_and_times() {
        let rules: ListRulesRequest = read("enabledOnly=true&tags=a&tags=b%20c&severity=").unwrap();
        assert_eq!(
            rules,
            ListRulesRequest {
                enabled_only: true,
                tags: vec!["a".into(), "b c".into()],
                ..Default::default()
            }
        );
        let violations: ListViolationsRequest =
            read("rule_id=r&limit=5&startTime=2025-01-02T03:04:05Z").unwrap();
        assert_eq!((violations.rule_id.as_str(), violations.limit), ("r", 5));
        assert_eq!(violations.start_time.unwrap().seconds, 1_735_787_045);
    }

    #[test]
    fn what_can_not_be_is_said() {
        for (query, expected) in [
            ("enabledOnly=maybe", "`enabledOnly` can't be `maybe`"),
            ("nonsense=1", "unknown field `nonsense`"),
        ] {
            let failure = read::<ListRulesRequest>(query).unwrap_err();
            assert!(failure.message.contains(expected), "{}", failure.message);
        }
        for query in ["limit=many", "startTime=yesterday"] {
            let failure = read::<ListViolationsRequest>(query).unwrap_err();
            assert!(failure.message.starts_with("the query can't be read"), "{}", failure.message);
        }
    }
}
