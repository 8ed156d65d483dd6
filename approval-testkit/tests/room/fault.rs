//! Channels that break their promises on purpose.

use std::sync::{Arc, Mutex, OnceLock};

use approval_core::{
    ApprovalError, Principal, RequestId,
    lifecycle::{Act, Command},
    model::{Ballot, NoticeKind, Request},
    notify::{
        Capabilities, DecideToken, Decider, DecisionSink, Delivered, MessageRef, Notice, Notifier,
        NotifyError,
    },
    store::{Page, Query},
};
use async_trait::async_trait;

macro_rules! faults {
    ($($fault:ident => $case:literal,)+) => {
        /// One way in which a channel goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault { $($fault),+ }

        impl Fault {
            /// Every fault.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$fault),+];

            /// The case that finds it out.
            pub(crate) const fn found_by(self) -> &'static str {
                match self { $(Self::$fault => $case),+ }
            }
        }
    };
}

faults! {
    ChangesItsName => "a_channel_has_one_name",
    ReachesPrograms => "people_are_reached_and_programs_are_not",
    RefusesNews => "every_kind_of_notice_is_taken",
    PanicsOnRepetition => "a_notice_may_come_twice",
    VotesAgainForRepetitions => "a_notice_may_come_twice",
    NamesNoMessage => "an_earlier_message_is_brought_up_to_date",
    FailsToUpdate => "an_earlier_message_is_brought_up_to_date",
    HidesTheIntent => "people_see_what_they_decide_on",
    ShowsTextAsItIs => "hidden_characters_are_made_visible",
    CutsLongTexts => "long_arguments_are_shown_whole_or_not_decided_on",
    HidesRedaction => "redacted_values_stay_secret",
    ShowsWhatItSawFirst => "people_see_edited_arguments",
    HidesAttachments => "people_see_what_comes_along",
    HidesThePreview => "people_see_what_comes_along",
    HidesOptions => "people_see_a_question",
    LosesVotes => "an_approval_counts",
    VotesForEverybody => "an_approval_counts",
    LosesReasons => "a_rejection_counts",
    VotesAsOnePerson => "two_people_make_a_quorum",
    MixesUpRequests => "requests_are_told_apart",
    ForgetsEdits => "an_edit_counts",
    EditsAnything => "an_edit_that_is_not_allowed_is_refused",
    GuessesAnswers => "a_wrong_answer_is_refused",
    VotesAsAnApprover => "whoever_may_not_decide_is_refused",
    VotesOnWhatIsNew => "other_arguments_are_refused",
    ApprovesWhenItFails => "a_broken_way_changes_nothing",
    ApprovesBehindAManager => "a_broken_way_is_survived_by_a_manager",
    NeverStops => "stopping_ends_deliveries",
    ApprovesAtTheStop => "nothing_counts_after_the_stop",
    HangsWhenItStops => "stopping_is_harmless",
}

/// A good channel and what spoils it.
#[derive(Debug)]
pub(super) struct Faulty {
    inner: Arc<dyn Notifier>,
    fault: Fault,
    decider: OnceLock<Decider>,
    first: Mutex<Option<Arc<Request>>>,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn Notifier>, fault: Fault) -> Self {
        Self { inner, fault, decider: OnceLock::new(), first: Mutex::default() }
    }

    fn spoiled(&self, notice: &Notice) -> Notice {
        let mut notice = notice.clone();
        if self.fault == Fault::ShowsWhatItSawFirst
            && let Ok(first) = serde_json::to_string(&*notice.request)
        {
            // The arguments before the edit, under the digest after it.
            let old = first.replace("271", "512");
            notice.request = Arc::new(serde_json::from_str(&old).unwrap());
        }
        notice
    }

    async fn approve(&self, request: &Request, by: &Principal) {
        if let Some(decider) = self.decider.get() {
            drop(decider.approve(request, by, None).await);
        }
    }
}

