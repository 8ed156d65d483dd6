//! What 100 rules of a file cost a call, beside bare evaluations of their conditions.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use approval_core::{
    file::ApprovalsFile,
    model::canonical::to_canonical,
    policy::{Rules, Ruling, SampleCall},
};
use approval_tests::bench::{
    mode::sized,
    ours::arguments,
    pairs::{Medians, Pair, Pairs},
    table::{CASES, Row},
};
use cel::{Context, IdedExpr, Value, parser::PrattParser};
use criterion::{Criterion, criterion_group, criterion_main};

const RULES: usize = 100;

/// The condition of a rule. It holds for no call, so that every rule is looked at.
fn condition(number: usize) -> String {
    format!("args.cents > {}", 10_000_000 + number)
}

fn rules(action: impl Fn(usize) -> String) -> Rules {
    let rule = |number| {
        format!("  - {{name: r{number}, {}when: {}, deny: too dear}}\n", action(number), condition(number))
    };
    let text: String = (0..RULES).map(rule).collect();
    let text = format!("policy:\n  defaults: {{outcome: allow}}\n  rules:\n{text}");
    ApprovalsFile::parse("bench.yaml", &text).expect("rules").policy.expect("rules")
}

fn sample() -> SampleCall {
    let arguments = to_canonical(&arguments()).expect("arguments");
    SampleCall::new(
        "bench.action_50".parse().expect("a name"),
        arguments,
        "2026-11-20T15:30:00Z".parse().expect("a time"),
    )
}

/// Conditions that are parsed, and a context with everything in it, as somebody would use CEL without rules.
struct Bare {
    conditions: Vec<IdedExpr>,
    context: Context<'static, 'static>,
}

impl Bare {
    fn new(count: usize) -> Self {
        let parse = |number| PrattParser::new().parse(&condition(number)).expect("a condition");
        let mut context = Context::default();
        let arguments = arguments();
        // JSON integers would become unsigned.
        let fields = arguments.as_object().expect("an object").iter().map(|(key, value)| {
            let value = value.as_i64().map_or_else(|| Value::from(value.to_string()), Value::from);
            (key.clone(), value)
        });
        context.add_variable_from_value("args", fields.collect::<std::collections::HashMap<String, Value>>());
        Self { conditions: (0..count).map(parse).collect(), context }
    }

    fn evaluate(&self) -> usize {
        let holds = |condition: &&IdedExpr| Value::resolve(condition, &self.context) == Ok(Value::Bool(true));
        self.conditions.iter().filter(holds).count()
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn pair(rules: &Rules, sample: &SampleCall, bare: &Bare, count: u32) -> Pair {
    let begin = Instant::now();
    for _ in 0..count {
        assert_eq!(black_box(bare.evaluate()), 0);
    }
    let of_bare = begin.elapsed();
    let begin = Instant::now();
    for _ in 0..count {
        assert!(matches!(black_box(rules.ruling(&sample.call())), Ruling::Allow { .. }));
    }
    Pair {
        ours: begin.elapsed().as_secs_f64() / f64::from(count),
        bare: of_bare.as_secs_f64() / f64::from(count),
    }
}

fn case(criterion: &mut Criterion, name: &str, rules: &Rules, bare: &Bare) -> Option<Medians> {
    let (sample, pairs, count) = (sample(), Pairs::default(), sized(500, 2));
    let mut group = criterion.benchmark_group("policy");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let mut seconds = 0.0;
            for _ in 0..times {
                let pair = pair(rules, &sample, bare, count);
                seconds += pair.ours;
                pairs.add(pair);
            }
            Duration::from_secs_f64(seconds)
        });
    });
    group.finish();
    pairs.medians()
}

fn policy(criterion: &mut Criterion) {
    let named = rules(|number| format!("action: bench.action_{number}, "));
    if let Some(medians) = case(criterion, "100 rules that name their action", &named, &Bare::new(1)) {
        row(CASES[11], &medians, "at most 20 us", medians.ours <= 20e-6);
    }
    let unnamed = rules(|_| String::new());
    if let Some(medians) = case(criterion, "100 rules about every action", &unnamed, &Bare::new(RULES)) {
        row(CASES[12], &medians, "at most 1.2x", medians.ratio <= 1.2);
    }
}

fn row(case: &str, medians: &Medians, goal: &str, met: bool) {
    Row {
        case: case.to_owned(),
        ours: format!("{:.2} us", medians.ours * 1e6),
        bare: format!("{:.2} us", medians.bare * 1e6),
        ratio: format!("{:.2}x", medians.ratio),
        goal: goal.to_owned(),
        met,
    }
    .report();
}

criterion_group!(benches, policy);
criterion_main!(benches);
