//! What the guard costs a call that the policy allows: memory store, buffered journal, a closure as policy.

use std::{hint::black_box, sync::Arc, time::Duration};

use approval_core::{
    ActionSpec, ApprovalError, ApprovalManager, Risk, guarded_action, policy::Ruling, store::MemoryStore,
};
use approval_tests::bench::{
    load::runtime,
    mode::sized,
    ours::{arguments, call},
    pairs::{Pair, Pairs},
    table::{CASES, Row},
};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::Serialize;
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

/// What the guarded function is given: about as much as the other row.
#[derive(Clone, Serialize)]
struct Question {
    id: String,
    name: String,
    mail: String,
    order: String,
    reason: String,
    cents: u64,
}

fn question() -> Question {
    let question = Question {
        id: "cus_9s6XKzkNRiz8i3".to_owned(),
        name: "Katharina Example".to_owned(),
        mail: "katharina@example.com".to_owned(),
        order: "2026-03-14-000817".to_owned(),
        reason: "arrived broken; photographs came on 12 March, and a second parcel was sent to the neighbours, who \
                 never got it; the carrier has been asked twice since"
            .to_owned(),
        cents: 12_950,
    };
    let bytes = serde_json::json!({ "question": question }).to_string().len();
    assert!((280..=320).contains(&bytes), "{bytes} bytes");
    question
}

#[guarded_action(name = "accounts.balance", risk = "low", manager = manager)]
async fn guarded(manager: &ApprovalManager, question: &Question) -> Result<u64, ApprovalError> {
    Ok(black_box(question).cents)
}

async fn unguarded(question: &Question) -> Result<u64, ApprovalError> {
    Ok(black_box(question).cents)
}

/// What is called.
enum Calls {
    Data(Arc<ActionSpec>, Value),
    Function(Question),
}

impl Calls {
    async fn bare(&self) -> u64 {
        let done = match self {
            Self::Data(_, arguments) => body(arguments).await,
            Self::Function(question) => unguarded(question).await,
        };
        done.expect("it runs")
    }

    async fn ours(&self, manager: &ApprovalManager) -> u64 {
        let done = match self {
            Self::Data(spec, arguments) => {
                let guard = manager.guard(call(spec, arguments));
                guard.run(async |arguments, _| body(&arguments).await).await
            }
            Self::Function(question) => guarded(manager, question).await,
        };
        done.expect("it runs")
    }
}

/// Seconds for one of `count` guarded calls, and for one of as many bare ones.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn pair(manager: &ApprovalManager, calls: &Calls, count: u32) -> Pair {
    let begin = Instant::now();
    for _ in 0..count {
        black_box(calls.bare().await);
    }
    let bare = begin.elapsed();
    let begin = Instant::now();
    for _ in 0..count {
        black_box(calls.ours(manager).await);
    }
    Pair {
        ours: begin.elapsed().as_secs_f64() / f64::from(count),
        bare: bare.as_secs_f64() / f64::from(count),
    }
}

fn allowed(criterion: &mut Criterion) {
    row(criterion, "guard(..).run", CASES[9], &Calls::Data(spec(), arguments()));
    row(criterion, "#[guarded_action]", CASES[10], &Calls::Function(question()));
}

fn row(criterion: &mut Criterion, name: &str, case: &str, calls: &Calls) {
    let runtime = runtime();
    let pairs = Pairs::default();
    let count = sized(2000, 10);
    let mut group = criterion.benchmark_group("allowed call");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.bench_function(name, |bencher| {
        let manager = runtime.block_on(manager());
        bencher.iter_custom(|times| {
            let one = async {
                let mut seconds = 0.0;
                for _ in 0..times {
                    let pair = pair(&manager, calls, count).await;
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
    report(case, &pairs);
}

fn report(case: &str, pairs: &Pairs) {
    const MOST: f64 = 3e-6;
    let Some(medians) = pairs.medians() else { return };
    let over = medians.ours - medians.bare;
    Row {
        case: case.to_owned(),
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
