//! Calls that nobody was asked about are counted at the moment at which they run.

use rust_decimal::Decimal;

use super::{
    limit::{counted, hourly, money, open_ones, try_take, waiting},
    *,
};
use crate::lifecycle::{
    limit::take_places,
    usage::{Kind, add},
};
use crate::model::{ActionInfo, Limit, OverLimit, RunLimits, Share, Status, Usage};

/// The place that a call for 12.50 USD has that was opened at the beginning of time.
pub(super) fn place(limit: &Limit) -> Share {
    add(limit, &"limit/1".into(), &Usage::default(), Some(money("12.50 USD")), at(0), Kind::Place).1
}

/// A call that a rule let run at the beginning of time; it costs 12.50 USD, and has a place since then.
pub(super) fn let_run(limit: Limit, usage: &Usage) -> World {
    let told =
        Draft { allowed: true, action: credits(Some("{cents} / 100 USD")), ..draft(gate([need(1, "ann")])) };
    let mut world = World::open(told, People::default());
    world.request.places = thin_vec::thin_vec![place(&limit)];
    world.limits = vec![counted(limit, usage)];
    world
}

/// What a limit counted of calls for 12.50 USD that ran at these seconds.
fn ran_at(limit: &Limit, seconds: &[i64]) -> Usage {
    let mut usage = Usage::default();
    for second in seconds {
        try_take(limit, &mut usage, Some("12.50 USD"), at(*second)).unwrap();
    }
    usage
}

/// The same with a place of the call that was opened at the beginning of time.
pub(super) fn with_a_place(limit: &Limit, usage: &Usage) -> Usage {
    let one = counted(limit.clone(), usage);
    take_places(&[one], Some(money("12.50 USD")), at(0)).unwrap().remove(0).usage
}

fn budget(text: &str) -> Limit {
    Limit::new("budget").within(Span::from_hours(1)).cost(money(text)).over(OverLimit::Deny)
}

/// End of its stretch in seconds, how many calls ran, and how many may run later.
pub(super) fn stretches(usage: &Usage) -> Vec<(i64, u64, u64)> {
    let of = |stretch: &crate::model::Stretch| {
        let paid = |calls: u64| Decimal::from(calls) * Decimal::new(1250, 2);
        assert!(stretch.cost.is_zero() || stretch.cost == paid(stretch.calls), "{stretch:?}");
        assert!(stretch.places_cost.is_zero() || stretch.places_cost == paid(stretch.places), "{stretch:?}");
        (stretch.until.duration_since(at(0)).as_secs(), stretch.calls, stretch.places)
    };
    usage.stretches.iter().map(of).collect()
}

#[test]
fn a_call_that_is_opened_without_asking_takes_a_place() {
    let allowed = Draft { allowed: true, ..draft(gate([need(1, "ann")])) };
    let opened = |usage: &Usage| {
        let limits = [counted(hourly(2), usage)];
        create(allowed.clone(), &Facts { limits: &limits, ..facts(&People::default()) }, at(0)).unwrap()
    };
    let first = opened(&Usage::default());
    assert_eq!(
        (first.request.status, stretches(&first.counted[0].usage)),
        (Status::Approved, vec![(60, 0, 1)])
    );
    // Besides one that ran there is room for a place, besides two there is none.
    let second = opened(&ran_at(&hourly(2), &[0]));
    assert_eq!(
        (second.request.status, stretches(&second.counted[0].usage)),
        (Status::Approved, vec![(60, 1, 1)])
    );
    // The request says what it was counted as. The cost is not, where none is limited.
    let place = Share { cost: Decimal::ZERO, ..place(&hourly(2)) };
    assert_eq!((&*second.request.places, place.stretch), (&[place][..], at(60)));
    assert_eq!(opened(&second.counted[0].usage).request.status, Status::Pending);
    // A call that is counted as it runs leaves places alone.
    assert!(try_take(&hourly(2), &mut second.counted[0].usage.clone(), None, at(0)).is_err());
}

