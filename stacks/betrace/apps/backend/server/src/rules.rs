//! The rules: kept in the store, compiled, and given to the judges as one set that never changes while they use it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use betrace_language as language;
use parking_lot::Mutex;
use tonic::Code;

use crate::clock::{Clock, timestamp};
use crate::failure::{Detail, Failure, Place};
use crate::judge::{ActiveRule, RuleSet, Severity};
use crate::limits;
use crate::proto::{self, Rule};
use crate::store::Store;

pub struct Rules {
    store: Arc<Store>,
    clock: Arc<Clock>,
    /// By id.
    known: Mutex<BTreeMap<String, Known>>,
    active: ArcSwap<RuleSet>,
}

#[derive(Clone)]
struct Known {
    rule: Rule,
    compiled: Arc<ActiveRule>,
}

type Result<T> = std::result::Result<T, Failure>;

impl Rules {
    /// # Errors
    /// If one of the stored rules is none any more.
    pub fn new(stored: Vec<Rule>, store: Arc<Store>, clock: Arc<Clock>) -> Result<Self> {
        let mut known = BTreeMap::new();
        for rule in stored {
            let compiled = compile(&rule).map_err(|failure| {
                Failure::new(
                    Code::Internal,
                    format!("the stored rule `{}` can't be used: {}", rule.id, failure.message),
                )
            })?;
            known.insert(rule.id.clone(), Known { rule, compiled });
        }
        let active = ArcSwap::from_pointee(active(&known));
        Ok(Self { store, clock, known: Mutex::new(known), active })
    }

    /// The enabled rules as they are now.
    pub fn active(&self) -> Arc<RuleSet> {
        self.active.load_full()
    }

    /// By name.
    ///
    /// # Errors
    /// If the severity that is asked for is none.
    pub fn list(&self, request: &proto::ListRulesRequest) -> Result<proto::ListRulesResponse> {
        let severity = match request.severity.as_str() {
            "" => None,
            text => Some(severity(text)?),
        };
        let known = self.known.lock();
        let wanted = known.values().map(|known| &known.rule).filter(|rule| {
            (rule.enabled || !request.enabled_only)
                && severity.is_none_or(|severity| rule.severity == severity.name())
                && request.tags.iter().all(|tag| rule.tags.contains(tag))
        });
        let mut rules: Vec<Rule> = wanted.cloned().collect();
        rules.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let total_count = i32::try_from(rules.len()).unwrap_or(i32::MAX);
        Ok(proto::ListRulesResponse { rules, total_count })
    }

    /// # Errors
    /// If there is no such rule.
    pub fn get(&self, id: &str) -> Result<Rule> {
        self.known
            .lock()
            .get(id)
            .map(|known| known.rule.clone())
            .ok_or_else(|| Failure::not_found("rule", id))
    }

    /// # Errors
    /// If it is no rule, if one of its id or name is there, or if the store can't be written.
    pub fn create(&self, request: proto::CreateRuleRequest) -> Result<Rule> {
        let mut known = self.known.lock();
        let id = match request.id.as_str() {
            "" => fresh_id(),
            given => given.to_owned(),
        };
        let now = self.clock.now();
        let rule = Rule {
            id,
            name: request.name,
            description: request.description,
            expression: request.expression,
            enabled: request.enabled.unwrap_or(true),
            severity: severity_or_medium(&request.severity)?,
            tags: request.tags,
            created_at: Some(timestamp(now)),
            updated_at: Some(timestamp(now)),
        };
        if known.contains_key(&rule.id) {
            return Err(Failure::new(Code::AlreadyExists, format!("there is a rule `{}` already", rule.id)));
        }
        if known.len() >= limits::RULES {
            return Err(Failure::new(
                Code::ResourceExhausted,
                format!("there are {} rules, the most there may be", known.len()),
            ));
        }
        self.put(&mut known, rule)
    }

    /// # Errors
    /// As [`Self::create`], and if there is no such rule.
    pub fn update(&self, request: proto::UpdateRuleRequest) -> Result<Rule> {
        let severity = severity_or_medium(&request.severity)?;
        self.change(&request.id.clone(), |rule| Rule {
            name: request.name,
            description: request.description,
            expression: request.expression,
            enabled: request.enabled.unwrap_or(rule.enabled),
            severity,
            tags: request.tags,
            ..rule
        })
    }

    /// # Errors
    /// If there is no such rule, or if the store can't be written.
    pub fn enable(&self, id: &str) -> Result<Rule> {
        self.change(id, |rule| Rule { enabled: true, ..rule })
    }

    /// # Errors
    /// If there is no such rule, or if the store can't be written.
    pub fn disable(&self, id: &str) -> Result<Rule> {
        self.change(id, |rule| Rule { enabled: false, ..rule })
    }

