//! Requests, runs and lines of the journal name the rules and the people in force; their texts are kept, and a reload is on
//! record.

use std::{
    fmt::Write as _,
    fs,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use approval_core::{
    Action, ApprovalError, RequestId,
    audit::{next_source, read_source},
    directory::file::FileDirectory,
    file::{ApprovalsFile, WatchedFile},
    lifecycle::Edit,
    manager::ManagerBuilder,
    model::{
        Basis, EventKind, Gate, Limit, OverLimit, Reload, Requirement, Source, SourceDigest, SourceKind,
        canonical,
    },
    policy::{Call, Policy, PolicyError, ReloadListener, ReloadListeners, Ruling},
    store::{Commit, JournalLine, MemoryStore, Query, RecordName, RecordWrite, Store},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use async_trait::async_trait;
use tempfile::TempDir;

use crate::{
    common::{ANN, BOB, Runs, call, call_with, error, on_outage, person, seconds, soon},
    outage::Op,
};

const PEOPLE: &str =
    "directory:\n  people:\n    user:ann@example.com:\n    user:bob@example.com:\n    user:cat@example.com:";

/// Rules of which one asks.
fn rules(rule: &str) -> String {
    format!(
        "policy:\n  rules:\n  - {{name: {rule}, action: payments.*, ask: {{editable: cents, approvers: {BOB}}}}}"
    )
}

/// A file with these rules, with people, and with secrets that nobody may keep.
fn file_of(rules: &str) -> String {
    format!(
        "# token: s3cret\nserver: {{token: s3cret}}\n{rules}\n\n# token: s3cret\nchannels:\n  mail: {{password: s3cret}}\n{PEOPLE}\n"
    )
}

fn digest(text: &str) -> SourceDigest {
    SourceDigest::of(text)
}

fn basis(rules: &str) -> Basis {
    Basis::new(Some(digest(rules)), Some(digest(PEOPLE)))
}

/// A watched file, and the folder that it lies in.
struct Watched {
    file: WatchedFile,
    folder: TempDir,
}

impl Watched {
    fn new(text: &str, clock: &FakeClock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("approvals.yaml");
        fs::write(&path, text).unwrap();
        Self { file: WatchedFile::load(&path, clock).unwrap(), folder }
    }

    /// Writes the file anew, and has it read.
    fn say(&self, text: &str, clock: &FakeClock) {
        fs::write(self.folder.path().join("approvals.yaml"), text).unwrap();
        assert!(self.file.reload(clock).unwrap());
    }

    fn configure(&self) -> impl FnOnce(ManagerBuilder) -> ManagerBuilder + use<> {
        let file = self.file.clone();
        move |builder| builder.unattended().policy(file.clone()).directory(file)
    }
}

fn in_memory(clock: &FakeClock) -> Arc<dyn Store> {
    Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())))
}

/// What the lines of a history name.
async fn named(manager: &TestManager, id: RequestId) -> Vec<(&'static str, Basis)> {
    manager.verify_history(id).await.unwrap();
    let lines = manager.history(id).await.unwrap();
    let word = |what: &EventKind| match what {
        EventKind::Created { .. } => Some("created"),
        EventKind::Edited { .. } => Some("edited"),
        EventKind::Consumed { .. } => Some("consumed"),
        _ => None,
    };
    let whats = lines.iter().map(|line| line.event().unwrap().what);
    whats.filter_map(|what| Some((word(&what)?, what.basis()?))).collect()
}

/// Every text that a store keeps.
async fn texts(store: &dyn Store) -> Vec<String> {
    let (mut texts, mut last) = (Vec::new(), None);
    while let Some(found) = next_source(store, last).await.unwrap() {
        texts.push((**read_source(store, found).await.unwrap().unwrap().text()).to_owned());
        last = Some(found);
    }
    texts.sort();
    texts
}

