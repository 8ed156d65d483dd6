//! Exactly what a call was counted as is taken off again, whatever limits there are by then.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    limit::{counted, money, try_take},
    *,
};
use crate::lifecycle::limit::take_places;
use crate::model::{Limit, Money, OverLimit, Share, Usage};

fn few(calls: u32) -> Limit {
    Limit::new("few").calls(calls).over(OverLimit::Deny)
}

/// Ends in seconds, runs and places.
fn stretches(usage: &Usage) -> Vec<(i64, u64, u64)> {
    let of = |stretch: &crate::model::Stretch| {
        (stretch.until.duration_since(at(0)).as_secs(), stretch.calls, stretch.places)
    };
    usage.stretches.iter().map(of).collect()
}

fn placed(limit: &Limit, usage: &mut Usage, now: i64) -> Share {
    let write = take_places(&[counted(limit.clone(), usage)], None, at(now)).unwrap().remove(0);
    *usage = write.usage;
    write.share.unwrap()
}

fn given_back(usage: &Usage, share: &Share) -> Option<Usage> {
    let counter = counted(few(0), usage).counter;
    give_back(std::iter::once(&counter), CountedAs::Places(std::slice::from_ref(share)))
        .pop()
        .map(|one| one.usage)
}

#[test]
fn a_place_is_found_though_the_end_of_its_stretch_moved() {
    let forever = few(9);
    let mut usage = Usage::default();
    let share = placed(&forever, &mut usage, 5);
    for second in [10, 20] {
        try_take(&forever, &mut usage, None, at(second)).unwrap();
    }
    assert_eq!((stretches(&usage), share.stretch), (vec![(20, 2, 1)], at(5)));
    // A window comes, and goes again.
    try_take(&forever.clone().within(Span::from_hours(1)), &mut usage, None, at(25)).unwrap();
    try_take(&forever, &mut usage, None, at(70)).unwrap();
    assert_eq!(stretches(&usage), [(20, 2, 1), (70, 2, 0)]);
    assert_eq!(stretches(&given_back(&usage, &share).unwrap()), [(20, 2, 0), (70, 2, 0)]);
}

#[test]
fn a_place_that_left_the_window_is_no_place_of_a_later_call() {
    let minute = few(9).within(Span::from_secs(60));
    let mut usage = Usage::default();
    let share = placed(&minute, &mut usage, 5);
    placed(&minute, &mut usage, 100);
    assert_eq!(stretches(&usage), [(101, 0, 1)]);
    assert_eq!(given_back(&usage, &share), None);
    // Also where the window is gone by then, and the end of the later stretch moves.
    placed(&few(9), &mut usage, 200);
    assert_eq!(given_back(&usage, &share), None);
}

#[test]
fn a_cost_that_was_not_counted_is_not_taken_off() {
    let hour = Span::from_hours(1);
    let mut usage = Usage::default();
    let share = placed(&few(9).within(hour), &mut usage, 0);
    let budget = few(9).within(hour).cost(money("100 USD"));
    let cost = Some(money("100 USD"));
    let both = take_places(&[counted(budget.clone(), &usage)], cost, at(0)).unwrap().remove(0).usage;
    let left = given_back(&both, &share).unwrap();
    assert_eq!((left.stretches[0].places, left.stretches[0].places_cost), (1, 100.into()));
    assert!(take_places(&[counted(budget, &left)], Some(money("0.01 USD")), at(0)).is_err());
}