#[async_trait]
impl Notifier for Faulty {
    fn name(&self) -> &str {
        match self.fault {
            Fault::ChangesItsName if self.decider.get().is_some() => "another",
            _ => self.inner.name(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        match self.fault {
            Fault::NamesNoMessage | Fault::FailsToUpdate => self.inner.capabilities().with_updates(),
            _ => self.inner.capabilities(),
        }
    }

    fn reaches(&self, principal: &Principal) -> bool {
        self.fault == Fault::ReachesPrograms || self.inner.reaches(principal)
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        match self.fault {
            Fault::RefusesNews if notice.kind == NoticeKind::Outcome => {
                return Err(NotifyError::permanent("nobody cares"));
            }
            Fault::PanicsOnRepetition if notice.attempts == 1 => panic!("on purpose"),
            Fault::VotesAgainForRepetitions if notice.attempts == 1 => {
                let bob = Principal::user("bob@example.com").unwrap();
                self.approve(&notice.request, &bob).await;
            }
            Fault::ApprovesAtTheStop => *self.first.lock().unwrap() = Some(Arc::clone(&notice.request)),
            _ => {}
        }
        let delivered = self.inner.deliver(&self.spoiled(notice)).await;
        match (self.fault, &delivered) {
            (Fault::ApprovesWhenItFails | Fault::ApprovesBehindAManager, Err(_)) => {
                self.approve(&notice.request, &notice.to).await;
            }
            (Fault::FailsToUpdate, Ok(_)) => {
                return Ok(Delivered { message: Some(MessageRef("one".into())) });
            }
            _ => {}
        }
        delivered
    }

    async fn update(&self, message: &MessageRef, notice: &Notice) -> Result<(), NotifyError> {
        if self.fault == Fault::FailsToUpdate {
            return Err(NotifyError::permanent("there is no such message"));
        }
        self.inner.update(message, notice).await
    }

    async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
        let sink = SpoiledSink { inner: decider.clone(), fault: self.fault, last: Mutex::default() };
        let spoiled = Decider::new(decider.channel(), Arc::new(sink));
        drop(self.decider.set(decider));
        self.inner.start(spoiled).await
    }

    async fn stop(&self) {
        match self.fault {
            Fault::NeverStops => {}
            Fault::HangsWhenItStops => std::future::pending().await,
            Fault::ApprovesAtTheStop => {
                let seen = self.first.lock().unwrap().clone();
                if let Some(seen) = seen {
                    self.approve(&seen, &Principal::user("ann@example.com").unwrap()).await;
                }
                self.inner.stop().await;
            }
            _ => self.inner.stop().await,
        }
    }
}

/// Hands other votes in than people cast.
#[derive(Debug)]
struct SpoiledSink {
    inner: Decider,
    fault: Fault,
    last: Mutex<Option<RequestId>>,
}

#[async_trait]
impl DecisionSink for SpoiledSink {
    async fn submit(&self, request: RequestId, command: Command) -> Result<Arc<Request>, ApprovalError> {
        let Command { mut actor, mut act, .. } = command;
        let mut id = request;
        let ann = Principal::user("ann@example.com")?;
        let now = self.inner.get(request).await?;
        match (self.fault, &mut act) {
            (Fault::LosesVotes, _) => return Ok(now),
            (Fault::VotesForEverybody, Act::Vote { digest, .. }) if now.votes.is_empty() => {
                let vote = Act::Vote { digest: *digest, ballot: Ballot::Approve, note: None };
                drop(self.inner.act(id, &Principal::user("bob@example.com")?, vote).await);
            }
            (Fault::LosesReasons, Act::Vote { note, .. }) => *note = None,
            (Fault::VotesAsOnePerson, Act::Vote { .. }) => actor = ann,
            (Fault::MixesUpRequests, _) => {
                id = self.last.lock().unwrap().replace(request).unwrap_or(request);
                if let Act::Vote { digest, .. } = &mut act {
                    *digest = self.inner.get(id).await?.revision.digest;
                }
            }
            (Fault::ForgetsEdits, Act::ApproveEdited { digest, .. }) => {
                act = Act::Vote { digest: *digest, ballot: Ballot::Approve, note: None };
            }
            (Fault::EditsAnything, Act::ApproveEdited { digest, edits, .. })
                if &*edits[0].path == "order" =>
            {
                act = Act::Vote { digest: *digest, ballot: Ballot::Approve, note: None };
            }
            (Fault::GuessesAnswers, Act::Vote { ballot: Ballot::Answer(answer), .. }) => {
                *answer = approval_core::model::canonical::parse_canonical("7").unwrap();
            }
            (Fault::VotesAsAnApprover, Act::Vote { .. }) if actor.as_str().contains("eve") => actor = ann,
            (Fault::VotesOnWhatIsNew, Act::Vote { digest, .. }) => *digest = now.revision.digest,
            _ => {}
        }
        self.inner.act(id, &actor, act).await
    }

    async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError> {
        self.inner.get(request).await
    }

    async fn list(&self, query: &Query) -> Result<Page, ApprovalError> {
        self.inner.list(query).await
    }

    async fn deciders(&self, request: RequestId) -> Result<Vec<Principal>, ApprovalError> {
        self.inner.deciders(request).await
    }

    async fn identify(&self, _: &str, identity: &str) -> Result<Option<Principal>, ApprovalError> {
        self.inner.identify(identity).await
    }

    fn verifies(&self, _: &DecideToken) -> bool {
        false
    }
}
