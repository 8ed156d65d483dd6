//! Requests as they lie in a store, made up: for what reads many of them. Their histories tell nothing.

use std::sync::Arc;

use approval_core::{
    clock::{Span, Timestamp, after},
    id::RequestId,
    model::{ChainHead, EventLine, Priority, Request, Risk},
    store::{Commit, Document, Expect, RowWrite},
};
use serde_json::{Value, json};

use crate::random::Random;

/// Any digest will do: a store does not check it.
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// People approved.
    Approved,
    /// People rejected.
    Rejected,
    /// The deadline passed.
    Expired,
    /// The deadline passed, and the rule for that approved.
    ByTimeout,
    /// It was taken back.
    Cancelled,
    /// It rests on a standing approval.
    ByStanding,
    /// The policy had people told.
    ByPolicy,
}

/// Every end.
pub const ENDS: [Ended; 7] = [
    Ended::Approved,
    Ended::Rejected,
    Ended::Expired,
    Ended::ByTimeout,
    Ended::Cancelled,
    Ended::ByStanding,
    Ended::ByPolicy,
];

/// What one person said.
#[derive(Clone, Debug)]
pub struct Voted {
    /// Who.
    pub by: String,
    /// Through what.
    pub via: Option<&'static str>,
    /// `approve`, `reject` or `answer`.
    pub ballot: &'static str,
    /// When.
    pub at: Timestamp,
    /// Whether an edit made it void.
    pub void: bool,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Matter {
    /// Its id.
    pub id: RequestId,
    /// Of the row.
    pub version: u64,
    /// The tenant.
    pub namespace: &'static str,
    /// Name of the action.
    pub action: String,
    /// The agent.
    pub agent: String,
    /// Risk.
    pub risk: Risk,
    /// Priority.
    pub priority: Priority,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When people began to work on it, if later.
    pub begins_at: Option<Timestamp>,
    /// The votes.
    pub votes: Vec<Voted>,
    /// How it ended, and when.
    pub end: Option<(Ended, Timestamp)>,
}

impl Matter {
    /// A pending one, opened at `created_at`.
    #[must_use]
    pub fn random(random: &mut Random, created_at: Timestamp, actions: u64, agents: u64) -> Self {
        let begins = random.chance(10);
        Self {
            id: RequestId::generate(created_at),
            version: 0,
            namespace: if random.chance(75) { "default" } else { "other" },
            action: format!("bench.action_{}", random.below(actions)),
            agent: format!("agent:worker-{}", random.below(agents)),
            risk: *random.one(Risk::ALL),
            priority: *random.one(Priority::ALL),
            created_at,
            begins_at: begins.then(|| after(created_at, Span::from_secs(4000))),
            votes: Vec::new(),
            end: None,
        }
    }

    /// Ends it, after up to `longest`, with votes of one or two of `people` people.
    pub fn end(&mut self, random: &mut Random, end: Ended, longest: Span, people: u64) {
        let longest = u64::try_from(longest.as_micros()).expect("not negative").max(1);
        let wait = i64::try_from(random.below(longest)).expect("a span");
        let at = after(self.created_at, Span::from_micros(wait));
        for _ in 0..=random.below(2) {
            let ballot = match end {
                Ended::Approved => "approve",
                Ended::Rejected => "reject",
                _ if random.chance(50) => continue,
                _ => *random.one(&["approve", "reject", "answer"]),
            };
            let until = u64::try_from(wait).expect("not negative").max(1);
            let voted = i64::try_from(random.below(until)).expect("a span");
            self.votes.push(Voted {
                by: format!("user:person-{}@example.com", random.below(people)),
                via: *random.one(&[None, Some("terminal"), Some("mail"), Some("slack")]),
                ballot,
                at: after(self.created_at, Span::from_micros(voted)),
                void: random.chance(10),
            });
        }
        self.end = Some((end, at));
    }

    /// The change that brings a store from the version before to this one.
    ///
    /// # Panics
    /// When the document cannot be made.
    #[must_use]
    pub fn commit(&self) -> Commit {
        let expect = if self.version == 0 { Expect::Absent } else { Expect::Version(self.version) };
        let document = Document::new(Arc::new(self.request()));
        Commit {
            row: Some(RowWrite { expect, document }),
            events: vec![EventLine { seq: self.version + 1, text: "{}".into() }],
            ..Commit::default()
        }
    }

    fn request(&self) -> Request {
        let votes: Vec<Value> = self.votes.iter().map(vote).collect();
        let mut document = json!({
            "id": self.id,
            "namespace": self.namespace,
            "action": { "name": self.action, "version": 1 },
            "requester": self.agent,
            "original": DIGEST,
            "risk": self.risk,
            "priority": self.priority,
            "gate": {
                "rule": "made up",
                "requirements": [{ "count": 1, "of": ["group:people"] }],
                "timeout": 3_600_000,
                "grant_ttl": 900_000,
            },
            "revision": { "number": 1, "arguments": "{}", "digest": DIGEST },
            "status": "pending",
            "votes": votes,
            "created_at": self.created_at,
            "begins_at": self.begins_at,
            "chain": ChainHead::EMPTY,
        });
        if let Some((end, at)) = self.end {
            let (status, mark) = match end {
                Ended::Approved => ("approved", None),
                Ended::Rejected => ("rejected", None),
                Ended::Expired => ("expired", None),
                Ended::Cancelled => ("cancelled", None),
                Ended::ByTimeout => ("approved", Some(("by_timeout", json!(true)))),
                Ended::ByStanding => ("approved", Some(("by_standing", json!(uuid::Uuid::nil())))),
                Ended::ByPolicy => ("approved", Some(("by_policy", json!(true)))),
            };
            document["status"] = json!(status);
            document["decision"] = json!({ "outcome": status, "at": at, "by": [], "digest": DIGEST });
            if let Some((name, value)) = mark {
                document["decision"][name] = value;
            }
        }
        serde_json::from_value(document).expect("a request")
    }
}

fn vote(vote: &Voted) -> Value {
    let ballot = match vote.ballot {
        "reject" => json!({ "reject": {} }),
        "answer" => json!({ "answer": "42" }),
        other => json!(other),
    };
    json!({
        "voter": vote.by, "ballot": ballot, "digest": DIGEST,
        "via": vote.via, "at": vote.at, "void": vote.void,
    })
}