/// All that a store says of reloads: of what, from where and to where.
async fn reloads(manager: &TestManager) -> Vec<(SourceKind, Option<SourceDigest>, Option<SourceDigest>)> {
    let lines = manager.journal().await.unwrap();
    let reload = |line: &JournalLine| match line {
        JournalLine::Reloaded { agent, namespace, what, from, to, .. } => {
            assert_eq!((agent.as_str(), &**namespace), ("agent:test", "default"));
            Some((*what, *from, *to))
        }
        _ => None,
    };
    lines.iter().filter_map(reload).collect()
}

async fn approval_of(manager: &TestManager, action: Action) -> approval_core::manager::Approved {
    let waiting = manager.request(action).await.unwrap();
    for person in [ANN, BOB] {
        if manager.get(waiting.id()).await.unwrap().status.is_open() {
            manager.approve(waiting.id(), person).await.unwrap();
        }
    }
    soon(waiting).await.unwrap()
}

async fn open(manager: &TestManager) -> RequestId {
    manager.request(call()).await.unwrap().detach()
}

async fn requests_and_runs_name_the_rules_of_their_moment(store: Arc<dyn Store>, clock: FakeClock) {
    let (before, after) = (rules("of then"), rules("of now"));
    let watched = Watched::new(&file_of(&before), &clock);
    let manager = TestManager::on(Arc::clone(&store), &clock, watched.configure()).unwrap();
    let approved = approval_of(&manager, call()).await;
    let id = approved.request().id;
    assert_eq!(manager.get(id).await.unwrap().basis.as_deref(), Some(&basis(&before)));

    watched.say(&file_of(&after), &clock);
    approved.begin().await.unwrap().succeeded(None).await;
    assert_eq!(named(&manager, id).await, [("created", basis(&before)), ("consumed", basis(&after))]);
    assert_eq!(manager.get(id).await.unwrap().basis.as_deref(), Some(&basis(&before)), "as it was opened");
    let next = manager.request(call()).await.unwrap();
    assert_eq!(named(&manager, next.id()).await, [("created", basis(&after))]);

    // Other settings are nobody's rules.
    watched.say(&file_of(&after).replace("s3cret}", "s3cret, port: 8}"), &clock);
    manager.shutdown().await.unwrap();
    let expected = [(SourceKind::Policy, Some(digest(&before)), Some(digest(&after)))];
    assert_eq!(reloads(&manager).await, expected);
    let mut kept = [PEOPLE.to_owned(), before, after];
    kept.sort();
    assert_eq!(texts(&*store).await, kept);
    for record in store.records("", None, 1000).await.unwrap() {
        assert!(!String::from_utf8_lossy(&record.value).contains("s3cret"), "{}", record.name);
    }
}

#[tokio::test]
async fn requests_and_runs_name_the_rules_of_their_moment_in_memory() {
    let clock = FakeClock::new();
    requests_and_runs_name_the_rules_of_their_moment(in_memory(&clock), clock).await;
}

#[tokio::test]
async fn requests_and_runs_name_the_rules_of_their_moment_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = SqliteStore::builder(folder.path().join("approvals.db")).clock(Arc::new(clock.clone()));
    requests_and_runs_name_the_rules_of_their_moment(Arc::new(store.open().unwrap()), clock).await;
}

#[tokio::test]
async fn requests_and_runs_name_the_rules_of_their_moment_on_postgres() {
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    requests_and_runs_name_the_rules_of_their_moment(store, clock).await;
}

#[tokio::test]
async fn an_edit_names_the_rules_that_judged_the_new_arguments() {
    let clock = FakeClock::new();
    let (before, after) = (rules("of then"), rules("of now"));
    let watched = Watched::new(&file_of(&before), &clock);
    let manager = TestManager::on(in_memory(&clock), &clock, watched.configure()).unwrap();
    let waiting = manager.request(call()).await.unwrap();
    watched.say(&file_of(&after), &clock);
    let seen = manager.get(waiting.id()).await.unwrap();
    let edit = Edit { path: "cents".into(), value: canonical::parse_canonical("400").unwrap() };
    manager.decider("test").approve_edited(&seen, &person(BOB), vec![edit], None).await.unwrap();
    assert_eq!(named(&manager, waiting.id()).await, [("created", basis(&before)), ("edited", basis(&after))]);
}