#[test]
fn a_refusal_tells_how_much_of_it_may_run_later() {
    let again = "; there is room again from 2026-01-01T01:01:00Z on";
    for (limit, why) in [
        (hourly(2), "limit hourly is reached: 1 of 2 calls were made, and 1 may run later"),
        (
            budget("30 USD"),
            "limit budget is reached: 25.00 USD of 30 USD are spent or may be spent by calls that run later, and this call costs \
             12.50 USD",
        ),
    ] {
        let mut usage = with_a_place(&limit, &ran_at(&limit, &[0]));
        assert_eq!(try_take(&limit, &mut usage, Some("12.50 USD"), at(1)), Err(format!("{why}{again}")));
    }
    // What runs needs no room besides places, and hears nothing of them.
    for (limit, why) in [
        (hourly(1), "1 of 1 calls were made"),
        (budget("12.50 USD"), "12.50 USD of 12.50 USD are spent, and this call costs 12.50 USD"),
    ] {
        let usage = with_a_place(&budget("100 USD"), &ran_at(&limit, &[0]));
        let one = counted(limit, &usage);
        let (_, reached) =
            take_at_run(&[one], &[], Some(money("12.50 USD")), CountedAs::NOTHING, at(1)).unwrap_err();
        assert_eq!(reached.why, why);
    }
}

#[test]
fn the_place_moves_to_where_the_call_runs() {
    for limit in [hourly(1), hourly(1).over(OverLimit::Deny), budget("12.50 USD"), budget("20 USD")] {
        for (second, until) in [(59, 60), (70, 120)] {
            let usage = with_a_place(&limit, &Usage::default());
            let counted = let_run(limit.clone(), &usage).consume(second).unwrap().counted;
            assert_eq!(stretches(&counted[0].usage), [(until, 1, 0)], "{limit:?}");
            assert_eq!((&*counted[0].counter, counted[0].expect), ("limit/1", Some(6)));
        }
    }
    // Those of others stay where they are.
    let two = hourly(3).over(OverLimit::Deny);
    let usage = with_a_place(&two, &with_a_place(&two, &ran_at(&two, &[0])));
    let counted = let_run(two, &usage).consume(130).unwrap().counted;
    assert_eq!(stretches(&counted[0].usage), [(60, 1, 1), (180, 1, 0)]);
}

#[test]
fn places_of_calls_that_do_not_run_keep_none_from_running() {
    for limit in [hourly(1), hourly(1).over(OverLimit::Deny), budget("12.50 USD")] {
        // Ours has left the window or was never there, and that of another call has not.
        let usage = with_a_place(&limit, &Usage::default());
        for second in [59, 70] {
            let mut other = let_run(limit.clone(), &usage);
            if second > 60 {
                other.request.places.clear();
            } else {
                other.request.places[0].stretch = at(45 * 60);
            }
            assert_eq!(
                stretches(&other.consume(second).unwrap().counted[0].usage).len(),
                usize::from(second > 60) + 1
            );
            let mut asked = approved();
            asked.limits = vec![counted(limit.clone(), &usage)];
            asked.consume(second).unwrap();
        }
    }
}

#[test]
fn what_runs_needs_room_besides_what_ran() {
    let later = 600;
    for over in [OverLimit::Deny, OverLimit::Ask] {
        // Its place left the window long before, and the grant lives.
        let limit = Limit::new("rare").within(Span::from_secs(300)).calls(2).over(over);
        let usage = with_a_place(&limit, &Usage::default());
        let one = ran_after(&limit, &usage, &[later - 10]);
        let counted = let_run(limit.clone(), &one).consume(later).unwrap().counted;
        assert_eq!(counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>(), 2);
        let two = ran_after(&limit, &usage, &[later - 10, later - 10]);
        let mut full = let_run(limit.clone(), &two);
        let refused = full.consume(later).unwrap_err();
        match over {
            OverLimit::Deny => assert!(matches!(refused, Refusal::LimitReached(_)), "{refused:?}"),
            OverLimit::Ask => {
                assert_eq!(refused, Refusal::PolicyAsks { rule: "rare".into(), again: false });
            }
        }
        assert_eq!(full.state(), Some(ExecutionState::NotStarted));
    }
}

fn ran_after(limit: &Limit, usage: &Usage, seconds: &[i64]) -> Usage {
    let mut usage = usage.clone();
    for second in seconds {
        try_take(limit, &mut usage, Some("12.50 USD"), at(*second)).unwrap();
    }
    usage
}