#[test]
fn a_call_that_runs_where_no_limit_counts_it_is_a_run_in_its_counter() {
    let mut usage = Usage::default();
    let share = placed(&few(9).within(Span::from_hours(1)), &mut usage, 0);
    let one = counted(few(9), &usage);
    let run = |limits: &[Counted], counters: &[Counter], shares: &[Share]| {
        take_at_run(limits, counters, None, CountedAs::Places(shares), at(70)).unwrap()
    };
    let others = [
        // No limit of this program, another counter by now, or one that counts something else.
        run(&[], std::slice::from_ref(&one.counter), std::slice::from_ref(&share)),
        run(&[counted(few(1).attempts(), &usage)], &[], std::slice::from_ref(&share)),
        run(&[counted(Limit::new("few").open(1), &usage)], &[], std::slice::from_ref(&share)),
    ];
    for writes in others {
        let [write] = &*writes else { panic!("{writes:?}") };
        assert_eq!((stretches(&write.usage), write.expect), (vec![(70, 1, 0)], Some(6)));
        // Should it not run in the end, that is found again.
        let share = write.share.as_ref().unwrap();
        let counter = counted(few(9), &write.usage).counter;
        // What was counted as a run moves too.
        let shares = CountedAs::Runs(std::slice::from_ref(share));
        let again = take_at_run(&[], std::slice::from_ref(&counter), None, shares, at(80)).unwrap();
        assert_eq!(stretches(&again[0].usage), [(80, 1, 0)]);
        let back = give_back(std::iter::once(&counter), shares);
        assert_eq!((back[0].usage.stretches.len(), &back[0].share), (0, &None));
    }
    // With the last of others it counts in one stretch: else, without a limit, there would be one for each call.
    let mut two = usage.clone();
    placed(&few(9).within(Span::from_hours(1)), &mut two, 130);
    let writes = run(&[], &[counted(few(9), &two).counter], std::slice::from_ref(&share));
    let [write] = &*writes else { panic!("{writes:?}") };
    assert_eq!(stretches(&write.usage), [(180, 1, 1)]);
    let before = take_places(&[counted(few(9).within(Span::from_hours(1)), &usage)], None, at(1)).unwrap();
    let writes = run(&[], &[counted(few(9), &before[0].usage).counter], std::slice::from_ref(&share));
    let moved = writes[0].share.as_ref().unwrap();
    assert_eq!((stretches(&writes[0].usage), moved.stretch), (vec![(70, 1, 1)], at(60)));
    // What the counter does not hold is not added.
    let gone = Share { stretch: at(7), ..share };
    assert!(run(&[], &[one.counter], &[gone]).is_empty());
}

#[test]
fn a_stretch_is_stored_as_before_unless_its_end_moved() {
    let mut usage = Usage::default();
    try_take(&few(9), &mut usage, None, at(0)).unwrap();
    let stored = |usage: &Usage| serde_json::to_value(&usage.stretches).unwrap();
    let before = serde_json::json!([{"until": "2026-01-01T00:00:00Z", "calls": 1, "cost": "0"}]);
    assert_eq!(stored(&usage), before);
    // Another one at the same moment moves no end.
    let mut both = usage.clone();
    try_take(&few(9), &mut both, None, at(0)).unwrap();
    assert_eq!(
        stored(&both),
        serde_json::json!([{"until": "2026-01-01T00:00:00Z", "calls": 2, "cost": "0"}])
    );
    try_take(&few(9), &mut usage, None, at(1)).unwrap();
    let moved = serde_json::json!([{
        "until": "2026-01-01T00:00:01Z", "first_until": "2026-01-01T00:00:00Z", "calls": 2, "cost": "0"
    }]);
    assert_eq!(stored(&usage), moved);
    let share = placed(&few(9), &mut usage, 2);
    let expected = serde_json::json!({"counter": "limit/1", "stretch": "2026-01-01T00:00:00Z"});
    assert_eq!(serde_json::to_value(share).unwrap(), expected);
}

/// As a store keeps it.
fn stored<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// What calls there are, beside what two counters say of them.
#[derive(Debug, Default)]
struct Model {
    now: Timestamp,
    /// By their names, each with the counter of that name.
    limits: BTreeMap<&'static str, Limit>,
    usages: BTreeMap<&'static str, Usage>,
    waiting: Vec<Waiting>,
    /// What each counter must hold at least of calls that ran: when, and what was counted of the cost.
    ran: BTreeMap<&'static str, Vec<(Timestamp, Decimal)>>,
    /// How often limits changed.
    changes: u32,
    windows: bool,
}