#[tokio::test]
async fn a_request_that_is_tried_again_names_the_rules_of_now_by_which_it_is_asked() {
    let clock = FakeClock::new();
    let (before, after) = (rules("of then"), rules("of now"));
    let watched = Watched::new(&file_of(&before), &clock);
    let manager = TestManager::on(in_memory(&clock), &clock, watched.configure()).unwrap();
    let waiting = manager.request(call()).await.unwrap();
    manager.reject(waiting.id(), ANN, "not now").await.unwrap();
    watched.say(&file_of(&after), &clock);
    let again = manager.retry(waiting.id()).await.unwrap();
    assert_eq!(named(&manager, again.id()).await, [("created", basis(&after))]);
}

#[tokio::test]
async fn a_question_names_the_people_alone() {
    let clock = FakeClock::new();
    let watched = Watched::new(&file_of(&rules("asks")), &clock);
    let manager = TestManager::on(in_memory(&clock), &clock, watched.configure()).unwrap();
    let waiting = manager.ask::<u32>("How many?").to([ANN]).open().await.unwrap();
    assert_eq!(named(&manager, waiting.id()).await, [("created", Basis::new(None, Some(digest(PEOPLE))))]);
}

/// What the journal names for the calls of the test.
async fn calls(manager: &TestManager) -> Vec<(String, Option<Basis>)> {
    let lines = manager.journal().await.unwrap();
    let named = |line: JournalLine| match line {
        JournalLine::Call { outcome, basis, .. } => Some((outcome.to_string(), basis.as_deref().copied())),
        _ => None,
    };
    lines.into_iter().filter_map(named).collect()
}

#[tokio::test]
async fn calls_that_nobody_is_asked_about_name_the_rules_in_the_journal() {
    let text = "policy:\n  rules:\n  - {name: no, action: payments.refund, when: args.cents > 1000, deny: too much}\n  \
                - {name: yes, action: payments.refund, allow: true, may_relax: true}";
    let clock = FakeClock::new();
    let watched = Watched::new(&file_of(text), &clock);
    let (manager, store) = on_outage(watched.configure());
    let runs = Runs::default();
    runs.run(&manager, call()).await.unwrap();
    let much = call().arguments(&serde_json::json!({"cents": 1001})).unwrap();
    assert!(matches!(error(runs.run(&manager, much).await).0, ApprovalError::PolicyDenied { .. }));
    manager.shutdown().await.unwrap();
    let basis = Some(basis(text));
    let expected = [("allowed", basis), ("denied", basis), ("succeeded", basis)];
    let expected: Vec<_> = expected.into_iter().map(|(outcome, basis)| (outcome.to_owned(), basis)).collect();
    let mut found = calls(&manager).await;
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(texts(&*store.inner()).await.len(), 2);
}

#[tokio::test]
async fn after_the_first_call_texts_are_neither_written_nor_looked_for() {
    let clock = FakeClock::new();
    let store = in_memory(&clock);
    let watched = Watched::new(&file_of(&rules("asks")), &clock);
    let manager = TestManager::on(Arc::clone(&store), &clock, watched.configure()).unwrap();
    let name = RecordName::new(format!("source/{}/0000", digest(&rules("asks")).hex()));
    let kept = async || store.record(&name).await.unwrap().map(|record| record.version);
    open(&manager).await;
    assert_eq!(kept().await, Some(1));
    // Another process looks, and does not write it again.
    open(&manager.another(watched.configure()).unwrap()).await;
    assert_eq!(kept().await, Some(1));
    let gone = RecordWrite { name: name.clone(), value: None };
    store.commit(Commit { writes: vec![gone], ..Commit::default() }).await.unwrap();
    for _ in 0..3 {
        approval_of(&manager, call()).await.begin().await.unwrap().succeeded(None).await;
    }
    assert_eq!(kept().await, None);
}

