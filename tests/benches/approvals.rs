//! Whole approvals, many at a time and one at a time: ours and bare code, in turns.

use std::{hint::black_box, sync::Arc, time::Duration};

use approval_core::store::MemoryStore;
use approval_tests::bench::{
    bare_memory::BareMemory,
    load::{Approvals, latencies, runtime, throughput},
    mode::sized,
    ours::Ours,
    pairs::{Pair, Pairs, median_seconds},
    sqlite,
    table::{CASES, Goal, Row},
};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

/// What is done in one measurement.
#[derive(Clone, Copy)]
enum Load {
    /// So many at a time; how many in all of ours, and of the bare ones: so that both take about as long.
    InFlight(usize, usize, usize),
    /// One after the other, how many in all.
    OneByOne(usize),
}

/// Seconds for one approval.
#[derive(Clone, Copy)]
struct Each {
    wall: f64,
    processor: f64,
}

impl Load {
    async fn ours<A: Approvals>(self, approvals: &Arc<A>) -> Each {
        match self {
            Self::InFlight(in_flight, count, _) => many(approvals, in_flight, count).await,
            Self::OneByOne(count) => single(approvals, count).await,
        }
    }

    async fn bare<A: Approvals>(self, approvals: &Arc<A>) -> Each {
        match self {
            Self::InFlight(in_flight, _, count) => many(approvals, in_flight, count).await,
            Self::OneByOne(count) => single(approvals, count).await,
        }
    }
}

async fn many<A: Approvals>(approvals: &Arc<A>, in_flight: usize, count: usize) -> Each {
    let took = throughput(approvals, in_flight, count).await;
    let count = f64::from(u32::try_from(count).expect("a small number"));
    Each { wall: took.wall.as_secs_f64() / count, processor: took.processor.as_secs_f64() / count }
}

async fn single<A: Approvals>(approvals: &Arc<A>, count: usize) -> Each {
    let median = median_seconds(&latencies(approvals, count).await);
    Each { wall: median, processor: median }
}

/// Measures ours and bare in turns; criterion is given both, the table the ratios of the pairs.
fn compare<O: Approvals, B: Approvals>(
    criterion: &mut Criterion,
    (name, case): (&str, &str),
    (load, goal): (Load, Goal),
    ours: impl AsyncFn() -> Arc<O>,
    bare: impl AsyncFn() -> Arc<B>,
    stop: impl AsyncFn(&O),
) {
    let runtime: Runtime = runtime();
    let (pairs, processor_pairs) = (Pairs::default(), Pairs::default());
    let mut turn = 0_u32;
    let mut pair = || {
        turn += 1;
        runtime.block_on(async {
            let measure_bare = async || load.bare(&bare().await).await;
            let measure_ours = async || {
                let ours = ours().await;
                let each = load.ours(&ours).await;
                stop(&ours).await;
                each
            };
            let (ours, bare) = if turn.is_multiple_of(2) {
                let bare = measure_bare().await;
                (measure_ours().await, bare)
            } else {
                let ours = measure_ours().await;
                (ours, measure_bare().await)
            };
            processor_pairs.add(Pair { ours: ours.processor, bare: bare.processor });
            let pair = Pair { ours: ours.wall, bare: bare.wall };
            pairs.add(pair);
            black_box(pair)
        })
    };
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(1));
    group.throughput(Throughput::Elements(1));
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| Duration::from_secs_f64(pair().ours)).sum());
    });
    // What was measured beside ours, not once more: only for criterion's own report.
    let mut measured = pairs.all().into_iter().cycle();
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|times| {
            let next = |_| Duration::from_secs_f64(measured.next().unwrap_or_else(&mut pair).bare);
            (0..times).map(next).sum()
        });
    });
    group.finish();
    if let Some(medians) = pairs.medians() {
        Row::of_pairs(case, &medians, goal).report();
    }
    if let (Load::InFlight(..), Some(medians)) = (load, processor_pairs.medians()) {
        let (ours, bare) = (medians.ours * 1e6, medians.bare * 1e6);
        println!(
            "processor time for one approval: ours {ours:.2} us, bare {bare:.2} us, ratio {:.3}",
            1.0 / medians.ratio
        );
    }
}

async fn ours_in_memory() -> Arc<Ours> {
    Arc::new(Ours::new(Arc::new(MemoryStore::new())).await)
}

async fn bare_in_memory() -> Arc<BareMemory> {
    Arc::new(BareMemory::new())
}

fn memory(criterion: &mut Criterion) {
    let many = Load::InFlight(64, sized(40_000, 640), sized(200_000, 640));
    compare(
        criterion,
        ("memory/64 in flight", CASES[0]),
        (many, Goal::RateAtLeast(0.25)),
        ours_in_memory,
        bare_in_memory,
        Ours::stop,
    );
    let one = Load::OneByOne(sized(200, 10));
    compare(
        criterion,
        ("memory/decision to awake", CASES[1]),
        (one, Goal::TimeAtMost(2.0)),
        ours_in_memory,
        bare_in_memory,
        Ours::stop,
    );
}

fn sqlite_case(criterion: &mut Criterion, names: (&str, &str), load: Load, goal: Goal) {
    let sample = runtime().block_on(sqlite::sample());
    compare(
        criterion,
        names,
        (load, goal),
        async || Arc::new(sqlite::ours().await),
        async || Arc::new(sqlite::bare(sample.clone())),
        async |ours| ours.inner().stop().await,
    );
}

fn on_sqlite(criterion: &mut Criterion) {
    let many = |in_flight| Load::InFlight(in_flight, sized(15_000, in_flight), sized(20_000, in_flight));
    let names = |name, case: usize| (name, CASES[case]);
    sqlite_case(criterion, names("sqlite/64 in flight", 2), many(64), Goal::RateAtLeast(0.75));
    sqlite_case(criterion, names("sqlite/256 in flight", 3), many(256), Goal::RateAtLeast(0.65));
    let one = Load::OneByOne(sized(200, 10));
    sqlite_case(criterion, names("sqlite/decision to awake", 4), one, Goal::TimeAtMost(1.25));
}

criterion_group!(benches, memory, on_sqlite);
criterion_main!(benches);