#[derive(Debug)]
struct Waiting {
    cost: u32,
    place: bool,
    shares: Vec<Share>,
    opened: Timestamp,
    changes: u32,
    /// In which counters it must still be counted.
    held: Vec<&'static str>,
}

const NAMES: [&str; 2] = ["one", "two"];

fn price(cents: u32) -> Money {
    money(&format!("0.{cents:02} USD"))
}

impl Model {
    fn counter(&self, name: &'static str) -> Counter {
        let usage = self.usages.get(name).cloned().unwrap_or_default();
        Counter { name: name.into(), usage, version: None }
    }

    fn counted(&self) -> Vec<Counted> {
        let of = |(name, limit): (&&'static str, &Limit)| Counted {
            limit: Arc::new(limit.clone()),
            counter: self.counter(name),
        };
        self.limits.iter().map(of).collect()
    }

    fn others(&self) -> Vec<Counter> {
        NAMES.iter().filter(|name| !self.limits.contains_key(*name)).map(|name| self.counter(name)).collect()
    }

    /// Writes them. What left the window of a limit that counts now need not be held any more.
    fn write(&mut self, writes: &[CountedWrite], counts: bool) {
        for name in NAMES {
            let Some(write) = writes.iter().find(|write| &*write.counter == name) else { continue };
            let names: Vec<_> = write.usage.stretches.iter().map(|one| (one.name(), one.until)).collect();
            assert!(names.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1), "{names:?}");
            assert!(names.iter().all(|(name, until)| name <= until), "{names:?}");
            self.usages.insert(name, stored(&write.usage));
            let window = self.limits.get(name).and_then(|limit| limit.within).filter(|_| counts);
            if let Some(window) = window {
                let left = self.now - window;
                self.ran.entry(name).or_default().retain(|(ran, _)| *ran > left);
                for call in &mut self.waiting {
                    if call.opened <= left {
                        call.held.retain(|held| *held != name);
                    }
                }
            }
        }
    }

    fn open(&mut self, cost: u32, place: bool) {
        let counted = self.counted();
        let taken = if place {
            take_places(&counted, Some(price(cost)), self.now)
        } else {
            take_all(counted.iter(), Some(price(cost)), self.now)
        };
        let Ok(writes) = taken else { return };
        self.write(&writes, true);
        let shares = writes.iter().filter_map(|write| write.share.as_ref()).map(stored).collect();
        let held = self.limits.keys().copied().collect();
        let (opened, changes) = (self.now, self.changes);
        self.waiting.push(Waiting { cost, place, shares, opened, changes, held });
    }

    fn run(&mut self, which: usize) {
        let call = self.waiting.remove(which);
        let before = call.counted_as();
        let taken = take_at_run(&self.counted(), &self.others(), Some(price(call.cost)), before, self.now);
        let Ok(writes) = taken else {
            assert!(call.opened != self.now || call.changes != self.changes, "it had a place");
            self.waiting.push(call);
            return;
        };
        for name in call.held.iter().chain(self.limits.keys()) {
            assert!(writes.iter().any(|write| &*write.counter == *name), "{name}: {call:?}");
        }
        self.write(&writes, true);
        for write in &writes {
            let Some(name) = NAMES.into_iter().find(|name| *name == &*write.counter) else {
                panic!("{write:?}")
            };
            let ran = self.ran.entry(name).or_default();
            ran.push((self.now, write.share.as_ref().unwrap().cost));
            let Some(limit) = self.limits.get(name) else { continue };
            if let Some(most) = limit.calls {
                assert!(ran.len() <= most as usize, "{} runs of {most}", ran.len());
            }
            if let Some(most) = limit.cost {
                let spent: Decimal = ran.iter().map(|(_, cost)| cost).sum();
                assert!(spent <= most.amount(), "{spent} of {most}");
            }
        }
    }

    fn end(&mut self, which: usize) {
        let call = self.waiting.remove(which);
        // The program that ends it knows no limit.
        let counters = NAMES.map(|name| self.counter(name));
        let writes = give_back(counters.iter(), call.counted_as());
        for name in &call.held {
            assert!(writes.iter().any(|write| &*write.counter == *name), "{name}: {call:?}");
        }
        self.write(&writes, false);
    }
}

