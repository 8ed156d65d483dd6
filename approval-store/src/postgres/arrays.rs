//! A group of work as the arrays that one statement takes.

use std::{borrow::Cow, collections::HashMap};

use approval_core::{
    clock::Timestamp,
    model::ExecutionState,
    store::{Condition, Expect, RecordName},
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    locks::{self, On},
    text,
    work::Work,
};
use crate::{
    change::{Encoded, Row},
    columns::{Settlement, claimable_at, column, micros},
};

/// Number of a piece of work within its group.
type Place = i32;

#[derive(Default)]
struct NewRows<'a> {
    places: Vec<Place>,
    ids: Vec<Uuid>,
    keys: Vec<Option<Cow<'a, str>>>,
    namespaces: Vec<Cow<'a, str>>,
    statuses: Vec<&'static str>,
    executions: Vec<Option<&'static str>>,
    actions: Vec<Cow<'a, str>>,
    requesters: Vec<Cow<'a, str>>,
    runs: Vec<Option<Cow<'a, str>>>,
    dues: Vec<Option<i64>>,
    executors: Vec<Option<Uuid>>,
    created: Vec<i64>,
    documents: Vec<&'a [u8]>,
}

#[derive(Default)]
struct OldRows<'a> {
    places: Vec<Place>,
    ids: Vec<Uuid>,
    versions: Vec<i64>,
    statuses: Vec<&'static str>,
    executions: Vec<Option<&'static str>>,
    dues: Vec<Option<i64>>,
    executors: Vec<Option<Uuid>>,
    documents: Vec<&'a [u8]>,
}

#[derive(Default)]
struct Events<'a> {
    places: Vec<Place>,
    requests: Vec<Uuid>,
    seqs: Vec<i64>,
    lines: Vec<&'a [u8]>,
}

#[derive(Default)]
struct Notices<'a> {
    places: Vec<Place>,
    ids: Vec<Uuid>,
    requests: Vec<Uuid>,
    namespaces: Vec<Option<Cow<'a, str>>>,
    channels: Vec<Cow<'a, str>>,
    claimable: Vec<Option<i64>>,
    owners: Vec<Option<Uuid>>,
    leases: Vec<i64>,
    bodies: Vec<&'a str>,
}

#[derive(Default)]
struct Writes<'a> {
    places: Vec<Place>,
    names: Vec<&'a [u8]>,
    values: Vec<Option<&'a [u8]>>,
}

#[derive(Default)]
struct Settlements<'a> {
    requests: Vec<Uuid>,
    ids: Vec<Uuid>,
    owners: Vec<Uuid>,
    deliveries: Vec<&'a str>,
    claimable: Vec<Option<i64>>,
}

/// What must hold of records, each said once.
#[derive(Default)]
struct Conditions<'a> {
    known: HashMap<&'a Condition, Place>,
    kinds: Vec<i32>,
    names: Vec<&'a [u8]>,
    versions: Vec<Option<i64>>,
    /// Which piece of work is bound to which condition.
    bound: (Vec<Place>, Vec<Place>),
}

/// The arrays, in the order of the function's parameters from `locks` on.
#[derive(Default)]
pub(super) struct Arrays<'a> {
    locks: Vec<i64>,
    exclusive: Vec<bool>,
    conditions: Conditions<'a>,
    timed: (Vec<Place>, Vec<Option<i64>>, Vec<Option<i64>>),
    new: NewRows<'a>,
    old: OldRows<'a>,
    events: Events<'a>,
    notices: Notices<'a>,
    writes: Writes<'a>,
    settlements: Settlements<'a>,
    journal: Vec<&'a str>,
}

/// How many parameters those are.
pub(super) const COUNT: usize = 53;

/// A place as the statement counts; groups are small.
fn place(index: usize) -> Place {
    Place::try_from(index).unwrap_or(Place::MAX)
}

