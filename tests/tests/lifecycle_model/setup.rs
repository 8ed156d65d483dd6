//! The worlds and the histories that are tried: decoded from random bytes, so that failing ones shrink well.

use std::sync::{Arc, LazyLock};

use approval_core::{
    Principal, Priority, Risk,
    id::RequestId,
    lifecycle::{Draft, tighten},
    model::{
        ActionInfo, ActionName, DelegationRule, Editable, EscalationStage, Gate, OnTimeout, People, Question,
        Reminders, Requirement,
        canonical::{arguments_digest, parse_canonical},
    },
};
use jiff::SignedDuration;

/// Whoever may act. 0 to 4 are people, 5 is another name of 0, and the groups stand for some of them.
pub type Who = usize;
pub const ALIAS: Who = 5;
pub const AGENT: Who = 6;
pub const OTHER_AGENT: Who = 7;
/// An operator, who is asked by nobody.
pub const BOSS: Who = 8;
/// A person of whom no gate knows.
pub const STRANGER: Who = 9;
pub const GROUPS: [Who; 2] = [10, 11];

static CAST: LazyLock<Vec<Principal>> = LazyLock::new(|| {
    let names = [
        "user:u0",
        "user:u1",
        "user:u2",
        "user:u3",
        "user:u4",
        "user:u0+alias",
        "agent:worker",
        "agent:other",
        "user:boss",
        "user:stranger",
        "group:g0",
        "group:g1",
    ];
    names.iter().map(|name| Principal::new(name).expect("a good name")).collect()
});

pub fn principal(who: Who) -> Principal {
    CAST[who].clone()
}

pub fn who(principal: &Principal) -> Who {
    CAST.iter().position(|other| other == principal).expect("one of the cast")
}

/// Those whose bits are set; bits 6 and 7 are the groups.
pub fn cast(mask: u8) -> Vec<Who> {
    (0..8).filter(|bit| mask >> bit & 1 == 1).map(|bit| if bit < 6 { bit } else { bit + 4 }).collect()
}

/// Random bytes, taken one after the other; zeros at the end.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    pub fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next()) % bound
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == bound - 1
    }

    /// Some of the people, about half of them.
    pub fn somebody(&mut self) -> Vec<Who> {
        let all = cast(self.next());
        if all.is_empty() { vec![self.below(6)] } else { all }
    }
}

