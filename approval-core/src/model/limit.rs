//! How often, and at what cost, calls may run before people are asked or nothing runs any more.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ActionName, Money, Principal, Text};
use crate::{
    clock::{Span, Timestamp},
    id::RequestId,
};

/// What happens to a call that goes over a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverLimit {
    /// People are asked, even where the policy would let it run. What they approve runs, and counts.
    #[default]
    Ask,
    /// It does not run, whatever people say.
    Deny,
}

/// Which calls are counted together: those that agree in all that is set here. Nothing set: all that the limit is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is counted separately or not, by itself")]
pub struct CountedPer {
    /// Each run for itself. Calls outside of any run count together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub run: bool,
    /// Each agent for itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agent: bool,
    /// Each action for itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub action: bool,
    /// Each person behind the calls (`on_behalf_of`) separately. Calls without a person behind them count together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub person: bool,
}

impl CountedPer {
    /// Each run for itself.
    pub const RUN: Self = Self { run: true, ..Self::ALL };
    /// Each agent for itself.
    pub const AGENT: Self = Self { agent: true, ..Self::ALL };
    /// Each action for itself.
    pub const ACTION: Self = Self { action: true, ..Self::ALL };
    /// Each person behind the calls separately.
    pub const PERSON: Self = Self { person: true, ..Self::ALL };
    /// All calls together.
    const ALL: Self = Self { run: false, agent: false, action: false, person: false };
}

/// A limit on calls that run, at least one of `calls`, `cost` and `lasts` set; or, with `open` alone, on requests that wait for
/// people.
///
/// A call is counted when it runs. One that is opened without asking people takes a place until then: a new call needs room
/// besides runs and places, and one that runs needs room besides runs alone. So no more calls run within the time of the limit
/// than it says, however long before they were opened, and one that never runs keeps no opened one from running.
///
/// ```
/// use approval_core::model::{CountedPer, Limit, OverLimit};
/// let limit = Limit::new("refunds-a-day")
///     .on(["payments.refund"])
///     .per(CountedPer::AGENT)
///     .within(approval_core::clock::Span::from_hours(24))
///     .calls(20)
///     .cost("500 USD".parse()?)
///     .over(OverLimit::Ask);
/// // So many questions at a time may one agent put to people.
/// let open = Limit::new("open requests").per(CountedPer::AGENT).open(5);
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it is called, in messages and in the store. What was counted under another name does not count. Not `max_steps`,
    /// `max_tool_calls`, `max_seconds` or `max_usd`: so the limits of a run are called ([`RunLimits`]).
    pub name: Text,
    /// Names of actions, and patterns in which `*` stands for any text. None: every action.
    pub actions: Vec<Text>,
    /// Which calls are counted together.
    pub per: CountedPer,
    /// How long a call counts. `None`: for ever, which suits limits on runs.
    pub within: Option<Span>,
    /// How many calls may run.
    pub calls: Option<u32>,
    /// What they may cost together. A call of no known cost counts nothing; one in another currency is over the limit. Give the limit
    /// another name when its currency changes: what was counted before has no currency, and is compared as it is.
    pub cost: Option<Money>,
    /// How long after the first of them calls may run. The time begins when that one is counted: when it is opened, even if it then
    /// does not run; if people approved it, when it runs.
    pub lasts: Option<Span>,
    /// How many requests may be open, that is, wait for a decision, at the same time. One more is refused, whatever `over` says:
    /// asking is what it limits. A request counts until it is decided, and as long as that is not written down.
    pub open: Option<u32>,
    /// Whether calls are counted that ask to run, rather than those that run.
    pub attempts: bool,
    /// Whether calls are only counted, and nothing is limited.
    pub only_counts: bool,
    /// What happens to a call that goes over it.
    pub over: OverLimit,
}

impl Limit {
    /// No limit lets more requests be open: their ids lie in one record of the store.
    pub const MOST_OPEN: u32 = 1000;