/// The first of a group's conditions is number 1, as arrays count in SQL.
fn kind(condition: &Condition) -> (i32, Option<i64>) {
    match condition {
        Condition::Absent(_) => (0, None),
        Condition::Present(_) => (1, None),
        Condition::Version(_, version) => (2, Some(column(*version))),
    }
}

impl<'a> Arrays<'a> {
    /// The arrays of a group.
    pub(super) fn of(group: &'a [Work], schema: &str) -> Self {
        let mut arrays = Self::default();
        // A lock that is wanted both ways is taken the stronger way.
        let mut locks: HashMap<On<'a>, bool> = HashMap::new();
        let mut old = Vec::new();
        for (index, work) in group.iter().enumerate() {
            match work {
                Work::Change(change, _) => {
                    arrays.change(place(index), change, &mut locks);
                    old.extend(
                        change
                            .row
                            .as_ref()
                            .filter(|row| row.expect != Expect::Absent)
                            .map(|row| (place(index), row)),
                    );
                }
                Work::Settle(settlements, _) => settlements.iter().for_each(|one| arrays.settle(one)),
                Work::Journal(lines, _) => arrays.journal.extend(lines.iter().map(String::as_str)),
            }
        }
        // The order in which every process locks rows.
        old.sort_unstable_by_key(|(_, row)| row.id());
        for (place, row) in old {
            arrays.row(place, row);
        }
        let mut numbers: HashMap<i64, bool> = HashMap::with_capacity(locks.len());
        for (on, exclusive) in locks {
            *numbers.entry(locks::lock(schema, on)).or_default() |= exclusive;
        }
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_unstable();
        (arrays.locks, arrays.exclusive) = numbers.into_iter().unzip();
        arrays
    }

    fn change(&mut self, place: Place, change: &'a Encoded, locks: &mut HashMap<On<'a>, bool>) {
        let timed = change.not_before.is_some() || change.not_after.is_some();
        if timed {
            self.timed.0.push(place);
            self.timed.1.push(change.not_before.map(micros));
            self.timed.2.push(change.not_after.map(micros));
        }
        for condition in &change.conditions {
            locks.entry(On::Record(condition.name().as_str())).or_default();
            let number = self.conditions.number(condition);
            self.conditions.bound.0.push(place);
            self.conditions.bound.1.push(number);
        }
        for write in &change.writes {
            locks.insert(On::Record(write.name.as_str()), true);
            self.writes.places.push(place);
            self.writes.names.push(write.name.as_str().as_bytes());
            self.writes.values.push(write.value.as_deref());
        }
        if let Some(row) = &change.row {
            if timed
                && row.expect == Expect::Absent
                && let Some(key) = row.document.index().key
            {
                // Another one that opens a request with this key is waited for before the clock is read, not after.
                locks.insert(On::Key(key), true);
            }
            if row.expect == Expect::Absent {
                self.row(place, row);
            }
            for event in &change.events {
                self.events.places.push(place);
                self.events.requests.push(*row.id().as_uuid());
                self.events.seqs.push(column(event.seq));
                self.events.lines.push(event.text.as_bytes());
            }
        }
        let claim = change.claim.as_ref().map(|claim| claim.by);
        for notice in &change.notices {
            self.notices.places.push(place);
            self.notices.ids.push(Uuid::from_bytes(notice.id));
            self.notices.requests.push(Uuid::from_bytes(notice.request));
            self.notices.namespaces.push(change.namespace().map(text::column));
            self.notices.channels.push(text::column(&notice.channel));
            self.notices.claimable.push(notice.claimable_at);
            self.notices.owners.push(claim.map(|claim| *claim.owner.as_uuid()));
            let lease = claim.map_or(0, |claim| claim.lease.as_micros());
            self.notices.leases.push(i64::try_from(lease).unwrap_or(i64::MAX / 4));
            self.notices.bodies.push(&notice.body);
        }
    }