impl Waiting {
    fn counted_as(&self) -> CountedAs<'_> {
        if self.place { CountedAs::Places(&self.shares) } else { CountedAs::Runs(&self.shares) }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Open { cost: u32, place: bool },
    Run(usize),
    End(usize),
    Limit { name: usize, limit: Option<(Option<i64>, Option<u32>, Option<u32>)> },
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let limit = (prop::option::of(1_i64..1000), prop::option::of(1_u32..6), prop::option::of(1_u32..100));
    let step = prop_oneof![
        4 => (0_u32..50, any::<bool>()).prop_map(|(cost, place)| Step::Open { cost, place }),
        4 => (0_usize..8).prop_map(Step::Run),
        1 => (0_usize..8).prop_map(Step::End),
        1 => (0_usize..2, prop::option::weighted(0.8, limit))
            .prop_map(|(name, limit)| Step::Limit { name, limit }),
    ];
    prop::collection::vec((1_i64..400_000, step), 1..120)
}

proptest! {
    /// However calls are opened, run and ended, and however limits come, go and change meanwhile: what runs under a limit does
    /// not exceed it together with what its counter has counted and no shorter window let go since; what runs at once after it
    /// was opened is never refused; and when all have ended, the counters hold what ran and nothing else.
    #[test]
    fn counters_hold_what_ran_and_what_may_run(steps in steps()) {
        let first = Limit::new("one").within(Span::from_millis(700)).calls(3);
        let mut model = Model { now: at(0), windows: true, ..Model::default() };
        model.limits.insert("one", first);
        play(&mut model, steps);
    }

    /// The same where nothing ever leaves a window: nothing is let go.
    #[test]
    fn without_windows_nothing_is_let_go(steps in steps()) {
        let mut model = Model { now: at(0), ..Model::default() };
        play(&mut model, steps);
        for name in NAMES {
            let stretches = &model.counter(name).usage.stretches;
            let ran = model.ran.get(name).map_or(&[][..], |ran| ran);
            let calls: u64 = stretches.iter().map(|stretch| stretch.calls).sum();
            let cost: Decimal = stretches.iter().map(|stretch| stretch.cost).sum();
            assert_eq!((calls, cost), (ran.len() as u64, ran.iter().map(|(_, cost)| cost).sum()), "{name}");
        }
    }
}

fn play(model: &mut Model, steps: Vec<(i64, Step)>) {
    for (pause, step) in steps {
        model.now += Span::from_micros(pause);
        match step {
            Step::Open { cost, place } => model.open(cost, place),
            Step::Run(which) if which < model.waiting.len() => model.run(which),
            // What was opened just now.
            Step::Run(_) => {
                model.open(1, true);
                if let Some(last) = model.waiting.len().checked_sub(1)
                    && model.waiting[last].opened == model.now
                {
                    model.run(last);
                }
            }
            Step::End(which) if which < model.waiting.len() => model.end(which),
            Step::End(_) => {}
            Step::Limit { name, limit } => {
                model.changes += 1;
                let name = NAMES[name];
                model.limits.remove(name);
                if let Some((window, calls, cents)) = limit {
                    let within = window.filter(|_| model.windows).map(Span::from_millis);
                    let cost = cents.map(price);
                    model.limits.insert(name, Limit { within, calls, cost, ..Limit::new(name) });
                }
            }
        }
    }
    while !model.waiting.is_empty() {
        model.end(0);
    }
    for name in NAMES {
        let stretches = model.counter(name).usage.stretches;
        assert!(stretches.iter().all(|one| one.places == 0 && one.places_cost.is_zero()), "{stretches:?}");
        let ran = model.ran.get(name).map_or(0, Vec::len);
        let calls: u64 = stretches.iter().map(|stretch| stretch.calls).sum();
        assert!(calls >= ran as u64, "{name}: {calls} of {ran}");
    }
}
