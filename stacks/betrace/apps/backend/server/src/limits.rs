//! How much is taken at once. The figures are part of the interface (`docs/api.md`).

pub const REQUEST_BYTES: usize = 10 * 1024 * 1024;
pub const REQUEST_SPANS: usize = 10_000;
pub const SPAN_ATTRIBUTES: usize = 128;
pub const SPAN_NAME_BYTES: usize = 1024;
pub const KEY_BYTES: usize = 256;
pub const VALUE_BYTES: usize = 4 * 1024;
pub const TRACE_SPANS: usize = 10_000;

pub const RULES: usize = 100_000;
pub const RULE_ID_BYTES: usize = 64;
pub const RULE_NAME_BYTES: usize = 256;
pub const RULE_DESCRIPTION_BYTES: usize = 4 * 1024;
pub const RULE_EXPRESSION_BYTES: usize = 64 * 1024;
pub const RULE_TAGS: usize = 32;
pub const RULE_TAG_BYTES: usize = 64;

pub const PAGE: usize = 1000;
pub const BUCKETS: usize = 500;
