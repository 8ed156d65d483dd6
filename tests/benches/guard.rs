//! What the guard costs a call that the policy allows: memory store, buffered journal, a closure as policy.

use std::{hint::black_box, sync::Arc, time::Duration};

use approval_core::{ActionSpec, ApprovalError, ApprovalManager, Risk, policy::Ruling, store::MemoryStore};
use approval_tests::bench::{
    load::runtime,
    mode::sized,
    ours::{arguments, call},
    pairs::{Pair, Pairs, median},
    table::{CASES, Row},
};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::Value;
use std::time::Instant;

/// What the bodies do: next to nothing, so that the guard is seen.
async fn body(arguments: &Value) -> Result<u64, ApprovalError> {
    Ok(black_box(arguments)["cents"].as_u64().unwrap_or_default())
}

async fn manager() -> ApprovalManager {
    ApprovalManager::builder()
        .store(MemoryStore::new())
        .agent("bench")
        .policy_fn(|call| match call.action.name.as_str() {
            "accounts.balance" => Ruling::allow(),
            _ => Ruling::ask(),
        })
        .unattended()
        .build()
        .expect("a manager")
}

fn spec() -> Arc<ActionSpec> {
    Arc::new(ActionSpec::new("accounts.balance").expect("a name").risk(Risk::Low))
}

/// Seconds for one of `count` guarded calls, and for one of as many bare ones.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn pair(manager: &ApprovalManager, spec: &Arc<ActionSpec>, arguments: &Value, count: u32) -> Pair {
    let begin = Instant::now();
    for _ in 0..count {
        black_box(body(arguments).await.expect("it runs"));
    }
    let bare = begin.elapsed();
    let begin = Instant::now();
    for _ in 0..count {
        let guard = manager.guard(call(spec, arguments));
        let done = guard.run(async |arguments, _| body(&arguments).await).await;
        black_box(done.expect("it runs"));
    }
    Pair {
        ours: begin.elapsed().as_secs_f64() / f64::from(count),
        bare: bare.as_secs_f64() / f64::from(count),
    }
}

fn allowed(criterion: &mut Criterion) {
    let runtime = runtime();
    let pairs = Pairs::default();
    let (spec, arguments) = (spec(), arguments());
    let count = sized(2000, 10);
    let mut group = criterion.benchmark_group("allowed call");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.bench_function("guard(..).run", |bencher| {
        let manager = runtime.block_on(manager());
        bencher.iter_custom(|times| {
            let one = async {
                let mut seconds = 0.0;
                for _ in 0..times {
                    let pair = pair(&manager, &spec, &arguments, count).await;
                    seconds += pair.ours - pair.bare;
                    pairs.add(pair);
                }
                Duration::from_secs_f64(seconds.max(0.0) / f64::from(count))
            };
            // In a task, as an agent's calls are; the thread that blocks is no worker.
            runtime.block_on(one)
        });
    });
    group.finish();
    report(&pairs);
}

fn report(pairs: &Pairs) {
    const MOST: f64 = 3e-6;
    let Some(medians) = pairs.medians() else { return };
    let over = medians.ours - medians.bare;
    let _ = median([over]);
    Row {
        case: CASES[9].to_owned(),
        ours: format!("{:.2} us", medians.ours * 1e6),
        bare: format!("{:.2} us", medians.bare * 1e6),
        ratio: format!("+{:.2} us", over * 1e6),
        goal: "at most +3 us".to_owned(),
        met: over <= MOST,
    }
    .report();
}

criterion_group!(benches, allowed);
criterion_main!(benches);
