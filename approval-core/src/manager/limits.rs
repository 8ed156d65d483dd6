//! Limits on calls: which ones are about a call, and what they have counted so far.

use std::sync::Arc;

use rust_decimal::Decimal;
use thin_vec::ThinVec;

use super::{ApprovalManager, Context, Core, Prepared, RuledBy, keys};
use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    error::Invalid,
    lifecycle::{self, Command, Counted, CountedAs, CountedBy, CountedWrite, Counter, Draft},
    model::{
        ActionName, Limit, Money, OverLimit, Principal, Request, RunLimits, Share, SourceDigest, Text, Usage,
    },
    store::{Commit, CommitOutcome, Condition, RecordName, RecordWrite, StoreError},
};

/// How often a call is counted again when others are counted at the same time.
const ROUNDS: usize = 10_000;

/// What tells the counters that are about a call from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts<'a> {
    pub(crate) agent: &'a Principal,
    pub(crate) action: &'a ActionName,
    pub(crate) run: Option<&'a str>,
    /// The person behind it, as spelled by the caller.
    pub(crate) person: Option<&'a Principal>,
}

/// What counting a call came to.
#[derive(Clone, Debug)]
pub(crate) enum Count {
    /// It is counted: what which counters hold of it as a run.
    Taken(ThinVec<Share>),
    /// It goes over this limit, which asks people.
    Asks(Text),
}

/// What a rule about limits makes of their counters.
type Taken = Result<Vec<CountedWrite>, (OverLimit, Box<lifecycle::LimitReached>)>;

/// That two limits of one name are about one call, and are not the same.
pub(crate) fn two_of_one_name(name: &str) -> Invalid {
    Invalid::new("limit", name, "is set twice, with different values")
        .hint("give one of the two another name: what a limit has counted is found by its name")
}

/// Refuses a limit that limits nothing.
pub(crate) fn check(limit: &Limit) -> Result<(), Invalid> {
    let bad = |why: &str, hint: &str| -> Result<(), Invalid> {
        Err(Invalid::new("limit", &*limit.name, why).hint(hint))
    };
    if limit.name.trim().is_empty() {
        return bad("has no name", "name it, as in refunds-a-day");
    }
    if RunLimits::NAMES.contains(&&*limit.name) {
        return bad("has the name of a limit of runs", "give it another name: they would share a counter");
    }
    let on_calls = limit.calls.is_some() || limit.cost.is_some() || limit.lasts.is_some();
    match limit.open {
        None if !on_calls => {
            return bad("limits nothing", "say how many calls may run, or what they may cost");
        }
        Some(_) if on_calls || limit.within.is_some() || limit.attempts => {
            return bad(
                "limits open requests and calls",
                "make two of it: what is open is counted by itself",
            );
        }
        Some(open) if open > Limit::MOST_OPEN => {
            return bad("lets too many requests be open", "let at most 1000 be open at a time");
        }
        _ => {}
    }
    if limit.cost.is_some_and(|most| most.is_negative()) {
        return bad("has a cost below zero", "write what calls may cost together, as in 500 USD");
    }
    if limit.within.is_some_and(|window| window <= crate::clock::Span::ZERO) {
        return bad("has no window", "give a window above zero, or none");
    }
    Ok(())
}

impl Core {
    /// The limits that are about a call, besides those of its run. `policy`: those of the policy that it was ruled by.
    pub(crate) fn limits_on(
        &self,
        policy: &[Arc<Limit>],
        action: &ActionName,
    ) -> Result<Vec<Arc<Limit>>, ApprovalError> {
        self.limits_where(policy, |limit| limit.open.is_none() && limit.is_about(action))
    }

    fn limits_where(
        &self,
        policy: &[Arc<Limit>],
        matters: impl Fn(&Limit) -> bool,
    ) -> Result<Vec<Arc<Limit>>, ApprovalError> {
        let all = self.settings.limits.iter().chain(policy.iter());
        let mut limits: Vec<Arc<Limit>> = Vec::new();
        for limit in all.filter(|limit| matters(limit)) {
            match limits.iter().find(|known| known.name == limit.name) {
                // Set here and in the policy, it is one limit still.
                Some(known) if known == limit => {}
                // They would share a counter.
                Some(_) => return Err(two_of_one_name(&limit.name).into()),
                None => {
                    // A policy in code may have any.
                    check(limit)?;
                    limits.push(Arc::clone(limit));
                }
            }
        }
        Ok(limits)
    }

