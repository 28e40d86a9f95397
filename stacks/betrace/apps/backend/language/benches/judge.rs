//! What 100 rules cost for one trace of ten spans. `cargo bench -p betrace-language`

use std::collections::BTreeMap;
use std::hint::black_box;

use betrace_language::{Rule, Span, Trace, Value, Verdict};
use criterion::{Criterion, criterion_group, criterion_main};

struct BenchSpan(Vec<(String, i64)>);

struct BenchTrace {
    spans: Vec<BenchSpan>,
    by_name: BTreeMap<String, Vec<u32>>,
}

impl Span for BenchSpan {
    fn attribute(&self, key: &str) -> Option<Value<'_>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| Value::Int(*value))
    }
}

impl Trace for BenchTrace {
    type Span = BenchSpan;

    fn len(&self) -> usize {
        self.spans.len()
    }

    fn span(&self, index: usize) -> &BenchSpan {
        &self.spans[index]
    }

    fn named(&self, name: &str) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Spans `step.0` to `step.9`, each with eight attributes.
fn trace() -> BenchTrace {
    let attributes = |span: i64| (0..8).map(|key| (format!("attribute.{key}"), span * 100 + key)).collect();
    BenchTrace {
        spans: (0..10).map(|span| BenchSpan(attributes(span))).collect(),
        by_name: (0..10).map(|span| (format!("step.{span}"), vec![span])).collect(),
    }
}

/// A hundred rules, made from their number.
fn rules(text: impl Fn(usize) -> String) -> Vec<Rule> {
    (0..100).map(|number| text(number).parse().unwrap()).collect()
}

fn judge(criterion: &mut Criterion) {
    let trace = trace();
    let mut bench = |name: &str, rules: Vec<Rule>, violated: usize| {
        let count = || rules.iter().filter(|rule| matches!(rule.judge(&trace), Verdict::Violated(_))).count();
        assert_eq!(count(), violated, "{name}");
        criterion
            .bench_function(&format!("100 rules, {name}"), |bencher| bencher.iter(|| black_box(count())));
    };
    bench("no name is there", rules(|n| format!("when {{ other.{n}.where(x > 5) }} always {{ b }}")), 0);
    bench(
        "no `where` holds",
        rules(|n| format!("when {{ step.{}.where(attribute.7 > 5000) }} always {{ b }}", n % 10)),
        0,
    );
    bench(
        "all apply and are kept",
        rules(|n| {
            format!(
                "when {{ step.{}.where(attribute.7 >= 0) }} always {{ step.3 }} never {{ x.{n} }}",
                n % 10
            )
        }),
        0,
    );
    bench(
        "a tenth applies and is kept",
        rules(|n| {
            let name = if n % 10 == 0 { format!("step.{}", n / 10) } else { format!("other.{n}") };
            format!(
                "when {{ {name}.where(attribute.0 >= 0 and attribute.3 != 7) }} always {{ count(step.1) <= 20 }}"
            )
        }),
        0,
    );
    bench("all are broken", rules(|n| format!("when {{ step.{} }} never {{ step.3 }}", n % 10)), 100);
}

fn parse(criterion: &mut Criterion) {
    let text = "when { order.ship.where(total > 500 and status in [\"a\", \"b\"]) } always { label.scan } never { ship.override }";
    criterion.bench_function("parse", |bencher| bencher.iter(|| black_box(text).parse::<Rule>().unwrap()));
}

criterion_group!(benches, judge, parse);
criterion_main!(benches);