    /// A limit on every action, all calls counted together, for ever; people are asked beyond it.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            actions: Vec::new(),
            per: CountedPer::default(),
            within: None,
            calls: None,
            cost: None,
            lasts: None,
            open: None,
            attempts: false,
            only_counts: false,
            over: OverLimit::Ask,
        }
    }

    /// No limit: counts what calls cost in US dollars, for [`Call::spent_usd`](crate::policy::Call::spent_usd). Calls of one agent in one run
    /// are counted together (and those outside of any run), for 24 hours.
    #[must_use]
    pub fn spending() -> Self {
        Self {
            per: CountedPer { run: true, ..CountedPer::AGENT },
            within: Some(Span::from_hours(24)),
            cost: Some(Money::new(Decimal::MAX, super::Currency::USD)),
            only_counts: true,
            ..Self::new("(spent_usd)")
        }
    }

    /// On these actions alone; in a name `*` stands for any text, as in `payments.*`.
    #[must_use]
    pub fn on<T: Into<Text>>(mut self, actions: impl IntoIterator<Item = T>) -> Self {
        self.actions.extend(actions.into_iter().map(Into::into));
        self
    }

    /// Which calls are counted together.
    #[must_use]
    pub const fn per(mut self, per: CountedPer) -> Self {
        self.per = per;
        self
    }

    /// How long a call counts.
    #[must_use]
    pub const fn within(mut self, window: Span) -> Self {
        self.within = Some(window);
        self
    }

    /// How many calls may run.
    #[must_use]
    pub const fn calls(mut self, calls: u32) -> Self {
        self.calls = Some(calls);
        self
    }

    /// What they may cost together: see [`Limit::cost`](Self#structfield.cost) about a change of the currency.
    #[must_use]
    pub const fn cost(mut self, cost: Money) -> Self {
        self.cost = Some(cost);
        self
    }

    /// How long after the first of them calls may run: see [`Limit::lasts`](Self#structfield.lasts).
    #[must_use]
    pub const fn lasts(mut self, lasts: Span) -> Self {
        self.lasts = Some(lasts);
        self
    }

    /// How many requests may be open at the same time, at most [`Limit::MOST_OPEN`]; one more is refused.
    #[must_use]
    pub const fn open(mut self, requests: u32) -> Self {
        self.open = Some(requests);
        self
    }

    /// Counts calls that ask to run: also those that people then reject.
    #[must_use]
    pub const fn attempts(mut self) -> Self {
        self.attempts = true;
        self
    }

    /// What happens to a call that goes over it.
    #[must_use]
    pub const fn over(mut self, over: OverLimit) -> Self {
        self.over = over;
        self
    }

    /// Whether it is about calls of an action.
    #[must_use]
    pub fn is_about(&self, action: &ActionName) -> bool {
        self.actions.is_empty() || self.actions.iter().any(|pattern| is_like(action.as_str(), pattern))
    }

    /// What distinguishes one counter of this limit from another: run, agent and action, where it counts each of them
    /// separately. The person behind the call is not among them: see [`Limit::person`].
    #[must_use]
    pub fn counter<'a>(
        &self,
        agent: &'a Principal,
        action: &'a ActionName,
        run: Option<&'a str>,
    ) -> [Option<&'a str>; 3] {
        [
            // Calls outside of any run count together.
            self.per.run.then(|| run.unwrap_or("")),
            self.per.agent.then_some(agent.as_str()),
            self.per.action.then_some(action.as_str()),
        ]
    }

    /// The person whose counter counts a call on behalf of `person`, where each person is counted separately; the inner
    /// `None` is the counter of calls without a person behind them.
    #[must_use]
    pub fn person<'a>(&self, person: Option<&'a Principal>) -> Option<Option<&'a Principal>> {
        self.per.person.then_some(person)
    }
}

/// What one run of an agent may do. Each is denied beyond it.
///
/// Calls are counted when they are asked for, and once more each time that an idempotent action runs again. An edit by approvers
/// is not counted at its edited cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunLimits {
    /// How many steps: see [`crate::ApprovalManager::step`].
    pub max_steps: Option<u32>,
    /// How many guarded calls, whether they run or not.
    pub max_tool_calls: Option<u32>,
    /// How many seconds after the first step or guarded call others may follow. A call that was asked for in time may begin later.
    pub max_seconds: Option<u32>,
    /// What guarded calls may cost together, in US dollars, as they were asked for, whether they run or not.
    pub max_usd: Option<Decimal>,
}