#[test]
fn over_a_limit_that_asks_what_nobody_was_asked_about_is_taken_back() {
    let limit = hourly(1);
    let usage = with_a_place(&limit.clone().calls(9), &ran_at(&limit, &[65]));
    let mut full = let_run(limit.clone(), &usage);
    let refused = full.consume(70).unwrap_err();
    assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: false });
    let transition = full.operate(Act::Uncover, 71).unwrap();
    assert_eq!((full.request.status, full.state()), (Status::Approved, Some(ExecutionState::Revoked)));
    assert!(told(&transition).iter().any(|event| matches!(
        event,
        EventKind::Revoked { why } if why.contains("the limit 'hourly' has no room for it any more")
    )));
    // Where there is room, or the limit denies, or people were asked, nothing is taken back.
    let room = with_a_place(&limit, &Usage::default());
    assert_eq!(let_run(limit.clone(), &room).operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    let denies = limit.clone().over(OverLimit::Deny);
    assert_eq!(let_run(denies, &usage).operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    let mut asked = approved();
    asked.limits = vec![counted(limit, &usage)];
    assert_eq!(asked.operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(asked.consume(71).unwrap().counted.len(), 1, "people may go over it");
}

#[test]
fn what_has_a_place_does_not_run_over_a_limit_that_denies_less_now() {
    let before = budget("100 USD").calls(9);
    for now in [hourly(1).over(OverLimit::Deny), budget("24.99 USD"), budget("25 EUR")] {
        for (other, second) in [(65, 70), (5, 10)] {
            let mut world = let_run(now.clone(), &with_a_place(&before, &ran_at(&before, &[other])));
            match world.consume(second) {
                Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, now.name),
                other => panic!("{now:?}: {other:?}"),
            }
            assert_eq!(world.state(), Some(ExecutionState::NotStarted));
        }
    }
}

#[test]
fn a_call_that_a_limit_did_not_count_takes_no_share_of_another() {
    // The call was opened at the beginning of time; two others ran by a limit that came later, or before it was about it.
    for later in [hourly(2).over(OverLimit::Deny), budget("25 USD")] {
        for seconds in [[60, 65], [0, 0]] {
            let mut world = let_run(later.clone(), &ran_at(&later, &seconds));
            match world.consume(70) {
                Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, later.name),
                other => panic!("{later:?}: {other:?}"),
            }
            assert_eq!(world.state(), Some(ExecutionState::NotStarted));
            let mut world = let_run(later.clone(), &ran_at(&later, &seconds[..1]));
            let counted = world.consume(70).unwrap().counted;
            let runs = counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>();
            assert_eq!(runs, 2, "{later:?}: there is room for one");
        }
    }
}

#[test]
fn a_run_is_taken_off_the_counters_that_counted_it_alone() {
    let limit = hourly(1);
    let usage = ran_at(&limit, &[0]);
    let share = |counter: &str, stretch: i64| Share {
        counter: counter.into(),
        stretch: at(stretch),
        cost: Decimal::ZERO,
    };
    let at_run = |shares: &[Share]| {
        take_at_run(&[counted(limit.clone(), &usage)], &[], None, CountedAs::Runs(shares), at(70))
    };
    let moved = at_run(&[share("limit/0", 60), share("limit/1", 60)]).unwrap();
    assert_eq!(moved[0].usage.stretches.len(), 1);
    assert_eq!(moved[0].share, Some(share("limit/1", 120)));
    // Of another counter, of none, and of a stretch that is not there any more.
    for others in [&[share("limit/0", 60)][..], &[], &[share("limit/1", 360)]] {
        assert!(matches!(at_run(others), Err((OverLimit::Ask, _))), "{others:?}");
    }
}

#[test]
fn a_limit_that_gets_a_window_has_room_again() {
    let forever = Limit::new("n").calls(2).over(OverLimit::Deny);
    let window = forever.clone().within(Span::from_hours(1));
    let usage = ran_at(&forever, &[0, 4000]);
    assert_eq!(stretches(&usage), [(4000, 2, 0)], "up to its last call");
    let full = try_take(&window, &mut usage.clone(), None, at(7599)).unwrap_err();
    assert!(full.ends_with("there is room again from 2026-01-01T02:06:40Z on"), "{full}");
    assert_eq!(try_take(&window, &mut usage.clone(), None, at(7600)), Ok(()));
    // As it was stored before, without its last call.
    let mut old = usage;
    old.stretches[0].until = Timestamp::MAX;
    assert!(try_take(&window, &mut old.clone(), None, at(3659)).is_err());
    assert_eq!(try_take(&window, &mut old, None, at(3660)), Ok(()));
    assert_eq!(stretches(&old), [(3720, 1, 0)]);
}