#[tokio::test]
async fn while_a_text_cannot_be_kept_nothing_that_names_it_is_opened_or_runs() {
    let clock = FakeClock::new();
    for op in [Op::Records, Op::Commit] {
        for text in [rules("asks"), "policy: {rules: [{name: all, allow: true, may_relax: true}]}".to_owned()]
        {
            let watched = Watched::new(&file_of(&text), &clock);
            let (manager, store) = on_outage(watched.configure());
            let runs = Runs::default();
            store.fail(&[op]);
            let (failed, why) = error(soon(runs.run(&manager, call())).await);
            assert!(matches!(failed, ApprovalError::Store(_)), "{op:?}: {why}");
            assert_eq!(runs.count(), 0, "{op:?}");
            let store = store.inner();
            assert!(store.list(&Query::default()).await.unwrap().items.is_empty());
            assert!(texts(&*store).await.is_empty());
        }
    }
}

#[tokio::test]
async fn an_approval_does_not_run_under_rules_whose_text_cannot_be_kept() {
    let clock = FakeClock::new();
    let watched = Watched::new(&file_of(&rules("of then")), &clock);
    let (manager, store) = on_outage(watched.configure());
    let approved = approval_of(&manager, call()).await;
    watched.say(&file_of(&rules("of now")), &clock);
    store.fail(&[Op::Records]);
    assert!(matches!(error(approved.begin().await).0, ApprovalError::Store(_)));
    store.heal();
    approved.begin().await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn a_reload_that_could_not_be_written_down_is_written_later_and_in_order() {
    let clock = FakeClock::new();
    let texts = [rules("first"), rules("second"), rules("third")];
    let watched = Watched::new(&file_of(&texts[0]), &clock);
    let (manager, store) = on_outage(watched.configure());
    store.fail(&[Op::AppendJournal]);
    watched.say(&file_of(&texts[1]), &clock);
    manager.advance(seconds(1)).await;
    watched.say(&file_of(&texts[2]), &clock);
    manager.advance(seconds(1)).await;
    assert!(manager.shutdown().await.is_err());
    assert!(manager.journal().await.unwrap().is_empty());
    store.heal();
    manager.shutdown().await.unwrap();
    let step = |from: &str, to: &str| (SourceKind::Policy, Some(digest(from)), Some(digest(to)));
    assert_eq!(reloads(&manager).await, [step(&texts[0], &texts[1]), step(&texts[1], &texts[2])]);
}

#[tokio::test]
async fn sections_that_come_and_go_are_reloads() {
    let clock = FakeClock::new();
    let watched = Watched::new(&format!("{PEOPLE}\n"), &clock);
    let manager = TestManager::on(in_memory(&clock), &clock, watched.configure()).unwrap();
    let rules = rules("asks");
    watched.say(&format!("{rules}\n{PEOPLE}\n"), &clock);
    watched.say(&format!("policy: none\n{PEOPLE}\n"), &clock);
    watched.say("policy: none\ndirectory: none\n", &clock);
    manager.shutdown().await.unwrap();
    assert_eq!(
        reloads(&manager).await,
        [
            (SourceKind::Policy, None, Some(digest(&rules))),
            (SourceKind::Policy, Some(digest(&rules)), None),
            (SourceKind::Directory, Some(digest(PEOPLE)), None),
        ]
    );
}

#[tokio::test]
async fn a_list_of_people_that_is_replaced_is_a_reload_in_each_namespace() {
    let roster = |people: &str| ApprovalsFile::parse("approvals.yaml", people).unwrap().directory.unwrap();
    let other = PEOPLE.replace("cat", "eve");
    let directory = FileDirectory::new(roster(PEOPLE));
    let shared = directory.clone();
    let manager = TestManager::with(|builder| builder.unattended().directory(shared)).unwrap();
    let shared = directory.clone();
    let tenant = |builder: ManagerBuilder| builder.unattended().directory(shared).namespace("tenant");
    let tenant = manager.another(tenant).unwrap();
    directory.replace(roster(PEOPLE));
    directory.replace(roster(&other));
    tenant.shutdown().await.unwrap();
    manager.shutdown().await.unwrap();
    let lines = manager.journal().await.unwrap();
    let told = lines.iter().map(|line| match line {
        JournalLine::Reloaded { namespace, what: SourceKind::Directory, from, to, .. } => {
            (&**namespace, *from, *to)
        }
        line => panic!("{line:?}"),
    });
    let (before, after) = (Some(digest(PEOPLE)), Some(digest(&other)));
    let of = |namespace| (namespace, before, after);
    assert_eq!(told.collect::<Vec<_>>(), [of("tenant"), of("default")]);
    assert_eq!(texts(&**manager.store()).await.len(), 2);
}

/// Rules that are exchanged while they are asked, as often as it says.
#[derive(Debug)]
struct Exchanged {
    version: AtomicU32,
    until: u32,
}

impl Exchanged {
    fn text(version: u32) -> String {
        format!("version {version}")
    }
}

#[async_trait]
impl Policy for Exchanged {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        let version = self.version.load(Ordering::SeqCst);
        let rule = Self::text(version).into();
        if version < self.until {
            self.version.store(version + 1, Ordering::SeqCst);
        }
        let gate = Gate::only(Arc::clone(&rule), vec![Requirement::any_of([person(ANN)])]);
        Ok(Ruling::Ask { rule, gate: Some(Arc::new(gate)), whole: false })
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::new(Source::new(Self::text(self.version.load(Ordering::SeqCst)))))
    }
}