    /// # Errors
    /// If there is no such rule, or if the store can't be written.
    pub fn delete(&self, id: &str) -> Result<()> {
        let mut known = self.known.lock();
        if !known.contains_key(id) {
            return Err(Failure::not_found("rule", id));
        }
        self.store.delete_rule(id)?;
        known.remove(id);
        self.active.store(Arc::new(active(&known)));
        Ok(())
    }

    fn change(&self, id: &str, change: impl FnOnce(Rule) -> Rule) -> Result<Rule> {
        let mut known = self.known.lock();
        let old =
            known.get(id).map(|known| known.rule.clone()).ok_or_else(|| Failure::not_found("rule", id))?;
        let mut rule = change(old);
        rule.updated_at = Some(timestamp(self.clock.now()));
        self.put(&mut known, rule)
    }

    fn put(&self, known: &mut BTreeMap<String, Known>, rule: Rule) -> Result<Rule> {
        let compiled = compile(&rule)?;
        if let Some(other) =
            known.values().find(|known| known.rule.name == rule.name && known.rule.id != rule.id)
        {
            let message = format!("the rule `{}` has the name `{}` already", other.rule.id, rule.name);
            return Err(Failure::new(Code::AlreadyExists, message));
        }
        self.store.put_rule(&rule)?;
        known.insert(rule.id.clone(), Known { rule: rule.clone(), compiled });
        self.active.store(Arc::new(active(known)));
        Ok(rule)
    }
}

/// Whether an expression is a rule.
pub fn validate(expression: &str) -> proto::ValidateRuleResponse {
    match expression.parse::<language::Rule>() {
        Ok(_) => proto::ValidateRuleResponse { valid: true, ..Default::default() },
        Err(error) => proto::ValidateRuleResponse {
            valid: false,
            error: error.message,
            line: error.start.line,
            column: error.start.column,
            hint: error.hint.unwrap_or_default(),
            end_line: error.end.line,
            end_column: error.end.column,
        },
    }
}

fn active(known: &BTreeMap<String, Known>) -> RuleSet {
    known.values().filter(|known| known.rule.enabled).map(|known| Arc::clone(&known.compiled)).collect()
}

/// The rule as judges use it, after every field of it has been looked at.
fn compile(rule: &Rule) -> Result<Arc<ActiveRule>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    length("id", &rule.id, 1, limits::RULE_ID_BYTES)?;
    if !rule.id.chars().all(plain) || rule.id == "validate" {
        return Err(Failure::field(
            "id",
            "must be made of letters, digits, `.`, `_` and `-`, and can't be `validate`",
        ));
    }
    length("name", &rule.name, 1, limits::RULE_NAME_BYTES)?;
    length("description", &rule.description, 0, limits::RULE_DESCRIPTION_BYTES)?;
    length("expression", &rule.expression, 1, limits::RULE_EXPRESSION_BYTES)?;
    if rule.tags.len() > limits::RULE_TAGS {
        return Err(Failure::field(
            "tags",
            format!("has {} tags, more than {}", rule.tags.len(), limits::RULE_TAGS),
        ));
    }
    for tag in &rule.tags {
        length("tags", tag, 1, limits::RULE_TAG_BYTES)?;
    }
    Ok(Arc::new(ActiveRule {
        id: rule.id.clone(),
        name: rule.name.clone(),
        severity: severity(&rule.severity)?,
        rule: rule.expression.parse().map_err(no_rule)?,
    }))
}

fn no_rule(error: language::Error) -> Failure {
    let message = format!(
        "`expression` is no rule: line {}, column {}: {}",
        error.start.line, error.start.column, error.message
    );
    let place = Place {
        line: error.start.line,
        column: error.start.column,
        end_line: error.end.line,
        end_column: error.end.column,
        hint: error.hint.unwrap_or_default(),
    };
    let detail = Detail { field: "expression".to_owned(), description: error.message, place: Some(place) };
    Failure { code: Code::InvalidArgument, message, details: vec![detail] }
}

fn length(field: &str, text: &str, least: usize, most: usize) -> Result<()> {
    match text.len() {
        0 if least > 0 => Err(Failure::field(field, "is missing")),
        bytes if bytes > most => Err(Failure::field(field, format!("has {bytes} bytes, more than {most}"))),
        _ => Ok(()),
    }
}

/// # Errors
/// If it is none.
pub fn severity(text: &str) -> Result<Severity> {
    Severity::from_name(text).ok_or_else(|| {
        Failure::field("severity", format!("can't be `{text}`: it is one of CRITICAL, HIGH, MEDIUM, LOW"))
    })
}

fn severity_or_medium(text: &str) -> Result<String> {
    match text {
        "" => Ok(Severity::Medium.name().to_owned()),
        text => severity(text).map(|severity| severity.name().to_owned()),
    }
}

fn fresh_id() -> String {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    format!("rule-{}", hex::encode(bytes))
}