#[test]
fn a_limit_that_loses_its_window_finds_its_places() {
    let window = hourly(9);
    let forever = Limit::new("hourly").calls(9);
    // Several stretches, of which the last holds the place, and the first a run.
    let several = ran_at(&window, &[0, 60, 120]);
    let one = counted(forever.clone(), &several);
    let placed = take_places(&[one], None, at(125)).unwrap().remove(0);
    let (one, own) = (counted(forever, &placed.usage), [placed.share.unwrap()]);
    let run = take_at_run(&[one], &[], None, CountedAs::Places(&own), at(130)).unwrap();
    let last = run[0].usage.stretches.last().unwrap();
    assert_eq!((last.calls, last.places, run[0].usage.stretches.len()), (2, 0, 3));
}

#[test]
fn an_endless_stretch_of_before_ends_with_the_next_call() {
    let forever = Limit::new("n").calls(5);
    let mut usage = ran_at(&forever, &[0]);
    usage.stretches[0].until = Timestamp::MAX;
    try_take(&forever, &mut usage, None, at(5000)).unwrap();
    assert_eq!(stretches(&usage).last().unwrap().0, 5000);
    let window = forever.calls(2).within(Span::from_hours(1));
    assert!(try_take(&window, &mut usage.clone(), None, at(5001)).is_err(), "both may lie in it");
}

#[test]
fn times_finer_than_microseconds_lie_in_one_stretch() {
    let fine = at(3) + jiff::SignedDuration::from_nanos(17);
    for limit in [hourly(1), Limit::new("n").calls(1)] {
        let one = counted(limit.clone(), &Usage::default());
        let placed = take_places(&[one], None, fine).unwrap().remove(0);
        let own = [placed.share.unwrap()];
        let stored: Share = serde_json::from_str(&serde_json::to_string(&own[0]).unwrap()).unwrap();
        assert_eq!(stored, own[0]);
        let one = counted(limit, &placed.usage);
        let run = take_at_run(&[one], &[], None, CountedAs::Places(&own), at(4)).unwrap();
        assert_eq!((run[0].usage.stretches.len(), run[0].usage.stretches[0].places), (1, 0));
    }
}

#[test]
fn whatever_ends_an_unspent_approval_gives_its_place_back() {
    let limit = hourly(1);
    let mut world = let_run(limit.clone(), &Usage::default());
    // As a program sees it that knows no limit.
    world.limits.clear();
    world.request.places = thin_vec::thin_vec![Share { cost: Decimal::ZERO, ..place(&limit) }];
    world.counters = vec![counted(limit.clone(), &with_a_place(&limit, &Usage::default())).counter];
    world.halts = Halts(vec![halt()]);
    let reason: Text = "stop".into();
    let ends = [
        Act::Revoke { reason: reason.clone() },
        Act::Halt { reason: reason.clone() },
        Act::Supersede { reason },
    ];
    for act in ends {
        assert_eq!(counted_by(&world.request, &act), CountedBy::Place, "{act:?}");
        let transition = world.clone().operate(act.clone(), 5).unwrap();
        let [write] = transition.counted.as_slice() else { panic!("{act:?}: {:?}", transition.counted) };
        assert!(write.usage.stretches.is_empty(), "{act:?}");
        assert!(transition.request.places.is_empty(), "{act:?}");
        // Where its counter could not be read, it ends all the same, and keeps its place.
        let mut blind = world.clone();
        blind.counters.clear();
        let transition = blind.operate(act.clone(), 5).unwrap();
        assert_eq!((transition.counted.len(), transition.request.places.len()), (0, 1), "{act:?}");
    }
    assert_eq!(counted_by(&world.request, &Act::Tick), CountedBy::Place, "its grant may run out");
    let comment = Act::Comment { text: "hm".into() };
    assert_eq!(counted_by(&world.request, &comment), CountedBy::Nothing, "it goes on");
    let asked = approved().request;
    assert_eq!(counted_by(&asked, &Act::Tick), CountedBy::Nothing, "people approved it: it has no place");
    world.request.places.clear();
    assert_eq!(counted_by(&world.request, &Act::Tick), CountedBy::Nothing, "an earlier version opened it");
}