#[tokio::test]
async fn what_is_named_is_what_ruled_though_rules_are_exchanged_meanwhile() {
    for until in [1, 2, 7] {
        let policy = Exchanged { version: AtomicU32::new(1), until };
        let manager = TestManager::with(|builder| builder.unattended().policy(policy)).unwrap();
        let waiting = manager.request(call()).await.unwrap();
        let request = manager.get(waiting.id()).await.unwrap();
        let text = Exchanged::text(until);
        assert_eq!(*request.gate.rule, *text);
        assert_eq!(request.basis.as_deref(), Some(&Basis::new(Some(digest(&text)), None)));
    }
    let policy = Exchanged { version: AtomicU32::new(1), until: u32::MAX };
    let manager = TestManager::with(|builder| builder.unattended().policy(policy)).unwrap();
    let (refused, text) = error(manager.request(call()).await);
    assert!(matches!(refused, ApprovalError::Policy(_)) && text.contains("another one each time"), "{text}");
}

/// Rules with a text of any length.
#[derive(Debug)]
struct Long(Arc<Source>);

#[async_trait]
impl Policy for Long {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(Ruling::ask())
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::clone(&self.0))
    }
}

/// A text of so many bytes; few of its characters end where a record does.
fn long(bytes: usize) -> Source {
    let mut text = String::new();
    while text.len() < bytes {
        write!(text, "{}ẞ", text.len()).unwrap();
    }
    text.truncate(text.floor_char_boundary(bytes));
    while text.len() < bytes {
        text.push('.');
    }
    Source::new(text)
}

async fn a_long_text_is_kept_in_pieces(store: Arc<dyn Store>, clock: FakeClock) {
    for bytes in [1, 262_144, 262_145, 2 << 20] {
        let source = long(bytes);
        let (digest, policy) = (source.digest(), Long(Arc::new(source.clone())));
        let manager =
            TestManager::on(Arc::clone(&store), &clock, |builder| builder.unattended().policy(policy))
                .unwrap();
        open(&manager).await;
        assert_eq!(read_source(&*store, digest).await.unwrap(), Some(source), "{bytes}");
        let records = store.records(&format!("source/{}/", digest.hex()), None, 1000).await.unwrap();
        assert_eq!(records.len(), bytes.div_ceil(262_144));
        assert!(records.iter().all(|record| record.value.len() < 300_000));
    }
    let policy = Long(Arc::new(long((2 << 20) + 1)));
    let manager =
        TestManager::on(Arc::clone(&store), &clock, |builder| builder.unattended().policy(policy)).unwrap();
    let (refused, text) = error(manager.request(call()).await);
    assert!(matches!(refused, ApprovalError::Invalid(_)) && text.contains("2097152"), "{text}");
}