#[derive(Clone, Debug)]
pub struct Need {
    pub count: usize,
    pub of: Vec<Who>,
    pub may_share: bool,
    /// Which needs are matched together.
    pub matching: usize,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub after: i64,
    pub requirement: usize,
    pub to: Vec<Who>,
    pub priority: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtTimeout {
    Reject,
    Escalate,
    Approve,
}

/// What the policy asks for after an edit.
#[derive(Clone, Debug)]
pub struct Stricter {
    pub need: Option<Need>,
    /// Whether the action's own needs go with it.
    pub besides: bool,
    pub excluded: Vec<Who>,
    pub timeout: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Setup {
    pub groups: [Vec<Who>; 2],
    pub needs: Vec<Need>,
    pub excluded: Vec<Who>,
    pub behalf: Option<Who>,
    pub risk: usize,
    pub self_allowed: Option<bool>,
    pub veto: usize,
    pub timeout: Option<i64>,
    pub at_timeout: AtTimeout,
    pub stages: Vec<Stage>,
    pub reminders: Option<(i64, u32)>,
    /// To whom the rule permits to delegate; `None`: nobody at all.
    pub delegates: Option<Vec<Who>>,
    /// How many equal answers decide, if it is a question.
    pub agree: Option<usize>,
    pub idempotent: bool,
    pub editable: bool,
    pub stricter: Option<Stricter>,
}

pub const GRANT_TTL: i64 = 60;
pub const TIMEOUT: i64 = 100;

impl Setup {
    pub fn decode(bytes: &mut Bytes<'_>) -> Self {
        let needs: Vec<Need> = (0..1 + bytes.below(3)).map(|_| need(bytes)).collect();
        let mut at_timeout = [AtTimeout::Reject, AtTimeout::Escalate, AtTimeout::Approve][bytes.below(3)];
        let stages: Vec<Stage> = (0..bytes.below(3))
            .map(|_| Stage {
                after: i64::from(bytes.next() % 150),
                requirement: bytes.below(needs.len()),
                to: bytes.somebody(),
                priority: Some(bytes.below(8)).filter(|priority| *priority < 4),
            })
            .collect();
        let mut risk = bytes.below(5);
        let agree = if bytes.one_in(6) { Some(1 + bytes.below(2)) } else { None };
        // Most worlds make sense.
        if !bytes.one_in(16) {
            match at_timeout {
                AtTimeout::Approve if agree.is_none() => risk %= 2,
                AtTimeout::Escalate if !stages.is_empty() => {}
                _ => at_timeout = AtTimeout::Reject,
            }
        }
        Self {
            groups: [person_list(bytes), person_list(bytes)],
            excluded: if bytes.one_in(4) { cast(bytes.next() & bytes.next()) } else { Vec::new() },
            behalf: Some(bytes.below(12)).filter(|person| *person <= ALIAS),
            risk,
            self_allowed: [None, None, None, None, None, Some(true), Some(true), Some(false)][bytes.below(8)],
            veto: [1, 2, 2, 3][bytes.below(4)],
            timeout: if bytes.one_in(5) { None } else { Some(TIMEOUT) },
            reminders: if bytes.one_in(3) {
                Some((1 + i64::from(bytes.next() % 50), u32::from(bytes.next() % 5)))
            } else {
                None
            },
            delegates: match bytes.below(8) {
                0 => None,
                1 | 2 => Some(bytes.somebody()),
                _ => Some((0..6).collect()),
            },
            agree,
            idempotent: bytes.one_in(2),
            editable: !bytes.one_in(4),
            stricter: if bytes.one_in(2) { Some(stricter(bytes)) } else { None },
            needs,
            at_timeout,
            stages,
        }
    }

    pub fn gate(&self) -> Gate {
        Gate {
            excluded: principals(&self.excluded),
            veto: u32::try_from(self.veto).expect("small"),
            allow_self_approval: self.self_allowed,
            timeout: self.timeout.map(SignedDuration::from_secs),
            on_timeout: match self.at_timeout {
                AtTimeout::Reject => OnTimeout::Reject,
                AtTimeout::Escalate => OnTimeout::Escalate,
                AtTimeout::Approve => OnTimeout::Approve,
            },
            grant_ttl: SignedDuration::from_secs(GRANT_TTL),
            escalation: self
                .stages
                .iter()
                .map(|stage| EscalationStage {
                    after: SignedDuration::from_secs(stage.after),
                    requirement: stage.requirement,
                    to: principals(&stage.to),
                    priority: stage.priority.map(|level| Priority::ALL[level]),
                })
                .collect(),
            reminders: self
                .reminders
                .map(|(every, at_most)| Reminders { every: SignedDuration::from_secs(every), at_most }),
            delegation: match &self.delegates {
                None => DelegationRule::Forbidden,
                Some(to) => DelegationRule::To(principals(to)),
            },
            editable: if self.editable {
                vec![Editable { path: "cents".into(), schema: None }]
            } else {
                Vec::new()
            },
            ..Gate::new("model", self.needs.iter().map(requirement).collect())
        }
    }

    pub fn edited_gate(&self) -> Option<Gate> {
        let stricter = self.stricter.as_ref()?;
        let by = Gate::only("model", stricter.need.iter().map(requirement).collect());
        let requirements = if stricter.besides {
            let own = Gate::new("model", self.needs.iter().map(requirement).collect());
            tighten(&own, &by).requirements
        } else {
            by.requirements.clone()
        };
        Some(Gate {
            requirements,
            excluded: principals(&stricter.excluded),
            timeout: stricter.timeout.map(SignedDuration::from_secs),
            ..by
        })
    }

