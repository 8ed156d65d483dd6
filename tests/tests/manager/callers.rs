//! Who runs an approved request: the caller's own agent, namespace, person and declaration are compared with it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use approval_core::{
    ApprovalError, ApprovalManager, Context, Grant, GuardedAction, RequestId, Runner,
    lifecycle::Refusal,
    manager::ManagerBuilder,
    model::{ExecutionState, canonical::DigestKey},
};
use approval_testkit::TestManager;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::common::{ANN, Runs, call, call_with, error, seconds, soon, unattended};

async fn approved_for(manager: &TestManager, context: Context) -> RequestId {
    let id = context.scope(manager.request(call())).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    id
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_ref().unwrap().state()
}

fn assert_misfit<T: std::fmt::Debug>(result: Result<T, ApprovalError>, why: &str) {
    let (refused, text) = error(result);
    assert!(
        matches!(&refused, ApprovalError::Refused { refusal, .. } if matches!(**refusal, Refusal::WrongGrant(_))),
        "{text}"
    );
    assert!(text.contains(why), "{text}");
}

#[tokio::test]
async fn an_approval_of_version_1_never_runs_version_2() {
    let manager = unattended();
    let id = approved_for(&manager, Context::new()).await;
    let second = call_with(|action| Ok(action.version(2)));
    let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
    assert_misfit(found.begin_as(second.spec()).await, "another version");
    assert_misfit(found.begin_with(second.spec(), &json!({"cents": 500})).await, "another version");
    let (ran, mut runs) = mpsc::unbounded_channel();
    let worker = manager.on_approved(second.spec(), move |_: Value, grant| {
        ran.send(grant.request().id).unwrap();
        async { Ok::<_, String>(()) }
    });
    manager.advance(seconds(10)).await;
    soon(worker.stop()).await;
    assert!(runs.try_recv().is_err());
    assert_eq!(state(&manager, id).await, ExecutionState::NotStarted);
    found.begin_as(call().spec()).await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn another_action_does_not_begin() {
    let manager = unattended();
    let id = approved_for(&manager, Context::new()).await;
    let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
    let other = approval_core::ActionSpec::new("payments.refund_all").unwrap();
    assert_misfit(found.begin_as(other).await, "another action");
}

#[tokio::test]
async fn a_request_found_by_its_id_needs_a_declaration() {
    let manager = unattended();
    let id = approved_for(&manager, Context::new()).await;
    let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
    let (refused, text) = error(found.begin().await);
    assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
    assert!(text.contains("begin_as"), "{text}");
    assert_eq!(state(&manager, id).await, ExecutionState::NotStarted);
}

#[tokio::test]
async fn another_agent_begins_nothing_unless_it_runs_for_that_one() {
    let manager = unattended();
    let id = approved_for(&manager, Context::new().agent("first").unwrap()).await;
    let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
    let second = Context::new().agent("second").unwrap();
    assert_misfit(found.begin_as(call().spec()).await, "another agent");
    assert_misfit(second.scope(found.begin_as(call().spec())).await, "another agent");
    let others = Runner::of(call().spec().clone()).for_agents(["second", "third"]).unwrap();
    assert_misfit(found.begin_as(others).await, "another agent");
    let both = Runner::of(call().spec().clone()).for_agents(["second", "first"]).unwrap();
    found.begin_as(both).await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn the_name_of_an_agent_is_refused_rather_than_folded_into_another_one() {
    let built = |name: &str| ApprovalManager::builder().agent(name).unattended().build();
    for name in ["Job-A", "agent:Job-A", "Agent:job-a", " job-a", "job-a ", "JOB-A"] {
        let errors = [
            built(name).unwrap_err().to_string(),
            Context::new().agent(name).unwrap_err().to_string(),
            Runner::of(call().spec().clone()).for_agents([name]).unwrap_err().to_string(),
        ];
        for error in errors {
            let spaced = error.contains("no name may have");
            assert!(
                error.contains("write agent:job-a") || error.contains("write agent:agent:job-a") || spaced,
                "{error}"
            );
        }
    }
    assert!(built("Job-A").unwrap_err().to_string().contains("\"agent:Job-A\""));
    built("job-a").unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn a_worker_runs_for_its_own_agent_alone_unless_others_are_named() {
    let manager = unattended();
    let own = approved_for(&manager, Context::new()).await;
    let first = approved_for(&manager, Context::new().agent("first").unwrap()).await;
    let second = approved_for(&manager, Context::new().agent("second").unwrap()).await;
    let (ran, mut runs) = mpsc::unbounded_channel();
    let worker = |runner: Runner| {
        let ran = ran.clone();
        manager.on_approved(runner, move |_: Value, grant| {
            ran.send(grant.request().id).unwrap();
            async { Ok::<_, String>(()) }
        })
    };
    let spec = call().spec().clone();
    let alone = worker(spec.clone().into());
    assert_eq!(soon(runs.recv()).await, Some(own));
    manager.advance(seconds(10)).await;
    soon(alone.stop()).await;
    assert!(runs.try_recv().is_err());
    let named = worker(Runner::of(spec.clone()).for_agents(["first"]).unwrap());
    assert_eq!(soon(runs.recv()).await, Some(first));
    manager.advance(seconds(10)).await;
    soon(named.stop()).await;
    assert!(runs.try_recv().is_err());
    let any = worker(Runner::of(spec).for_any_agent());
    assert_eq!(soon(runs.recv()).await, Some(second));
    soon(any.stop()).await;
}

struct Refund;

impl GuardedAction for Refund {
    const NAME: &'static str = "payments.refund";
}

struct SecondRefund;

impl GuardedAction for SecondRefund {
    const NAME: &'static str = "payments.refund";
    const VERSION: u32 = 2;
}

struct Payout;

impl GuardedAction for Payout {
    const NAME: &'static str = "payments.payout";
}

#[tokio::test]
async fn a_worker_hands_out_proof_of_its_action() {
    let manager = unattended();
    let id = approved_for(&manager, Context::new()).await;
    let (ran, mut runs) = mpsc::unbounded_channel::<Grant<Refund>>();
    let runner = Runner::of(call().spec().clone()).for_any_agent().proving::<Refund>().unwrap();
    let worker = manager.on_approved(runner.clone(), move |_: Value, grant: Grant<Refund>| {
        ran.send(grant).unwrap();
        async { Ok::<_, String>(()) }
    });
    assert_eq!(soon(runs.recv()).await.unwrap().request().id, id);
    soon(worker.stop()).await;
    assert_eq!(state(&manager, id).await, ExecutionState::Succeeded);
}

#[test]
fn a_runner_of_another_action_proves_nothing_and_spends_nothing() {
    let runner = || Runner::of(call().spec().clone());
    for refused in [
        runner().proving::<Payout>().map(drop).unwrap_err(),
        runner().proving::<SecondRefund>().map(drop).unwrap_err(),
        Runner::of(call_with(|action| Ok(action.version(3))).spec().clone())
            .proving::<Refund>()
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(refused.to_string().contains("is not the action of this call"), "{refused}");
    }
    let second = call_with(|action| Ok(action.version(2)));
    assert!(Runner::of(second.spec().clone()).proving::<SecondRefund>().is_ok());
}

/// Collects the fields of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Fields(BTreeMap<&'static str, String>);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

#[tokio::test]
async fn what_no_worker_claims_is_named_in_one_warning_each() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let manager = unattended();
    let other_agent = approved_for(&manager, Context::new().agent("first").unwrap()).await;
    let other_version = manager.request(call_with(|action| Ok(action.version(2)))).await.unwrap().detach();
    manager.approve(other_version, ANN).await.unwrap();
    let own = approved_for(&manager, Context::new()).await;
    let (ran, mut runs) = mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |_: Value, grant| {
        ran.send(grant.request().id).unwrap();
        async { Ok::<_, String>(()) }
    });
    assert_eq!(soon(runs.recv()).await, Some(own));
    // It looks again several times.
    for _ in 0..3 {
        manager.advance(seconds(10)).await;
    }
    soon(worker.stop()).await;
    let seen = warnings.0.lock().unwrap().clone();
    let unclaimed: Vec<_> =
        seen.iter().filter(|one| one["message"].contains("left an approved request unclaimed")).collect();
    let told =
        |id: RequestId| unclaimed.iter().filter(|one| one["request"] == id.to_string()).collect::<Vec<_>>();
    let [agent] = told(other_agent)[..] else { panic!("{unclaimed:?}") };
    assert_eq!(
        (agent["why"].as_str(), agent["agent"].as_str()),
        ("it was given to another agent", "agent:first")
    );
    let [version] = told(other_version)[..] else { panic!("{unclaimed:?}") };
    assert_eq!(version["why"], "it is for another version of the action");
    assert_eq!((version["version"].as_str(), version["runs_version"].as_str()), ("2", "1"));
    assert_eq!(unclaimed.len(), 2, "none about what was claimed");
}

#[tokio::test]
async fn a_worker_for_any_agent_runs_nothing_of_another_namespace() {
    let manager = unattended();
    let id = approved_for(&manager, Context::new()).await;
    let other = manager.another(|builder| builder.unattended().namespace("other")).unwrap();
    let (ran, mut runs) = mpsc::unbounded_channel::<RequestId>();
    let runner = Runner::of(call().spec().clone()).for_any_agent();
    let worker = other.on_approved(runner, move |_: Value, grant| {
        ran.send(grant.request().id).unwrap();
        async { Ok::<_, String>(()) }
    });
    manager.advance(seconds(10)).await;
    soon(worker.stop()).await;
    assert!(runs.try_recv().is_err());
    assert_eq!(state(&manager, id).await, ExecutionState::NotStarted);
}

#[tokio::test]
async fn a_context_that_names_a_person_begins_nothing_of_another_person() {
    let manager = unattended();
    let bob = || Context::new().on_behalf_of("user:bob@example.com").unwrap();
    let eve = || Context::new().on_behalf_of("user:eve@example.com").unwrap();
    let id = approved_for(&manager, bob()).await;
    let nobody = approved_for(&manager, Context::new()).await;
    let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
    assert_misfit(eve().scope(found.begin_as(call().spec())).await, "another person");
    let unnamed = soon(manager.attach(nobody).await.unwrap()).await.unwrap();
    assert_misfit(eve().scope(unnamed.begin_as(call().spec())).await, "another person");
    bob().scope(found.begin_as(call().spec())).await.unwrap().succeeded(None).await;
    unnamed.begin_as(call().spec()).await.unwrap().succeeded(None).await;
}

fn with_secrets(builder: ManagerBuilder) -> ManagerBuilder {
    builder.unattended().redaction_key(DigestKey::new("k1", [9; 32]).unwrap())
}

#[tokio::test]
async fn redacted_arguments_run_only_where_the_caller_has_them_in_the_clear() {
    let manager = TestManager::with(with_secrets).unwrap();
    let secret = || {
        let action = call_with(|action| action.redact(["token"]));
        action.arguments(&json!({"cents": 500, "token": "hunter2"})).unwrap()
    };
    let waiting = manager.request(secret()).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let (ran, mut runs) = mpsc::unbounded_channel::<RequestId>();
    let worker = manager.on_approved(secret().spec(), move |_: Value, grant| {
        ran.send(grant.request().id).unwrap();
        async { Ok::<_, String>(()) }
    });
    manager.advance(seconds(10)).await;
    soon(worker.stop()).await;
    assert!(runs.try_recv().is_err(), "no worker is handed a placeholder in place of a value");
    let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
    let (refused, text) = error(found.begin_as(secret().spec()).await);
    assert!(matches!(refused, ApprovalError::Invalid(_)) && text.contains("begin_with"), "{text}");
    let spec = secret().spec().clone();
    assert_misfit(
        found.begin_with(&spec, &json!({"cents": 500, "token": "hunter3"})).await,
        "other arguments",
    );
    found.begin_with(&spec, &json!({"cents": 500, "token": "hunter2"})).await.unwrap().succeeded(None).await;
    drop(waiting);
}

#[tokio::test]
async fn the_opener_of_redacted_arguments_begins_with_its_own() {
    let manager = TestManager::with(with_secrets).unwrap();
    let action = call_with(|action| action.redact(["token"]));
    let action = action.arguments(&json!({"cents": 500, "token": "hunter2"})).unwrap();
    let waiting = manager.request(action).await.unwrap();
    manager.approve(waiting.id(), ANN).await.unwrap();
    soon(waiting).await.unwrap().begin().await.unwrap().succeeded(None).await;
}

#[tokio::test]
async fn a_guarded_call_runs_under_its_own_version() {
    let manager = unattended();
    let id = manager.request(call().key("A-17")).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    let runs = Runs::default();
    let second = call_with(|action| Ok(action.version(2))).key("A-17");
    assert!(runs.run(&manager, second).await.is_err());
    assert_eq!((runs.count(), state(&manager, id).await), (0, ExecutionState::Revoked));
}
