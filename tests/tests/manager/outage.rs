//! A store whose calls can be made to fail or to wait, and are counted.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use approval_core::{
    RequestId,
    clock::Timestamp,
    model::{EventLine, OutboxNotice},
    store::{
        ChangeListener, Commit, CommitOutcome, Due, JournalEntry, JournalLine, NoticeClaim, NoticeClaims,
        NoticeSettlement, Page, Query, Record, RecordName, Store, StoreError, StoreInfo, Stored,
    },
};
use async_trait::async_trait;
use tokio::sync::watch;

/// A call of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Now,
    Commit,
    Load,
    Find,
    List,
    Due,
    History,
    ClaimNotices,
    SettleNotices,
    Notices,
    Record,
    Records,
    AppendJournal,
    ReadJournal,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// It fails, and does nothing.
    Fail,
    /// It waits before it is done.
    Wait,
    /// It is done, and its answer waits.
    WaitAfter,
    /// It is done, and its answer is lost.
    FailAfter,
    /// It gives way to other tasks before and after it is done.
    Yield,
}

/// What is answered to a commit instead of doing it; `None`: it is done.
type Answer = Box<dyn FnMut(&Commit) -> Option<Result<CommitOutcome, StoreError>> + Send>;

#[derive(Default)]
struct Answers(Mutex<Option<Answer>>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

#[derive(Debug)]
pub struct Outage {
    inner: Arc<dyn Store>,
    rules: watch::Sender<BTreeMap<Op, Rule>>,
    calls: Mutex<BTreeMap<Op, usize>>,
    listed: AtomicUsize,
    answers: Answers,
    deaf: bool,
}

impl Outage {
    pub fn of(inner: impl Store) -> Arc<Self> {
        let (rules, calls, listed) = (watch::Sender::default(), Mutex::default(), AtomicUsize::new(0));
        let (answers, deaf) = (Answers::default(), false);
        Arc::new(Self { inner: Arc::new(inner), rules, calls, listed, answers, deaf })
    }

    /// The same store as another process sees it that is never notified of changes.
    pub fn deaf(&self) -> Arc<Self> {
        let (rules, calls, listed) = (watch::Sender::default(), Mutex::default(), AtomicUsize::new(0));
        let (answers, inner) = (Answers::default(), Arc::clone(&self.inner));
        Arc::new(Self { inner, rules, calls, listed, answers, deaf: true })
    }

    /// From now on commits get these answers.
    pub fn answer_commits(
        &self,
        answer: impl FnMut(&Commit) -> Option<Result<CommitOutcome, StoreError>> + Send + 'static,
    ) {
        *self.answers.0.lock().unwrap() = Some(Box::new(answer));
    }

    fn rule(&self, op: Op, rule: Rule) {
        self.rules.send_modify(|rules| {
            rules.insert(op, rule);
        });
    }

    /// From now on these calls fail.
    pub fn fail(&self, ops: &[Op]) {
        ops.iter().for_each(|op| self.rule(*op, Rule::Fail));
    }

    /// From now on this call waits for [`Outage::heal`].
    pub fn hold(&self, op: Op) {
        self.rule(op, Rule::Wait);
    }

    /// From now on the answer to this call waits for [`Outage::heal`].
    pub fn hold_after(&self, op: Op) {
        self.rule(op, Rule::WaitAfter);
    }

    /// From now on the answer to this call is lost.
    pub fn fail_after(&self, op: Op) {
        self.rule(op, Rule::FailAfter);
    }

    /// The store inside, which works.
    pub fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    /// From now on every call gives way to other tasks before and after it is done.
    pub fn give_way(&self) {
        for op in [Op::Now, Op::Commit, Op::Load, Op::Find, Op::List, Op::Record, Op::AppendJournal] {
            self.rule(op, Rule::Yield);
        }
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.rules.send_modify(BTreeMap::clear);
        *self.answers.0.lock().unwrap() = None;
    }

    /// How often something was called.
    pub fn calls(&self, op: Op) -> usize {
        self.calls.lock().unwrap().get(&op).copied().unwrap_or_default()
    }

    /// How many requests were read by lists.
    pub fn listed(&self) -> usize {
        self.listed.load(Ordering::SeqCst)
    }

    /// How often anything was called.
    pub fn all_calls(&self) -> usize {
        self.calls.lock().unwrap().values().sum()
    }

    /// Waits until something was called so often.
    pub async fn until_called(&self, op: Op, times: usize) {
        let called = async {
            while self.calls(op) < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), called).await.expect("it is called soon");
    }

    /// What comes of a task whose next commit is held until `meanwhile` is over.
    pub async fn overtake<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
        meanwhile: impl Future<Output = ()>,
    ) -> T {
        let commits = self.calls(Op::Commit);
        self.hold(Op::Commit);
        let held = tokio::spawn(task);
        self.until_called(Op::Commit, commits + 1).await;
        meanwhile.await;
        self.heal();
        tokio::time::timeout(Duration::from_secs(20), held)
            .await
            .expect("it ends soon")
            .expect("it does not panic")
    }

    async fn before(&self, op: Op) -> Result<Option<Rule>, StoreError> {
        *self.calls.lock().unwrap().entry(op).or_default() += 1;
        let mut rules = self.rules.subscribe();
        let rule = rules.borrow_and_update().get(&op).copied();
        match rule {
            Some(Rule::Fail) => return Err(StoreError::unavailable(format!("{op:?} is out of order"))),
            Some(Rule::Wait) => {
                rules.wait_for(|rules| !rules.contains_key(&op)).await.expect("the store is there");
            }
            Some(Rule::Yield) => tokio::task::yield_now().await,
            Some(Rule::WaitAfter | Rule::FailAfter) | None => {}
        }
        Ok(rule)
    }

    async fn call<T>(
        &self,
        op: Op,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let rule = self.before(op).await?;
        let done = call.await?;
        match rule {
            Some(Rule::Yield) => {
                tokio::task::yield_now().await;
                Ok(done)
            }
            Some(Rule::WaitAfter) => {
                let mut rules = self.rules.subscribe();
                rules.wait_for(|rules| !rules.contains_key(&op)).await.expect("the store is there");
                Ok(done)
            }
            Some(Rule::FailAfter) => Err(StoreError::unavailable(format!("the answer to {op:?} is lost"))),
            Some(Rule::Fail | Rule::Wait) | None => Ok(done),
        }
    }
}