impl RunLimits {
    /// The stricter of each.
    pub(crate) fn and(self, other: Self) -> Self {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            }
        }
        Self {
            max_steps: least(self.max_steps, other.max_steps),
            max_tool_calls: least(self.max_tool_calls, other.max_tool_calls),
            max_seconds: least(self.max_seconds, other.max_seconds),
            max_usd: least(self.max_usd, other.max_usd),
        }
    }

    /// What its limits are called. No other may be.
    pub(crate) const NAMES: [&str; 4] = ["max_steps", "max_tool_calls", "max_seconds", "max_usd"];

    fn limit(name: &str) -> Limit {
        Limit::new(name).per(CountedPer::RUN).over(OverLimit::Deny).attempts()
    }

    /// The limits on guarded calls.
    pub(crate) fn on_calls(&self) -> impl Iterator<Item = Limit> {
        let usd = |amount| Money::new(amount, super::Currency::USD);
        [
            self.max_tool_calls.map(|calls| Self::limit("max_tool_calls").calls(calls)),
            self.max_usd.map(|most| Self::limit("max_usd").cost(usd(most))),
            self.seconds(),
        ]
        .into_iter()
        .flatten()
    }

    /// The limits on steps.
    pub(crate) fn on_steps(&self) -> impl Iterator<Item = Limit> {
        let steps = self.max_steps.map(|steps| Self::limit("max_steps").calls(steps));
        [steps, self.seconds()].into_iter().flatten()
    }

    fn seconds(&self) -> Option<Limit> {
        self.max_seconds.map(|seconds| Self::limit("max_seconds").lasts(Span::from_secs(i64::from(seconds))))
    }
}

/// Whether a text is like a pattern, in which `*` stands for any text. Takes each part at its first place after the one before,
/// which is enough: a later place leaves less for the rest.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    let (Some((first, rest)), Some((_, last))) = (pattern.split_once('*'), pattern.rsplit_once('*')) else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let between = rest.strip_suffix(last).unwrap_or_default();
    for part in between.split('*').filter(|part| !part.is_empty()) {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

/// Calls of a short stretch of time, counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its end: none of its calls was counted later.
    pub until: Timestamp,
    /// The end that it had at first, if that has moved since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_until: Option<Timestamp>,
    /// How many calls ran.
    pub calls: u64,
    /// What they cost, in the limit's currency.
    pub cost: Decimal,
    /// How many calls were opened without asking people, and may run later.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub places: u64,
    /// What these cost.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub places_cost: Decimal,
}

impl Stretch {
    /// Without a call, at the beginning of time.
    pub(crate) const EMPTY: Self = Self {
        until: Timestamp::UNIX_EPOCH,
        first_until: None,
        calls: 0,
        cost: Decimal::ZERO,
        places: 0,
        places_cost: Decimal::ZERO,
    };

    /// What distinguishes it from the others of its counter, and stays as it is while its end moves.
    pub(crate) const fn name(&self) -> Timestamp {
        match self.first_until {
            Some(first) => first,
            None => self.until,
        }
    }

    /// Whether it holds no call.
    pub(crate) const fn is_empty(&self) -> bool {
        self.calls == 0 && self.places == 0 && self.cost.is_zero() && self.places_cost.is_zero()
    }
}

/// What one counter holds of one call. It is taken off, and nothing else, when the call is counted anew where it runs, and when
/// it will not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The record of the counter.
    pub counter: Text,
    /// The end that the stretch had at first in which the call is counted.
    pub stretch: Timestamp,
    /// What was counted of its cost, in the currency of the limit.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub cost: Decimal,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What one counter of a limit has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// When the first call was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<Stretch>,
    /// Requests that were open when this was written, and perhaps are no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<RequestId>,
}
