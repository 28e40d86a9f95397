// The messages of `betrace.v1` in protobuf's JSON mapping, as far as this app reads them.

export type Severity = 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW';

export const SEVERITIES: Severity[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];

export interface Rule {
  id: string;
  name: string;
  description: string;
  expression: string;
  enabled: boolean;
  severity: Severity;
  tags: string[];
  createdAt: string;
  updatedAt: string;
}

export type RuleDraft = Pick<Rule, 'name' | 'description' | 'expression' | 'enabled' | 'severity' | 'tags'>;

export interface RuleList {
  rules: Rule[];
  totalCount: number;
}

export interface Validation {
  valid: boolean;
  error: string;
  /** From 1, in characters, as the others; 0 where the expression is valid. */
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  hint: string;
}

export interface Violation {
  id: string;
  ruleId: string;
  ruleName: string;
  traceId: string;
  spanId: string;
  timestamp: string;
  severity: Severity;
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

export interface ViolationQuery {
  ruleId?: string;
  traceId?: string;
  severity?: string;
  startTime?: string;
  endTime?: string;
  limit?: number;
  offset?: number;
}

export interface ViolationStats {
  totalCount: number;
  bySeverity: Partial<Record<Severity, number>>;
  byRule: Array<{ ruleId: string; ruleName: string; count: number }>;
  buckets: Array<{ startTime: string; count: number; bySeverity: Partial<Record<Severity, number>> }>;
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** Nanoseconds since 1970, as a string: more digits than a number keeps. */
  startTime: string;
  endTime: string;
  durationMs: string;
  attributes: Record<string, string>;
  status: 'UNSET' | 'OK' | 'ERROR';
  kind: string;
  serviceName: string;
}

export interface Trace {
  traceId: string;
  spans: Span[];
  complete: boolean;
  violatedRuleIds: string[];
}

export interface Readiness {
  status: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';
  version: string;
  uptimeSeconds: string;
  metadata: Record<string, string>;
}
