// The messages of the backend in protobuf's JSON mapping: see `proto/betrace/v1` and `docs/api.md` of the backend.
// 64-bit integers are strings, times RFC 3339.

export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export type Severity = (typeof severities)[number];

export function isSeverity(text: unknown): text is Severity {
  return severities.some((severity) => severity === text);
}

export interface Rule {
  id: string;
  name: string;
  description: string;
  expression: string;
  enabled: boolean;
  severity: string;
  tags: string[];
  createdAt: string;
  updatedAt: string;
}

/** What a person can change of a rule. */
export type RuleDraft = Pick<Rule, 'name' | 'description' | 'expression' | 'enabled' | 'severity' | 'tags'>;

export interface RuleList {
  rules: Rule[];
  totalCount: number;
}

/** Lines and columns count from 1, columns in characters, the end is exclusive; all are 0 for a valid expression. */
export interface Validation {
  valid: boolean;
  error: string;
  line: number;
  column: number;
  hint: string;
  endLine: number;
  endColumn: number;
}

export interface Violation {
  id: string;
  ruleId: string;
  ruleName: string;
  traceId: string;
  spanId: string;
  timestamp: string;
  severity: string;
  message: string;
  context: Record<string, string>;
  spanIds: string[];
  signature: string;
  verified: boolean;
}

export interface ViolationList {
  violations: Violation[];
  totalCount: number;
}

export interface RuleCount {
  ruleId: string;
  ruleName: string;
  count: number;
}

export interface Bucket {
  startTime: string;
  count: number;
  bySeverity: Record<string, number>;
}

export interface ViolationStats {
  totalCount: number;
  bySeverity: Record<string, number>;
  byRule: RuleCount[];
  buckets: Bucket[];
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** Nanoseconds since 1970, as `endTime`. */
  startTime: string;
  endTime: string;
  durationMs: string;
  attributes: Record<string, string>;
  status: string;
  kind: string;
  serviceName: string;
}

export interface Trace {
  traceId: string;
  spans: Span[];
  complete: boolean;
  violatedRuleIds: string[];
}

export interface Health {
  status: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';
  version: string;
  uptimeSeconds: string;
  /** For each part that was looked at, `ok` or what is wrong with it. */
  metadata: Record<string, string>;
}

export interface ServiceStatus {
  name: string;
  state: 'UNKNOWN' | 'UP' | 'DOWN';
  url: string;
  message: string;
  checkedAt: string | null;
  latencyMs: string;
}

export interface StackStatus {
  services: ServiceStatus[];
}