#[test]
fn a_run_counts_calls_and_another_run_is_an_attempt() {
    let run = RunLimits { max_tool_calls: Some(3), ..RunLimits::default() };
    for world in [let_run(hourly(1), &Usage::default()), approved()] {
        let of = |act: &Act| counted_by(&world.request, act);
        assert_eq!(of(&world.consume_act()), CountedBy::Calls);
        assert_eq!(of(&Act::Uncover), CountedBy::Calls);
        assert_eq!(of(&Act::Reopen { run }), CountedBy::Attempts(run));
        assert_eq!(of(&Act::Cancel { reason: None }), CountedBy::Nothing, "only what is open is cancelled");
    }
}

#[test]
fn only_an_end_goes_on_without_the_counters_after_lost_rounds() {
    let world = let_run(hourly(1), &Usage::default());
    let reason: Text = "stop".into();
    let ends = [
        (Act::Revoke { reason: reason.clone() }, 4),
        (Act::Halt { reason: reason.clone() }, 4),
        (Act::Supersede { reason }, 4),
        (Act::Tick, 64),
    ];
    for (act, most) in ends {
        let lost: Vec<u32> = (0..100).filter(|n| !ends_without_its_place(&world.request, &act, *n)).collect();
        assert_eq!(lost, (0..most).collect::<Vec<_>>(), "{act:?}");
    }
    let run = RunLimits { max_tool_calls: Some(3), ..RunLimits::default() };
    for act in [world.consume_act(), Act::Uncover, Act::Reopen { run }] {
        assert!(!ends_without_its_place(&world.request, &act, u32::MAX), "it is counted: {act:?}");
    }
}

#[test]
fn a_run_that_does_not_take_place_is_given_back_where_it_was_counted() {
    for limit in [hourly(3), budget("100 USD").calls(3)] {
        let one = counted(limit.clone(), &ran_at(&limit, &[0, 70]));
        let write = take_all(std::iter::once(&one), Some(money("12.50 USD")), at(75)).unwrap().remove(0);
        let share = write.share.unwrap();
        let counter = counted(limit.clone(), &write.usage).counter;
        let given_back = |share: Share| {
            let writes = give_back(std::iter::once(&counter), CountedAs::Runs(&[share]));
            writes.first().map(|write| stretches(&write.usage))
        };
        assert_eq!(given_back(share.clone()), Some(vec![(60, 1, 0), (120, 1, 0)]), "{limit:?}");
        let earlier = Share { stretch: at(60), ..share.clone() };
        assert_eq!(given_back(earlier), Some(vec![(120, 2, 0)]), "{limit:?}");
        // Not from where it was not counted.
        assert_eq!(given_back(Share { stretch: at(180), ..share.clone() }), None);
        assert_eq!(given_back(Share { counter: "limit/2".into(), ..share }), None);
        // An attempt stays counted.
        let attempts = counted(limit.attempts(), &Usage::default());
        let write = take_all(std::iter::once(&attempts), None, at(75)).unwrap().remove(0);
        assert_eq!(write.share, None);
    }
}

#[test]
fn when_there_is_room_again_is_when_the_call_fits() {
    let room = |limit: &Limit, usage: &Usage, cost: Option<&str>, now: i64| {
        let one = counted(limit.clone(), usage);
        let (_, reached) = take_all(std::iter::once(&one), cost.map(money), at(now)).unwrap_err();
        reached.room_at.map(|at_this| at_this.duration_since(at(0)).as_secs())
    };
    let mut usage = Usage::default();
    for (second, cost) in [(0, "1 USD"), (600, "9 USD")] {
        try_take(&budget("10 USD"), &mut usage, Some(cost), at(second)).unwrap();
    }
    assert_eq!(room(&budget("10 USD"), &usage, Some("1 USD"), 700), Some(3660), "the first has left");
    assert_eq!(room(&budget("10 USD"), &usage, Some("8 USD"), 700), Some(660 + 3600), "both have left");
    assert_eq!(room(&budget("10 USD"), &usage, Some("10.01 USD"), 700), None, "never");
    let many = ran_at(&hourly(5), &[0, 60, 120, 180]);
    assert_eq!(room(&hourly(2), &many, None, 200), Some(3600 + 180), "three have left");
    assert_eq!(room(&hourly(0), &many, None, 200), None, "never");
}

