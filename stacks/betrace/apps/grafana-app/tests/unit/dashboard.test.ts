// The dashboard against what it reads: metrics by name, queries by their languages' grammars, data sources by uid.
import { parser as logql } from '@grafana/lezer-logql';
import { parser as traceql } from '@grafana/lezer-traceql';
import { parser as promql } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import dashboard from '../../dashboards/betrace.json';

const METRICS: Record<string, string[]> = {
  betrace_spans_ingested_total: [],
  betrace_spans_dropped_total: ['reason'],
  betrace_traces_evaluated_total: [],
  betrace_violations_total: ['rule_id', 'severity'],
  betrace_evaluation_seconds_bucket: ['le'],
  betrace_rules_active: [],
  betrace_buffer_spans: [],
  betrace_buffer_traces: [],
  betrace_buffer_bytes: [],
  betrace_export_failures_total: [],
};

const UIDS: Record<string, string> = { prometheus: 'prometheus', loki: 'loki', tempo: 'tempo' };

interface Target {
  refId: string;
  datasource: { type: string; uid: string };
  expr?: string;
  query?: string;
}

const targets = dashboard.panels.flatMap((panel) =>
  (panel.targets as Target[]).map((target) => ({ title: panel.title, ...target }))
);
const of = (type: string) => targets.filter((target) => target.datasource.type === type);

// Variables of Grafana's own stand for durations.
const filled = (expr: string) => expr.replace(/\$__(rate_interval|range)/g, '5m');

function broken(parser: typeof promql, text: string): boolean {
  let found = false;
  parser.parse(text).iterate({ enter: (node) => void (found ||= node.type.isError) });
  return found;
}

test.each(of('prometheus'))('$title: $expr', ({ expr = '' }) => {
  expect(broken(promql, filled(expr))).toBe(false);
  const [name] = expr.match(/betrace_\w+/) ?? [];
  expect(Object.keys(METRICS)).toContain(name);
  const [, labels] = expr.match(/by \(([^)]*)\)/) ?? [];
  for (const label of labels?.split(', ') ?? []) {
    expect(METRICS[name ?? '']).toContain(label);
  }
});

test.each(of('loki'))('$title: $expr', ({ expr = '' }) => {
  expect(broken(logql as typeof promql, expr)).toBe(false);
});

test.each(of('tempo'))('$title: $query', ({ query = '' }) => {
  expect(broken(traceql as typeof promql, query)).toBe(false);
  expect(query).toContain('.betrace.violation = true');
});

test('the grammars do refuse what is none of theirs', () => {
  expect(broken(promql, 'sum by (x')).toBe(true);
  expect(broken(logql as typeof promql, '{a=')).toBe(true);
  expect(broken(traceql as typeof promql, '{ .a = ')).toBe(true);
});

describe('the dashboard', () => {
  test('shows every metric of the backend', () => {
    const shown = new Set(of('prometheus').flatMap(({ expr }) => expr?.match(/betrace_\w+/g) ?? []));
    expect([...shown].sort()).toEqual(Object.keys(METRICS).sort());
  });

  test('names data sources by the uids of the stack', () => {
    for (const { datasource } of targets) {
      expect(datasource.uid).toBe(UIDS[datasource.type]);
    }
    expect(new Set(targets.map(({ datasource }) => datasource.uid))).toEqual(new Set(Object.keys(UIDS)));
  });

  test('has panels with ids of their own that do not overlap', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});
