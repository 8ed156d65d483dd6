//! What a large table costs on PostgreSQL: the same work beside a million pending requests and beside a thousand, in turns.

use std::{future::Future, sync::Arc, time::Duration};

use approval_core::{
    id::RequestId,
    model::Status,
    store::{Order, Query, Store},
};
use approval_store::PostgresStore;
use approval_test_cluster::{Cluster, Database};
use approval_tests::bench::{
    filled,
    load::{Approvals, runtime},
    mode::{self, sized},
    other,
    pairs::{Pair, Pairs, median_seconds},
    postgres,
    table::{CASES, Goal, Row},
};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

/// Requests that are opened and decided at a time.
const IN_FLIGHT: usize = 64;
/// Requests that are past due, and how many a page of a list has.
const PAGE: usize = 64;
/// The first row of the table that is about this.
const FIRST: usize = 20;

fn main() {
    let count = u32::try_from(mode::pending(sized(1_000_000, 2_000))).expect("a small number");
    let cluster = postgres::cluster();
    runtime().block_on(async {
        let (large, small) = (Table::new(&cluster, count).await, Table::new(&cluster, 1_000).await);
        let pairs = [(); 4].map(|()| Pairs::default());
        for turn in 0..sized(9, 1) {
            let (large, small) = if turn % 2 == 0 {
                let large = large.work().await;
                (large, small.work().await)
            } else {
                let small = small.work().await;
                (large.work().await, small)
            };
            println!("create, decide, due, list: {large:.6?} and {small:.6?}");
            for (pairs, (ours, bare)) in pairs.iter().zip(large.into_iter().zip(small)) {
                pairs.add(Pair { ours, bare });
            }
        }
        for (place, pairs) in pairs.iter().enumerate() {
            let medians = pairs.medians().expect("a pair");
            Row::of_pairs(CASES[FIRST + place], &medians, Goal::TimeAtMost(1.5)).report();
        }
    });
}

/// A database with so many pending requests.
struct Table {
    database: Database,
    client: Client,
    /// Of nobody who would see to what is due.
    store: PostgresStore,
    middle: RequestId,
}

impl Table {
    async fn new(cluster: &Cluster, count: u32) -> Self {
        let database = cluster.database().expect("a database");
        postgres::sample(database.url()).await;
        let client = postgres::connect(database.url()).await;
        let begin = other::moment();
        filled::fill(&client, count).await;
        println!("{count} requests written in {:.1?}", other::moment() - begin);
        let sql = "SELECT id FROM requests WHERE status = 'pending' ORDER BY id LIMIT 1 OFFSET $1";
        let middle: Uuid = client.query_one(sql, &[&i64::from(count / 2)]).await.expect("a row").get(0);
        let store = PostgresStore::connect(database.url()).await.expect("a store");
        Self { database, client, store, middle: RequestId::from_uuid(middle) }
    }

    /// Seconds for one create, one decision, one look at what is due, one page of each of three lists.
    async fn work(&self) -> [f64; 4] {
        let due = self.due().await;
        let list = self.list().await;
        let count = sized(500, 64);
        let ours = Arc::new(postgres::ours(self.database.url()).await);
        let create = each(vec![(); count], |()| {
            let ours = Arc::clone(&ours);
            async move { drop(ours.create().await) }
        })
        .await;
        ours.quiet().await;
        // From all over the table.
        let sql = "SELECT id FROM requests WHERE status = 'pending' ORDER BY md5(id::text || $1) LIMIT $2";
        let limit = i64::try_from(count).expect("a small number");
        let rows = self.client.query(sql, &[&Uuid::new_v4().to_string(), &limit]).await.expect("rows");
        let decide = each(rows.iter().map(|row| row.get(0)).collect(), |id: Uuid| {
            let ours = Arc::clone(&ours);
            async move { ours.decide(RequestId::from_uuid(id)).await }
        })
        .await;
        ours.quiet().await;
        ours.stop().await;
        [create, decide, due, list]
    }

    /// Seconds for one look at what is due, when a page is.
    async fn due(&self) -> f64 {
        let past = "UPDATE requests SET due_at = due_at - 31536000000000 WHERE id IN (
            SELECT id FROM requests WHERE status = 'pending' ORDER BY due_at DESC LIMIT 64)";
        self.client.execute(past, &[]).await.expect("past due");
        let median = repeated(async || {
            let due = self.store.due("default", PAGE).await.expect("an answer");
            assert_eq!(due.items.len(), PAGE);
        })
        .await;
        let back = "UPDATE requests SET due_at = due_at + 31536000000000 WHERE due_at < created_at";
        self.client.execute(back, &[]).await.expect("due later");
        median
    }

    /// Seconds for the newest that are pending, those after the one in the middle, and the oldest of this action.
    async fn list(&self) -> f64 {
        let pending = |order| Query { status: vec![Status::Pending], order, limit: PAGE, ..Query::default() };
        let newest = pending(Order::Descending);
        let middle = Query { after: Some(self.middle), ..pending(Order::Ascending) };
        let action = Query { action: Some("payments.refund".into()), limit: PAGE, ..Query::default() };
        repeated(async || {
            for query in [&newest, &middle, &action] {
                let page = self.store.list(query).await.expect("a page");
                assert_eq!(page.items.len(), PAGE);
            }
        })
        .await
    }
}

/// The median of many times.
async fn repeated(work: impl AsyncFn()) -> f64 {
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..sized(60, 3) {
        let begin = other::moment();
        work().await;
        took.push(other::moment() - begin);
    }
    median_seconds(&took)
}

/// Seconds for each of these, many at a time.
async fn each<T, F>(of: Vec<T>, work: impl Fn(T) -> F) -> f64
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let count = f64::from(u32::try_from(of.len()).expect("a small number"));
    let mut of = of.into_iter();
    let mut tasks: JoinSet<()> = JoinSet::new();
    let begin = other::moment();
    for one in of.by_ref().take(IN_FLIGHT) {
        tasks.spawn(work(one));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task panics");
        if let Some(next) = of.next() {
            tasks.spawn(work(next));
        }
    }
    (other::moment() - begin).as_secs_f64() / count
}