    /// What calls like this one have cost of late, in US dollars, where that is counted ([`Limit::spending`]). `own`: how the
    /// call itself was counted, which is left out.
    pub(crate) async fn spent_usd(
        &self,
        policy: &[Arc<Limit>],
        counts: Counts<'_>,
        own: CountedAs<'_>,
    ) -> Result<Option<Decimal>, ApprovalError> {
        let limits = self.limits_where(policy, |limit| limit.only_counts)?;
        if limits.is_empty() {
            return Ok(None);
        }
        let now = self.now().await?;
        let counted = self.counted(limits, counts).await?;
        Ok(counted.first().map(|one| lifecycle::spent_besides(one, own, now)))
    }

    /// The limits on a request that is about to be opened, and what they have counted.
    pub(crate) async fn limits_of(
        &self,
        draft: &Draft,
        run: &RunLimits,
    ) -> Result<Vec<Counted>, ApprovalError> {
        let action = &draft.action.name;
        // A question is no call, and still one more thing that people have to answer.
        let is_question = draft.question.is_some();
        let policy = self.limits_of_policy(draft.basis.as_ref().and_then(|basis| basis.policy))?;
        let matters = |limit: &Limit| (limit.open.is_some() || !is_question) && limit.is_about(action);
        let mut limits = self.limits_where(&policy, matters)?;
        if draft.run.is_some() && !is_question {
            limits.extend(run.on_calls().map(Arc::new));
        }
        let counts = Counts {
            agent: &draft.requester,
            action,
            run: draft.run.as_deref(),
            person: draft.on_behalf_of.as_ref(),
        };
        let mut counted = self.counted(limits, counts).await?;
        for one in &mut counted {
            self.strike_decided(one).await?;
        }
        Ok(counted)
    }

    /// Strikes requests that are decided out of a count of open ones, if it is full. So no decision has to count
    /// backwards, and nothing that fails in between leaves a wrong count behind.
    async fn strike_decided(&self, counted: &mut Counted) -> Result<(), StoreError> {
        let full = counted.limit.open.and_then(|most| usize::try_from(most).ok());
        let usage = &mut counted.counter.usage;
        if full.is_none_or(|most| usage.open.len() < most) {
            return Ok(());
        }
        let mut open = Vec::with_capacity(usage.open.len());
        for id in usage.open.drain(..) {
            // What is not there any more was removed by retention, long after its end.
            if self.find(id).await?.is_some_and(|stored| stored.request.status.is_open()) {
                open.push(id);
            }
        }
        usage.open = open;
        Ok(())
    }

    /// The limits that matter for what a command does to a request, and what they have counted; and the other counters in which
    /// the request has places. `ruled_by`: the text of the policy that was asked about the command.
    pub(crate) async fn limits_for(
        &self,
        command: &Command,
        request: &Request,
        ruled_by: Option<SourceDigest>,
    ) -> Result<(Vec<Counted>, Vec<Counter>), ApprovalError> {
        let action = &request.action.name;
        let counts = Counts {
            agent: &request.requester,
            action,
            run: request.run.as_deref(),
            person: request.on_behalf_of.as_ref(),
        };
        match lifecycle::counted_by(request, &command.act) {
            // Most commands count nothing.
            CountedBy::Nothing => Ok((Vec::new(), Vec::new())),
            CountedBy::Calls => {
                let limits = self.limits_on(&self.limits_of_policy(ruled_by)?, action)?;
                let counted = self.counted(limits, counts).await?;
                let counters = self.counters_of(&request.places, &counted).await?;
                Ok((counted, counters))
            }
            CountedBy::Attempts(run) => {
                let policy = self.limits_of_policy(ruled_by)?;
                let mut limits =
                    self.limits_where(&policy, |limit| limit.attempts && limit.is_about(action))?;
                if request.run.is_some() {
                    limits.extend(run.on_calls().map(Arc::new));
                }
                Ok((self.counted(limits, counts).await?, Vec::new()))
            }
            CountedBy::Place => {
                // The request says where: giving back waits for no limit, and for no person to be looked up.
                let mut counters = Vec::with_capacity(request.places.len());
                for place in &request.places {
                    match self.counter(Text::clone(&place.counter)).await {
                        Ok(counter) => counters.push(counter),
                        Err(error) => {
                            tracing::warn!(request = %request.id, %error, "the place of a call in the limits is not given back");
                        }
                    }
                }
                Ok((Vec::new(), counters))
            }
        }
    }

    /// What these have counted.
    pub(crate) async fn counted(
        &self,
        limits: Vec<Arc<Limit>>,
        counts: Counts<'_>,
    ) -> Result<Vec<Counted>, ApprovalError> {
        if limits.is_empty() {
            return Ok(Vec::new());
        }
        // On the heap: most calls are under no limit, and must not carry it.
        Box::pin(self.read_counters(limits, counts)).await
    }