    fn row(&mut self, place: Place, row: &'a Row) {
        let index = row.document.index();
        let execution = index.execution.map(ExecutionState::as_str);
        let due = index.due_at.map(Timestamp::as_microsecond);
        let executor = index.executor.map(|id| *id.as_uuid());
        match row.expect {
            Expect::Absent => {
                let new = &mut self.new;
                new.places.push(place);
                new.ids.push(*index.id.as_uuid());
                new.keys.push(index.key.map(text::column));
                new.namespaces.push(text::column(index.namespace));
                new.statuses.push(index.status.as_str());
                new.executions.push(execution);
                new.actions.push(text::column(index.action));
                new.requesters.push(text::column(index.requester));
                new.runs.push(index.run.map(text::column));
                new.dues.push(due);
                new.executors.push(executor);
                new.created.push(micros(index.created_at));
                new.documents.push(&row.bytes);
            }
            Expect::Version(version) => {
                let old = &mut self.old;
                old.places.push(place);
                old.ids.push(*index.id.as_uuid());
                old.versions.push(column(version));
                old.statuses.push(index.status.as_str());
                old.executions.push(execution);
                old.dues.push(due);
                old.executors.push(executor);
                old.documents.push(&row.bytes);
            }
        }
    }

    fn settle(&mut self, settlement: &'a Settlement) {
        let by = &settlement.by;
        self.settlements.requests.push(*by.request.as_uuid());
        self.settlements.ids.push(*by.id.as_uuid());
        self.settlements.owners.push(*by.owner.as_uuid());
        self.settlements.deliveries.push(&settlement.delivery);
        self.settlements.claimable.push(claimable_at(&by.delivery));
    }

    /// The parameters, in their order.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); COUNT] {
        let Self { conditions, timed, new, old, events, notices, writes, settlements, .. } = self;
        [
            &self.locks,
            &self.exclusive,
            &conditions.kinds,
            &conditions.names,
            &conditions.versions,
            &conditions.bound.0,
            &conditions.bound.1,
            &timed.0,
            &timed.1,
            &timed.2,
            &new.places,
            &new.ids,
            &new.keys,
            &new.namespaces,
            &new.statuses,
            &new.executions,
            &new.actions,
            &new.requesters,
            &new.runs,
            &new.dues,
            &new.executors,
            &new.created,
            &new.documents,
            &old.places,
            &old.ids,
            &old.versions,
            &old.statuses,
            &old.executions,
            &old.dues,
            &old.executors,
            &old.documents,
            &events.places,
            &events.requests,
            &events.seqs,
            &events.lines,
            &notices.places,
            &notices.ids,
            &notices.requests,
            &notices.namespaces,
            &notices.channels,
            &notices.claimable,
            &notices.owners,
            &notices.leases,
            &notices.bodies,
            &writes.places,
            &writes.names,
            &writes.values,
            &settlements.requests,
            &settlements.ids,
            &settlements.owners,
            &settlements.deliveries,
            &settlements.claimable,
            &self.journal,
        ]
    }

    /// The number of a condition in this group.
    pub(super) fn number_of(&self, condition: &Condition) -> Option<Place> {
        self.conditions.known.get(condition).copied()
    }
}

impl<'a> Conditions<'a> {
    fn number(&mut self, condition: &'a Condition) -> Place {
        let next = place(self.kinds.len().saturating_add(1));
        let number = *self.known.entry(condition).or_insert(next);
        if number == next {
            let (kind, version) = kind(condition);
            self.kinds.push(kind);
            self.names.push(condition.name().as_str().as_bytes());
            self.versions.push(version);
        }
        number
    }
}

/// Which record the first failing condition of a change is about.
pub(super) fn first_failed(change: &Encoded, failed: impl Fn(&Condition) -> bool) -> Option<&RecordName> {
    change.conditions.iter().find(|condition| failed(condition)).map(Condition::name)
}
