//! What the killed processes said: what they were about to do, and what was acknowledged to them.

use std::{collections::BTreeMap, fmt};

use approval_core::RequestId;

use super::plan::{Plan, State};

/// What is known of one request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its course.
    pub plan: Plan,
    /// Its id, once that was acknowledged or found.
    pub id: Option<RequestId>,
    /// Steps that were acknowledged, or found to have been done.
    pub done: usize,
    /// Steps that were begun.
    pub begun: usize,
    /// Where it was brought afterwards: by time, or by a person who settled it.
    pub ended: Option<State>,
}

impl Entry {
    /// The states in which it may be found: after the acknowledged steps, or after one more if that was begun.
    #[must_use]
    pub fn possible(&self) -> Vec<(usize, Option<State>)> {
        match self.ended {
            Some(state) => vec![(self.done, Some(state))],
            None => (self.done..=self.begun.max(self.done)).map(|n| (n, self.plan.after(n))).collect(),
        }
    }

    /// Whether nothing is left to do by its course.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.is_some() || self.done == self.plan.steps().len()
    }
}

/// What is known of all requests, by their keys.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By key.
    pub entries: BTreeMap<String, Entry>,
}

/// A line that a child writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The store is open.
    Open,
    /// It is about to do this step (number, from 0) of the course of this key.
    Try {
        /// The key.
        key: String,
        /// The course.
        plan: Plan,
        /// Number of the step.
        step: usize,
    },
    /// The step was acknowledged.
    Done {
        /// The key.
        key: String,
        /// Number of the step.
        step: usize,
        /// The request.
        id: RequestId,
    },
    /// It is about to kill itself at this point.
    At(String),
    /// All work is done.
    End,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Try { key, plan, step } => write!(f, "try {key} {plan} {step}"),
            Self::Done { key, step, id } => write!(f, "done {key} {step} {id}"),
            Self::At(point) => write!(f, "at {point}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl Line {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let parts: Vec<&str> = rest.split(' ').collect();
        Some(match (word, parts.as_slice()) {
            ("open", _) => Self::Open,
            ("end", _) => Self::End,
            ("at", _) => Self::At(rest.to_owned()),
            ("try", [key, plan, step]) => {
                Self::Try { key: (*key).to_owned(), plan: Plan::named(plan)?, step: step.parse().ok()? }
            }
            ("done", [key, step, id]) => {
                Self::Done { key: (*key).to_owned(), step: step.parse().ok()?, id: id.parse().ok()? }
            }
            _ => return None,
        })
    }
}

impl Ledger {
    /// Takes down what a child said.
    ///
    /// # Panics
    /// If the child does not keep to the order of the steps: then the test itself is wrong.
    pub fn hear(&mut self, line: &Line) {
        match line {
            Line::Try { key, plan, step } => {
                let entry = self.entries.entry(key.clone()).or_insert(Entry {
                    plan: *plan,
                    id: None,
                    done: 0,
                    begun: 0,
                    ended: None,
                });
                assert_eq!(entry.done, *step, "{key} begins step {step} out of its turn: {entry:?}");
                entry.begun = step + 1;
            }
            Line::Done { key, step, id } => {
                let entry = self.entries.get_mut(key).expect("a step is begun before it is done");
                assert_eq!(entry.begun, step + 1, "{key} ends a step that it did not begin: {entry:?}");
                assert!(
                    entry.id.is_none_or(|known| known == *id),
                    "{key} became another request: {entry:?}, {id}"
                );
                entry.id = Some(*id);
                entry.done = step + 1;
            }
            Line::Open | Line::At(_) | Line::End => {}
        }
    }

    /// What the next child is to take up: key, course, and steps done.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(String, Plan, usize)> {
        self.entries
            .iter()
            .filter(|(_, entry)| !entry.is_over())
            .map(|(key, entry)| (key.clone(), entry.plan, entry.done))
            .collect()
    }
}
