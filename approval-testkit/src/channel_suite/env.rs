//! What a case works with: a channel, its people, and the manager that its answers go to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use approval_core::{
    Action, ActionSpec, ApprovalManager, Clock, Invalid, Principal, RequestId, SystemClock,
    id::NoticeId,
    manager::ManagerBuilder,
    model::{NoticeKind, Request, canonical::DigestKey},
    notify::{Delivered, Notice, Notifier, NotifyError, TokenKey},
    store::MemoryStore,
};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{ChannelFactory, ChannelPeople, Check, Reply, Stop, ensure};
use crate::FakeClock;

/// May approve.
pub(super) const ANN: &str = "user:ann@example.com";
/// May approve.
pub(super) const BOB: &str = "user:bob@example.com";
/// Is behind the channel too, and may not approve.
pub(super) const EVE: &str = "user:eve@example.com";

/// How long something may take that should happen at once.
const SOON: Duration = Duration::from_secs(20);
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Env {
    pub(super) manager: ApprovalManager,
    pub(super) time: FakeClock,
    pub(super) people: Box<dyn ChannelPeople>,
    pub(super) channel: Arc<dyn Notifier>,
    key: TokenKey,
    opened: AtomicU32,
}

/// A delivery under way.
pub(super) struct Delivery(JoinHandle<Result<Delivered, NotifyError>>);

impl Delivery {
    /// Waits until it has come to an end.
    pub(super) async fn ended(self) -> Result<Result<Delivered, NotifyError>, Stop> {
        let broken = |why: String| Err(Stop::Broken(why));
        match tokio::time::timeout(SOON, self.0).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => broken(format!("delivering a notice panicked: {error}")),
            Err(_) => broken(format!("delivering a notice did not come to an end within {SOON:?}")),
        }
    }

    /// Waits until it has succeeded.
    pub(super) async fn succeeded(self) -> Result<Delivered, Stop> {
        let failed = |error| Stop::Broken(format!("delivering a notice failed: {error}"));
        self.ended().await?.map_err(failed)
    }
}

/// The principal of one of the names above.
pub(super) fn principal(text: &str) -> Result<Principal, Stop> {
    Ok(Principal::new(text)?)
}

impl Env {
    pub(super) async fn new(factory: &dyn ChannelFactory) -> Result<Self, Stop> {
        let time = FakeClock::at(SystemClock.now());
        let everybody = [principal(ANN)?, principal(BOB)?, principal(EVE)?];
        let people = factory.set_up(&everybody, Arc::new(time.clone())).await?;
        let key = TokenKey::new([7; 32]);
        let manager = build(&time, &key, ManagerBuilder::unattended)?;
        let channel = people.channel();
        Ok(Self { manager, time, people, channel, key, opened: AtomicU32::new(0) })
    }

    /// Starts the channel. Its answers go to the manager; its notices come from the case.
    pub(super) async fn start(&self) -> Check {
        let started = self.channel.start(self.manager.decider(self.channel.name())).await;
        started.map_err(|error| Stop::Broken(format!("it could not be started: {error}")))
    }

    /// Another manager, which has the channel and starts it.
    pub(super) fn managed(&self) -> Result<ApprovalManager, Stop> {
        build(&self.time, &self.key, |builder| builder.shared_notifier(Arc::clone(&self.channel)))
    }