#[tokio::test]
async fn a_long_text_is_kept_in_pieces_in_memory() {
    let clock = FakeClock::new();
    a_long_text_is_kept_in_pieces(in_memory(&clock), clock).await;
}

#[tokio::test]
async fn a_long_text_is_kept_in_pieces_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = SqliteStore::builder(folder.path().join("approvals.db")).clock(Arc::new(clock.clone()));
    a_long_text_is_kept_in_pieces(Arc::new(store.open().unwrap()), clock).await;
}

#[tokio::test]
async fn a_long_text_is_kept_in_pieces_on_postgres() {
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await;
    a_long_text_is_kept_in_pieces(store, clock).await;
}

#[tokio::test]
async fn a_text_that_was_changed_in_the_store_is_not_given_out_and_is_written_anew() {
    let clock = FakeClock::new();
    let store = in_memory(&clock);
    let rules = rules("asks");
    let watched = Watched::new(&file_of(&rules), &clock);
    let manager = TestManager::on(Arc::clone(&store), &clock, watched.configure()).unwrap();
    open(&manager).await;
    let name = RecordName::new(format!("source/{}/0000", digest(&rules).hex()));
    let forged = RecordWrite { name, value: Some(b"policy: none".to_vec()) };
    store.commit(Commit { writes: vec![forged], ..Commit::default() }).await.unwrap();
    let why = read_source(&*store, digest(&rules)).await.unwrap_err().to_string();
    assert!(why.contains("was changed"), "{why}");
    // A process that starts looks whether it is there.
    let other = manager.another(watched.configure()).unwrap();
    open(&other).await;
    assert_eq!(**read_source(&*store, digest(&rules)).await.unwrap().unwrap().text(), *rules);
}

#[tokio::test]
async fn rules_and_people_in_code_are_not_named() {
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::ask())).unwrap();
    let approved = approval_of(&manager, call_with(|action| action.approvers([ANN]))).await;
    let id = approved.request().id;
    approved.begin().await.unwrap().succeeded(None).await;
    assert_eq!(manager.get(id).await.unwrap().basis, None);
    assert!(named(&manager, id).await.is_empty());
    let lines = manager.store().history(id).await.unwrap();
    assert!(lines.iter().all(|line| !line.text.contains("basis")), "{lines:?}");
    assert!(texts(&**manager.store()).await.is_empty());
}

/// Rules that allow everything, with the text of a version that a test sets.
#[derive(Debug, Default)]
struct Versioned(Arc<AtomicU32>);

#[async_trait]
impl Policy for Versioned {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(Ruling::allow())
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::new(Source::new(Exchanged::text(self.0.load(Ordering::SeqCst)))))
    }
}

/// New texts that one agent may bring into one namespace in a day.
const TEXTS_A_DAY: u32 = 1_000;