    pub fn draft(&self) -> Draft {
        let mut action = ActionInfo::new(ActionName::new("model.act").expect("a good name"));
        action.idempotent = self.idempotent;
        action.description = "{cents} cents".into();
        action.cost = Some("{cents} / 100 USD".into());
        let arguments = parse_canonical(r#"{"cents":0}"#).expect("JSON");
        Draft {
            id: RequestId::from_uuid(uuid::Uuid::from_u128(1)),
            namespace: "default".into(),
            enclosed: None,
            digest: arguments_digest("model.act", 1, None, &arguments),
            action: Arc::new(action),
            question: self.agree.map(|agree| {
                Arc::new(Question {
                    text: "How many?".into(),
                    schema: "true".into(),
                    options: Vec::new(),
                    agree: u32::try_from(agree).expect("small"),
                })
            }),
            requester: principal(AGENT),
            on_behalf_of: self.behalf.map(principal),
            run: None,
            intent: None,
            key: None,
            risk: Risk::ALL[self.risk],
            priority: None,
            gate: Arc::new(self.gate()),
            arguments,
            predecessor: None,
            allowed: false,
            declaration: None,
            basis: None,
            answers_info: false,
        }
    }
}

pub fn principals(cast: &[Who]) -> Vec<Principal> {
    cast.iter().map(|who| principal(*who)).collect()
}

fn requirement(need: &Need) -> Requirement {
    let count = u32::try_from(need.count).expect("small");
    Requirement { may_share: need.may_share, ..Requirement::at_least(count, principals(&need.of)) }
}

fn need(bytes: &mut Bytes<'_>) -> Need {
    Need {
        count: 1 + usize::from(bytes.one_in(2)),
        of: bytes.somebody(),
        may_share: bytes.one_in(4),
        matching: 0,
    }
}

fn stricter(bytes: &mut Bytes<'_>) -> Stricter {
    Stricter {
        need: if bytes.one_in(2) { Some(need(bytes)) } else { None },
        besides: bytes.one_in(2),
        excluded: if bytes.one_in(4) { vec![bytes.below(6)] } else { Vec::new() },
        timeout: Some(i64::from(bytes.next())).filter(|timeout| (1..=120).contains(timeout)),
    }
}

fn person_list(bytes: &mut Bytes<'_>) -> Vec<Who> {
    cast(bytes.next() & 0b11_1111)
}

/// The directory as it stands.
pub fn people(groups: &[Vec<Who>; 2], gone: &[Who]) -> People {
    People {
        groups: GROUPS
            .iter()
            .zip(groups)
            .map(|(group, members)| (principal(*group), principals(members).into_iter().collect()))
            .collect(),
        aliases: [(principal(ALIAS), principal(0))].into(),
        known: (!gone.is_empty()).then(|| {
            [0, 1, 2, 3, 4, BOSS, STRANGER]
                .into_iter()
                .filter(|person| !gone.contains(person))
                .map(principal)
                .collect()
        }),
        ..People::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Approve,
    Reject,
    Answer(u8),
}

/// What is wrong with an attempt to spend the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    Agent,
    Action,
    Arguments,
    Nonce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Succeeded,
    Failed,
    Unknown,
}

#[derive(Clone, Debug)]
pub enum Step {
    Vote {
        who: Who,
        said: Said,
        stale: bool,
    },
    Edit {
        who: Who,
        cents: u8,
        stale: bool,
    },
    Delegate {
        from: Who,
        to: Who,
    },
    Escalate {
        who: Who,
        requirement: usize,
        to: Vec<Who>,
        priority: Option<usize>,
    },
    Ask {
        who: Who,
    },
    Inform {
        who: Who,
    },
    Comment {
        who: Who,
    },
    Cancel {
        who: Who,
    },
    Halt {
        who: Who,
    },
    Revoke {
        who: Who,
    },
    Consume {
        wrong: Wrong,
    },
    Finish {
        executor: u8,
        end: End,
        /// Whether it reports on a run before the present one.
        earlier: bool,
    },
    Lose {
        executor: u8,
    },
    Settle {
        who: Who,
        succeeded: bool,
    },
    Reopen {
        who: Who,
    },
    Retry {
        who: Who,
        successor: u8,
    },
    Tick,
    /// Time passes, or the clock is set back.
    Wait {
        seconds: i64,
    },
    Move {
        group: usize,
        person: Who,
    },
    Leave {
        person: Who,
    },
    FlipHalt,
    FlipDelivered,
}

/// How far a request has come, for making the steps likely that mean something then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Open,
    NotStarted,
    Begun,
    /// Nothing runs, nor will.
    Over,
}

impl Step {
    /// `hot` are people to whom something happened, who are the likelier to vote.
    pub fn decode(bytes: &[u8], phase: Phase, hot: &[Who]) -> Self {
        let (kind, mut rest) = (bytes[0] % 64, Bytes(&bytes[1..]));
        let who = rest.below(10);
        let kind = match (kind, phase) {
            (0..32, Phase::Open) | (0..24, _) => kind,
            // A vote or a delegation more.
            (_, Phase::Open) => {
                [0, 1, 2, 17, 18, 19, 42, 43, 44, 39, 40, 45, 46, 47, 14, 21][usize::from(kind % 16)]
            }
            (_, Phase::NotStarted) => [29, 28, 27, 39, 42, 29, 29, kind % 48][usize::from(kind % 8)],
            (_, Phase::Begun) => [33, 33, 35, 36, 37, 38, 28, kind % 48][usize::from(kind % 8)],
            (_, Phase::Over) => [38, 38, 39, 27, kind % 48, 25, 28, 42][usize::from(kind % 8)],
        };
        match kind {
            0..=12 => Self::Vote {
                who: match rest.below(6 + 2 * hot.len()) {
                    some if some < 6 => some,
                    more => hot[(more - 6) / 2],
                },
                said: match rest.below(8) {
                    0 => Said::Reject,
                    2 | 3 => Said::Answer(u8::from(rest.one_in(4))),
                    _ => Said::Approve,
                },
                stale: rest.one_in(8),
            },
            13 => Self::Vote { who, said: Said::Approve, stale: false },
            14..=16 => Self::Edit { who, cents: rest.next() % 3, stale: rest.one_in(8) },
            17..=20 => Self::Delegate { from: rest.below(6), to: rest.below(10) },
            21 | 22 => Self::Escalate {
                who,
                requirement: rest.below(4),
                to: rest.somebody(),
                priority: Some(rest.below(8)).filter(|priority| *priority < 4),
            },
            23 => Self::Ask { who },
            24 => Self::Inform { who: if rest.one_in(2) { AGENT } else { who } },
            25 => Self::Comment { who },
            26 => Self::Cancel { who },
            27 => Self::Halt { who },
            28 => Self::Revoke { who },
            29..=32 => Self::Consume {
                wrong: [
                    Wrong::Nothing,
                    Wrong::Nothing,
                    Wrong::Agent,
                    Wrong::Action,
                    Wrong::Arguments,
                    Wrong::Nonce,
                ][rest.below(6)],
            },
            33 | 34 => Self::Finish {
                executor: u8::from(rest.one_in(4)),
                end: [End::Succeeded, End::Failed, End::Unknown][rest.below(3)],
                earlier: rest.one_in(5),
            },
            35 => Self::Lose { executor: u8::from(rest.one_in(3)) },
            36 => Self::Settle { who, succeeded: rest.one_in(2) },
            37 => Self::Reopen { who },
            38 => Self::Retry { who, successor: rest.next() % 2 },
            39..=41 => Self::Tick,
            42..=44 => Self::Wait { seconds: [1, 10, 30, 60, 100, 5000, -10, -200][rest.below(8)] },
            45 => Self::Move { group: rest.below(2), person: rest.below(6) },
            46 => Self::Leave { person: rest.below(5) },
            _ if rest.one_in(2) => Self::FlipHalt,
            _ => Self::FlipDelivered,
        }
    }
}