    async fn read_counters(
        &self,
        limits: Vec<Arc<Limit>>,
        counts: Counts<'_>,
    ) -> Result<Vec<Counted>, ApprovalError> {
        let person = if limits.iter().any(|limit| limit.per.person) {
            self.canonical(counts.person).await?
        } else {
            None
        };
        let counts = Counts { person: person.as_ref(), ..counts };
        let mut all = Vec::with_capacity(limits.len());
        for limit in limits {
            let counter = self.counter(keys::counter(&self.settings.namespace, &limit, counts)).await?;
            all.push(Counted { limit, counter });
        }
        Ok(all)
    }

    /// The counters that hold these shares, each once, except for those of `counted`.
    async fn counters_of(&self, shares: &[Share], counted: &[Counted]) -> Result<Vec<Counter>, StoreError> {
        let mut all: Vec<Counter> = Vec::new();
        for Share { counter, .. } in shares {
            let known = counted.iter().map(|one| &one.counter).chain(&all).any(|one| one.name == *counter);
            if !known {
                all.push(self.counter(Text::clone(counter)).await?);
            }
        }
        Ok(all)
    }

    async fn counter(&self, name: Text) -> Result<Counter, StoreError> {
        let record = self.store.record(&RecordName::new(Text::clone(&name))).await?;
        let usage = record
            .as_ref()
            .map(|record| serde_json::from_slice::<Usage>(&record.value))
            .transpose()
            .map_err(|e| StoreError::unreadable(format!("the record {name} cannot be read: {e}")))?
            .unwrap_or_default();
        Ok(Counter { name, usage, version: record.map(|record| record.version) })
    }

    /// Counts a call that no person needs to be asked about, by the limits of the policy that allowed it.
    ///
    /// # Errors
    /// The limit that it goes over, if that denies.
    pub(crate) async fn count_allowed(
        &self,
        prepared: &Prepared,
        by: &RuledBy,
    ) -> Result<Count, ApprovalError> {
        let mut limits = self.limits_ruling(by, &prepared.spec.info.name)?;
        if prepared.context.run.is_some() {
            limits.extend(prepared.context.limits.on_calls().map(Arc::new));
        }
        let take =
            |counted: &[Counted], _: &[Counter], cost, now| lifecycle::take_all(counted.iter(), cost, now);
        self.count_call(prepared, limits, &[], take).await
    }

    /// Counts a call that the policy let run at the moment at which it runs. `shares`: how it was counted as a run before.
    ///
    /// # Errors
    /// The limit that it goes over, if that denies.
    pub(crate) async fn count_at_run(
        &self,
        prepared: &Prepared,
        by: &RuledBy,
        shares: &[Share],
    ) -> Result<Count, ApprovalError> {
        let limits = self.limits_ruling(by, &prepared.spec.info.name)?;
        let take = |counted: &[Counted], counters: &[Counter], cost, now| {
            lifecycle::take_at_run(counted, counters, cost, CountedAs::Runs(shares), now)
        };
        self.count_call(prepared, limits, shares, take).await
    }

    /// The limits that are about a call of an action, of the policy that it was ruled by.
    fn limits_ruling(&self, by: &RuledBy, action: &ActionName) -> Result<Vec<Arc<Limit>>, ApprovalError> {
        let policy = self.limits_of_policy(by.basis.as_ref().and_then(|basis| basis.policy))?;
        self.limits_on(&policy, action)
    }

    async fn count_call(
        &self,
        prepared: &Prepared,
        limits: Vec<Arc<Limit>>,
        shares: &[Share],
        take: impl Fn(&[Counted], &[Counter], Option<Money>, Timestamp) -> Taken,
    ) -> Result<Count, ApprovalError> {
        if limits.is_empty() && shares.is_empty() {
            return Ok(Count::Taken(ThinVec::new()));
        }
        let cost = lifecycle::cost_of(&prepared.spec.info, &prepared.bound.arguments)?;
        let action = &prepared.spec.info.name;
        let take = |counted: &[Counted], counters: &[Counter], now| take(counted, counters, cost, now);
        Box::pin(self.count((limits, shares), prepared.counts(), action, take)).await
    }

    /// Gives back what a call that the policy let run was counted as, since it will not run. If that fails it stays counted.
    /// `shares` must be how it is counted now: what has moved would be taken off another call.
    pub(crate) async fn give_back(&self, prepared: &Prepared, shares: &[Share]) {
        if shares.is_empty() {
            return;
        }
        if let Err(error) = self.try_give_back(shares).await {
            let action = &prepared.spec.info.name;
            tracing::warn!(%action, %error, "the share of a call in the limits is not given back");
        }
    }