async fn a_text_that_is_another_one_at_each_call_is_bounded(store: Arc<dyn Store>, clock: FakeClock) {
    let version = Arc::new(AtomicU32::new(0));
    let rules = || Versioned(Arc::clone(&version));
    let of_agent = |agent: &'static str, namespace: &'static str| {
        let rules = rules();
        move |builder: ManagerBuilder| builder.unattended().policy(rules).agent(agent).namespace(namespace)
    };
    let manager = TestManager::on(Arc::clone(&store), &clock, of_agent("agent:test", "default")).unwrap();
    let runs = Runs::default();
    for number in 0..TEXTS_A_DAY - 1 {
        version.store(number, Ordering::SeqCst);
        runs.run(&manager, call()).await.unwrap();
    }
    // Many processes that read the same file bring one text.
    version.store(TEXTS_A_DAY - 1, Ordering::SeqCst);
    for _ in 0..20 {
        runs.run(&manager.another(of_agent("agent:test", "default")).unwrap(), call()).await.unwrap();
    }
    let count = runs.count();
    assert_eq!(texts(&*store).await.len(), TEXTS_A_DAY as usize);
    version.store(TEXTS_A_DAY, Ordering::SeqCst);
    for _ in 0..3 {
        let (refused, text) = error(runs.run(&manager, call()).await);
        assert!(
            matches!(refused, ApprovalError::Policy(_)) && text.contains("let source() answer"),
            "{text}"
        );
    }
    assert_eq!((runs.count(), texts(&*store).await.len()), (count, TEXTS_A_DAY as usize));

    // What is kept holds on, other agents and namespaces have a count of their own, and so has the next day.
    version.store(7, Ordering::SeqCst);
    runs.run(&manager, call()).await.unwrap();
    for (agent, namespace) in [("agent:other", "default"), ("agent:test", "tenant")] {
        version.fetch_add(TEXTS_A_DAY, Ordering::SeqCst);
        let other = manager.another(of_agent(agent, namespace)).unwrap();
        runs.run(&other, call()).await.unwrap();
    }
    version.fetch_add(TEXTS_A_DAY, Ordering::SeqCst);
    runs.run(&manager, call()).await.unwrap_err();
    clock.advance(seconds(24 * 60 * 60));
    runs.run(&manager, call()).await.unwrap();
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_text_that_is_another_one_at_each_call_is_bounded_in_memory() {
    let clock = FakeClock::new();
    a_text_that_is_another_one_at_each_call_is_bounded(in_memory(&clock), clock).await;
}

#[tokio::test]
async fn a_text_that_is_another_one_at_each_call_is_bounded_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(approval_core::clock::Timestamp::now());
    let store = SqliteStore::builder(folder.path().join("approvals.db")).clock(Arc::new(clock.clone()));
    a_text_that_is_another_one_at_each_call_is_bounded(Arc::new(store.open().unwrap()), clock).await;
}

/// Rules of which the text and the limits are exchanged together, once, at a moment of their use.
#[derive(Debug)]
struct Torn {
    ruling: Ruling,
    limits: [Vec<Limit>; 2],
    /// Exchanged after a ruling was given and its text was asked for again; otherwise once the limits were asked for.
    after_the_ruling: bool,
    state: Mutex<TornState>,
}

#[derive(Debug, Default)]
struct TornState {
    ruled: bool,
    exchanged: bool,
    /// What the last call that was ruled had spent, as the policy was told.
    spent: Option<String>,
}

const TORN: [&str; 2] = ["rules of before", "rules of after"];

impl Torn {
    fn new(ruling: Ruling, limits: [Vec<Limit>; 2], after_the_ruling: bool) -> Arc<Self> {
        Arc::new(Self { ruling, limits, after_the_ruling, state: Mutex::default() })
    }

    /// The text of before is in force again, for one more ruling.
    fn reset(&self) {
        *self.state.lock().unwrap() = TornState::default();
    }

    fn manager(self: &Arc<Self>) -> TestManager {
        let policy = TornPolicy(Arc::clone(self));
        TestManager::with(|builder| builder.unattended().policy(policy)).unwrap()
    }
}

#[derive(Debug)]
struct TornPolicy(Arc<Torn>);

#[async_trait]
impl Policy for TornPolicy {
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError> {
        let mut state = self.0.state.lock().unwrap();
        state.ruled = true;
        state.spent = call.spent_usd.map(|spent| spent.to_string());
        Ok(self.0.ruling.clone())
    }

    fn limits(&self) -> Arc<[Arc<Limit>]> {
        let mut state = self.0.state.lock().unwrap();
        let limits = &self.0.limits[usize::from(state.exchanged)];
        state.exchanged |= !self.0.after_the_ruling;
        limits.iter().cloned().map(Arc::new).collect()
    }

    fn source(&self) -> Option<Arc<Source>> {
        let mut state = self.0.state.lock().unwrap();
        let text = TORN[usize::from(state.exchanged)];
        state.exchanged |= self.0.after_the_ruling && state.ruled;
        Some(Arc::new(Source::new(text)))
    }
}

fn of_before() -> Basis {
    Basis::new(Some(digest(TORN[0])), None)
}