#[test]
fn limits_on_attempts_and_on_open_requests_are_not_looked_at_again_when_it_runs() {
    let before = budget("100 USD").calls(9);
    for now in [hourly(1).over(OverLimit::Deny).attempts(), waiting(1).over(OverLimit::Deny)] {
        let usage = Usage { open: open_ones(3).open, ..ran_at(&before, &[0, 65]) };
        let mut world = let_run(now.clone(), &usage);
        assert!(world.consume(70).unwrap().counted.is_empty(), "{now:?}");
    }
}

/// An idempotent call that nobody was asked about, and that ran and failed at the beginning of time.
fn failed_once(limit: Limit, usage: &Usage) -> World {
    let mut world = let_run(limit, usage);
    world.request.action = Arc::new(ActionInfo { idempotent: true, ..(*world.request.action).clone() });
    world.consume(1).unwrap();
    world.finish(Ending::Failed { why: "no".into(), started: true }, 2).unwrap();
    world
}

#[test]
fn each_run_of_an_idempotent_action_counts() {
    let twice = hourly(2);
    let mut world = failed_once(twice.clone(), &with_a_place(&twice, &Usage::default()));
    world.limits = vec![counted(twice.clone(), &with_a_place(&twice, &ran_at(&twice, &[0])))];
    world.act(&agent(), reopen(), 3).unwrap();
    let counted_again = world.clone().consume(4).unwrap().counted;
    assert_eq!(stretches(&counted_again[0].usage), [(60, 2, 1)], "it has no place any more");
    for over in [OverLimit::Deny, OverLimit::Ask] {
        let once = hourly(1).over(over);
        let mut world = failed_once(once.clone(), &with_a_place(&once, &Usage::default()));
        world.limits = vec![counted(once.clone(), &ran_at(&once, &[0]))];
        world.act(&agent(), reopen(), 3).unwrap();
        let refused = world.consume(4).unwrap_err();
        match over {
            OverLimit::Deny => assert!(matches!(refused, Refusal::LimitReached(_)), "{refused:?}"),
            OverLimit::Ask => assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: true }),
        }
        assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    }
    let allowed = let_run(hourly(1), &Usage::default());
    assert_eq!(counted_as(&world.request), CountedAs::NOTHING);
    assert_eq!(counted_as(&allowed.request), CountedAs::Places(&[place(&hourly(1))]));
    assert_eq!(counted_as(&approved().request), CountedAs::NOTHING, "it is counted when it runs");
}

#[test]
fn running_it_again_is_another_attempt() {
    let limits = RunLimits { max_tool_calls: Some(2), max_usd: Some(20.into()), ..RunLimits::default() };
    let attempts: Vec<Limit> = limits.on_calls().collect();
    let usage = |calls| ran_at(&attempts[0], &vec![0; calls]);
    let again = |limit: &Limit, usage: &Usage| {
        let mut world = failed_once(hourly(9), &Usage::default());
        world.limits = vec![counted(limit.clone(), usage)];
        world.act(&agent(), reopen(), 3)
    };
    let counted = again(&attempts[0], &usage(1)).unwrap().counted;
    assert_eq!(counted[0].usage.stretches[0].calls, 2);
    for (limit, usage) in [(&attempts[0], usage(2)), (&attempts[1], ran_at(&attempts[1], &[0]))] {
        match again(limit, &usage) {
            Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, limit.name),
            other => panic!("{other:?}"),
        }
    }
    // Limits on calls that run are looked at when it runs.
    assert!(again(&hourly(1), &usage(1)).unwrap().counted.is_empty());
}

#[test]
fn an_answer_is_fresh_for_a_second_by_a_clock_that_went_on() {
    let fresh = |asked: i64, now: i64| is_fresh(at(asked), at(now));
    assert!(fresh(5, 5));
    assert!(is_fresh(at(5), at(6) - Span::from_micros(1)));
    assert!(!fresh(5, 6) && !fresh(5, 4) && !fresh(5, 600));
}