    /// A call whose description has a word that no other has: see [`marker`].
    pub(super) fn call(
        &self,
        votes: u32,
        describe: impl FnOnce(ActionSpec) -> Result<ActionSpec, Invalid>,
    ) -> Result<Action, Stop> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let described = Action::new("payments.refund")?.describe(|action| {
            let action = action.description("Refund {cents} cents for {order}").require(votes, [ANN, BOB])?;
            describe(action.editable("cents", Some(r#"{"type":"integer","minimum":0}"#)))
        })?;
        Ok(described.arguments(&json!({"cents": 512, "order": format!("order-{number}-x")}))?)
    }

    /// Opens a request that needs so many votes.
    pub(super) async fn open(&self, votes: u32) -> Result<Arc<Request>, Stop> {
        self.open_call(self.call(votes, Ok)?).await
    }

    pub(super) async fn open_call(&self, call: Action) -> Result<Arc<Request>, Stop> {
        let pending = self.manager.request(call).await?;
        Ok(self.manager.get(pending.detach()).await?)
    }

    pub(super) fn notice(&self, kind: NoticeKind, to: &str, request: &Arc<Request>) -> Result<Notice, Stop> {
        let (now, to) = (self.time.now(), principal(to)?);
        let token = self.key.issue(request.id, &to, request.revision.digest)?;
        let name = self.channel.name().into();
        let notice = Notice::new(NoticeId::generate(now), kind, to, name, Arc::clone(request), now);
        Ok(if kind.asks() { notice.with_token(token) } else { notice })
    }

    pub(super) fn deliver(&self, notice: Notice) -> Delivery {
        let channel = Arc::clone(&self.channel);
        Delivery(tokio::spawn(async move { channel.deliver(&notice).await }))
    }

    /// Asks a person to decide on a request as it stands in `request`, and waits until that is seen.
    pub(super) async fn ask(&self, to: &str, request: &Arc<Request>) -> Result<Delivery, Stop> {
        let delivery = self.deliver(self.notice(NoticeKind::Decide, to, request)?);
        self.until_shown(to, &marker(request)).await?;
        Ok(delivery)
    }

    /// Everything that was shown to people so far.
    pub(super) async fn shown(&self, who: &str) -> Result<String, Stop> {
        Ok(self.people.shown(&principal(who)?).await?)
    }

    /// Waits until a text was shown to a person.
    pub(super) async fn until_shown(&self, who: &str, text: &str) -> Result<String, Stop> {
        let person = principal(who)?;
        let come = tokio::time::timeout(SOON, async {
            loop {
                let shown = self.shown(who).await?;
                if shown.contains(text) {
                    return Ok(shown);
                }
                self.people.look_on(&person).await?;
                tokio::time::sleep(PAUSE).await;
            }
        });
        match come.await {
            Ok(shown) => shown,
            Err(_) => Err(Stop::Broken(format!(
                "{text:?} was not shown to {who} within {SOON:?}, only {:?}",
                self.shown(who).await?
            ))),
        }
    }

    /// A person answers; whether there was a way to.
    pub(super) async fn try_answer(&self, who: &str, request: RequestId, reply: Reply) -> Result<bool, Stop> {
        Ok(self.people.answer(&principal(who)?, request, &reply).await?)
    }

    /// A person answers.
    pub(super) async fn answer(&self, who: &str, request: RequestId, reply: Reply) -> Check {
        let taken = self.try_answer(who, request, reply.clone()).await?;
        ensure!(taken, "{who} was asked, but had no way to answer {reply:?}");
        Ok(())
    }

    /// Waits until a request is as expected.
    pub(super) async fn until(
        &self,
        request: RequestId,
        what: &str,
        expected: impl Fn(&Request) -> bool + Send,
    ) -> Result<Arc<Request>, Stop> {
        let mut now = self.manager.get(request).await?;
        let come = tokio::time::timeout(SOON, async {
            while !expected(&now) {
                tokio::time::sleep(PAUSE).await;
                now = self.manager.get(request).await?;
            }
            Ok(())
        });
        match come.await {
            Ok(Ok(())) => Ok(now),
            Ok(Err(stop)) => Err(stop),
            Err(_) => Err(Stop::Broken(format!(
                "{what} did not happen within {SOON:?}: the request is {}, with the votes {:?}",
                now.status.as_str(),
                now.votes
            ))),
        }
    }

    /// Lets the channel carry another answer to its end, so that it is done with the ones before.
    pub(super) async fn let_it_catch_up(&self) -> Check {
        let request = self.open(1).await?;
        let delivery = self.ask(ANN, &request).await?;
        self.answer(ANN, request.id, Reply::Reject("only to catch up".to_owned())).await?;
        self.until(request.id, "a plain rejection", |request| !request.status.is_open()).await?;
        delivery.ended().await.map(drop)
    }

    /// Makes sure that a request is exactly as it was.
    pub(super) async fn ensure_unchanged(&self, before: &Arc<Request>) -> Check {
        let now = self.manager.get(before.id).await?;
        ensure!(now == *before, "the request changed: it was {before:?}, and is {now:?}");
        Ok(())
    }
}

/// The word that is in the description of this request alone.
pub(super) fn marker(request: &Request) -> String {
    let order = request.revision.description.rsplit(' ').next();
    order.unwrap_or_default().to_owned()
}

fn build(
    time: &FakeClock,
    key: &TokenKey,
    configure: impl FnOnce(ManagerBuilder) -> ManagerBuilder,
) -> Result<ApprovalManager, Stop> {
    let builder = ApprovalManager::builder()
        .store(MemoryStore::with_clock(Arc::new(time.clone())))
        .clock(Arc::new(time.clone()))
        .token_key(key.clone())
        .redaction_key(DigestKey::new("suite", [9; 32])?)
        .agent("suite");
    configure(builder).build().map_err(|error| Stop::Broken(format!("there is no manager: {error}")))
}