#[tokio::test]
async fn an_allowed_call_is_counted_by_the_rules_that_allowed_it() {
    let few = |calls| vec![Limit::new("few").calls(calls).over(OverLimit::Deny)];
    let torn = Torn::new(Ruling::allow(), [few(2), few(0)], true);
    let manager = torn.manager();
    let runs = Runs::default();
    for _ in 0..2 {
        torn.reset();
        runs.run(&manager, call()).await.unwrap();
    }
    torn.reset();
    let (refused, text) = error(runs.run(&manager, call()).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "they were counted: {text}");
    assert_eq!(runs.count(), 2);
    // With a key, the request is opened by them.
    let torn = Torn::new(Ruling::allow(), [few(2), few(0)], true);
    let manager = torn.manager();
    let allowed = manager.authorize(call().key("k")).await.unwrap();
    let opened = manager.list(&Query::default()).await.unwrap().items;
    assert_eq!(opened[0].request.basis.as_deref(), Some(&of_before()));
    drop(allowed);
}

#[tokio::test]
async fn a_request_is_opened_and_begun_by_the_limits_of_the_rules_that_it_names() {
    let none =
        vec![Limit::new("nothing open").open(0), Limit::new("no calls").calls(0).over(OverLimit::Deny)];
    let torn = Torn::new(Ruling::ask(), [Vec::new(), none], true);
    let manager = torn.manager();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    assert_eq!(manager.get(id).await.unwrap().basis.as_deref(), Some(&of_before()));
    manager.approve(id, ANN).await.unwrap();
    torn.reset();
    let approved = soon(waiting).await.unwrap();
    approved.begin().await.unwrap().succeeded(None).await;
    assert_eq!(named(&manager, id).await, [("created", of_before()), ("consumed", of_before())]);
    let (refused, text) = error(manager.request(call()).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "the other rules hold now: {text}");
}

#[tokio::test]
async fn what_was_spent_is_counted_by_the_rules_that_are_told_of_it() {
    let torn = Torn::new(Ruling::ask(), [vec![Limit::spending()], Vec::new()], false);
    let manager = torn.manager();
    let waiting = manager.request(call()).await.unwrap();
    let named = manager.get(waiting.id()).await.unwrap().basis.as_deref().copied();
    assert_eq!(named, Some(Basis::new(Some(digest(TORN[1])), None)));
    assert_eq!(torn.state.lock().unwrap().spent, None, "these rules do not count it");
}

/// Rules with a text, whose reloads a test tells.
#[derive(Debug)]
struct Told {
    first: Arc<Source>,
    listeners: Arc<ReloadListeners>,
}

#[async_trait]
impl Policy for Told {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(Ruling::allow())
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::clone(&self.first))
    }

    fn subscribe(&self, listener: Weak<dyn ReloadListener>) {
        self.listeners.add(listener);
    }
}

#[tokio::test]
async fn a_reload_to_a_text_that_is_not_kept_holds_up_no_other_line() {
    let listeners = Arc::new(ReloadListeners::default());
    let [first, long, last] =
        ["first".to_owned(), "x".repeat(3 << 20), "last".to_owned()].map(|text| Arc::new(Source::new(text)));
    let rules = Told { first: Arc::clone(&first), listeners: Arc::clone(&listeners) };
    let manager = TestManager::with(|builder| builder.unattended().policy(rules)).unwrap();
    for (from, to) in [(&first, &long), (&long, &first), (&first, &last)] {
        let reload = Reload::between(SourceKind::Policy, Some(Arc::clone(from)), Some(Arc::clone(to)));
        listeners.tell(&reload.unwrap());
    }
    Runs::default().run(&manager, call()).await.unwrap();
    manager.shutdown().await.unwrap();
    let policy = |from, to: &Source| (SourceKind::Policy, from, Some(to.digest()));
    assert_eq!(reloads(&manager).await, [policy(Some(first.digest()), &last)]);
    assert_eq!(calls(&manager).await.len(), 2, "allowed and succeeded");
}