#[async_trait]
impl Store for Outage {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.call(Op::Now, self.inner.now()).await
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let answer = self.answers.0.lock().unwrap().as_mut().and_then(|answer| answer(&commit));
        if let Some(answer) = answer {
            return self.call(Op::Commit, async { answer }).await;
        }
        self.call(Op::Commit, self.inner.commit(commit)).await
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.call(Op::Load, self.inner.load(id)).await
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.call(Op::Find, self.inner.find(key)).await
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let page = self.call(Op::List, self.inner.list(query)).await?;
        self.listed.fetch_add(page.items.len(), Ordering::SeqCst);
        Ok(page)
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        self.call(Op::Due, self.inner.due(namespace, limit)).await
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.call(Op::History, self.inner.history(id)).await
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        self.call(Op::ClaimNotices, self.inner.claim_notices(claim)).await
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        self.call(Op::SettleNotices, self.inner.settle_notices(settlements)).await
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.call(Op::Notices, self.inner.notices(request)).await
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.call(Op::Record, self.inner.record(name)).await
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.call(Op::Records, self.inner.records(prefix, after, limit)).await
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        self.call(Op::AppendJournal, self.inner.append_journal(lines)).await
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.call(Op::ReadJournal, self.inner.read_journal(after, limit)).await
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        if !self.deaf {
            self.inner.subscribe(listener);
        }
    }
}