    async fn try_give_back(&self, shares: &[Share]) -> Result<(), ApprovalError> {
        for _ in 0..ROUNDS {
            let counters = self.counters_of(shares, &[]).await?;
            let given_back = lifecycle::give_back(counters.iter(), CountedAs::Runs(shares));
            if given_back.is_empty() {
                return Ok(());
            }
            let (conditions, writes) = writes(&given_back)?;
            let commit = Commit { conditions, writes, ..Commit::default() };
            if let CommitOutcome::Committed { .. } = self.store.commit(commit).await? {
                return Ok(());
            }
        }
        Err(kept_counting())
    }

    /// `shares`: how the call was counted before, whose counters matter besides those of the limits.
    async fn count(
        &self,
        (limits, shares): (Vec<Arc<Limit>>, &[Share]),
        counts: Counts<'_>,
        action: &ActionName,
        take: impl Fn(&[Counted], &[Counter], Timestamp) -> Taken,
    ) -> Result<Count, ApprovalError> {
        for _ in 0..ROUNDS {
            let counted = self.counted(limits.clone(), counts).await?;
            let counters = self.counters_of(shares, &counted).await?;
            let now = self.now().await?;
            let taken = match take(&counted, &counters, now) {
                Ok(taken) => taken,
                Err((OverLimit::Ask, reached)) => return Ok(Count::Asks(reached.limit)),
                Err((OverLimit::Deny, reached)) => {
                    return Err(ApprovalError::LimitReached { action: action.clone(), reached });
                }
            };
            let (conditions, writes) = writes(&taken)?;
            let commit = Commit { conditions, writes, ..Commit::default() };
            if let CommitOutcome::Committed { .. } = self.store.commit(commit).await? {
                return Ok(Count::Taken(taken.into_iter().filter_map(|write| write.share).collect()));
            }
        }
        Err(kept_counting())
    }
}

impl Prepared {
    /// What tells its counters from others.
    pub(super) fn counts(&self) -> Counts<'_> {
        Counts {
            agent: &self.agent,
            action: &self.spec.info.name,
            run: self.context.run.as_deref(),
            person: self.context.on_behalf_of.as_ref(),
        }
    }
}

fn kept_counting() -> ApprovalError {
    StoreError::unavailable("others kept counting calls against the same limit; try again").into()
}

/// What a commit must carry for these counts.
pub(crate) fn writes(counted: &[CountedWrite]) -> Result<(Vec<Condition>, Vec<RecordWrite>), StoreError> {
    let mut conditions = Vec::with_capacity(counted.len());
    let mut writes = Vec::with_capacity(counted.len());
    for CountedWrite { counter, usage, expect, share: _ } in counted {
        let name = RecordName::new(Text::clone(counter));
        let value = serde_json::to_vec(usage)
            .map_err(|e| StoreError::unreadable(format!("a count cannot be written: {e}")))?;
        conditions.push(match expect {
            Some(version) => Condition::Version(name.clone(), *version),
            None => Condition::Absent(name.clone()),
        });
        writes.push(RecordWrite { name, value: Some(value) });
    }
    Ok((conditions, writes))
}

impl ApprovalManager {
    /// Counts a step of the current run (one round of its model, usually) against the limits of its [`Context`].
    ///
    /// # Errors
    /// [`ApprovalError::LimitReached`] when the run has made all steps that it may, or its time is over; when there is no
    /// current run; when the store failed.
    pub async fn step(&self) -> Result<(), ApprovalError> {
        self.core.at_work()?;
        let context = Context::current();
        let Some(run) = &context.run else {
            return Err(Invalid::new("step", "", "belongs to no run")
                .hint("make the step within Context::new().run(\"…\").scope(..)")
                .into());
        };
        let agent = context.agent.clone().unwrap_or_else(|| self.core.settings.agent.clone());
        let action = ActionName::new("step")?;
        let person = context.on_behalf_of.as_ref();
        let counts = Counts { agent: &agent, action: &action, run: Some(run), person };
        let limits: Vec<Arc<Limit>> = context.limits.on_steps().map(Arc::new).collect();
        if limits.is_empty() {
            return Ok(());
        }
        let take = |counted: &[Counted], _: &[Counter], now| lifecycle::take_all(counted.iter(), None, now);
        self.core.count((limits, &[]), counts, &action, take).await.map(drop)
    }
}
