use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::lifecycle::limit::take_places;
use crate::model::{
    CountedPer, Limit, Money, OverLimit, Share, StandingArguments, StandingReach, StandingTerms, Status,
    Usage,
};

pub(super) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub(super) fn counted(limit: Limit, usage: &Usage) -> Counted {
    let counter = Counter { name: "limit/1".into(), usage: usage.clone(), version: Some(6) };
    Counted { limit: Arc::new(limit), counter }
}

pub(super) fn hourly(calls: u32) -> Limit {
    Limit::new("hourly").within(Span::from_hours(1)).calls(calls)
}

/// Counts one call; tells whether there was room.
pub(super) fn try_take(
    limit: &Limit,
    usage: &mut Usage,
    cost: Option<&str>,
    now: Timestamp,
) -> Result<(), String> {
    let one = counted(limit.clone(), usage);
    match take_all(std::iter::once(&one), cost.map(money), now) {
        Ok(writes) => {
            assert_eq!((writes.len(), writes[0].expect), (1, Some(6)));
            usage.clone_from(&writes[0].usage);
            Ok(())
        }
        Err((_, reached)) => Err(reached.to_string()),
    }
}

#[test]
fn so_many_calls_and_no_more_until_the_window_has_moved_on() {
    let (limit, mut usage) = (hourly(2), Usage::default());
    assert_eq!(try_take(&limit, &mut usage, None, at(0)), Ok(()));
    assert_eq!(try_take(&limit, &mut usage, None, at(1800)), Ok(()));
    let full = try_take(&limit, &mut usage, None, at(3599)).unwrap_err();
    assert_eq!(
        full,
        "limit hourly is reached: 2 of 2 calls were made; there is room again from 2026-01-01T01:01:00Z on"
    );
    // The first call was made in the first minute, which has left the window one hour after its end.
    assert!(try_take(&limit, &mut usage, None, at(3659)).is_err());
    assert_eq!(try_take(&limit, &mut usage, None, at(3660)), Ok(()));
    assert!(try_take(&limit, &mut usage, None, at(3660)).is_err());
}

#[test]
fn costs_are_added_up_exactly_and_in_one_currency() {
    let limit = Limit::new("budget").cost(money("1.00 USD"));
    let mut usage = Usage::default();
    for _ in 0..10 {
        assert_eq!(try_take(&limit, &mut usage, Some("0.10 USD"), at(0)), Ok(()));
    }
    let full = try_take(&limit, &mut usage, Some("0.01 USD"), at(9_999_999)).unwrap_err();
    assert_eq!(full, "limit budget is reached: 1.00 USD of 1.00 USD are spent, and this call costs 0.01 USD");
    assert_eq!(try_take(&limit, &mut usage, Some("0 USD"), at(1)), Ok(()));
    assert_eq!(try_take(&limit, &mut usage, None, at(1)), Ok(()), "a call of no known cost");
    let other = try_take(&limit, &mut Usage::default(), Some("0.01 EUR"), at(1)).unwrap_err();
    assert!(other.contains("0.01 EUR cannot be counted in USD"), "{other}");
    let huge = Money::new(Decimal::MAX, money("1 USD").currency());
    let one = counted(limit, &usage);
    assert!(take_all(std::iter::once(&one), Some(huge), at(1)).is_err());
}

#[test]
fn a_credit_takes_as_much_room_as_a_payment() {
    let limit = Limit::new("budget").cost(money("10 USD"));
    let mut usage = Usage::default();
    assert_eq!(try_take(&limit, &mut usage, Some("6 USD"), at(0)), Ok(()));
    let full = try_take(&limit, &mut usage, Some("-5 USD"), at(1)).unwrap_err();
    assert_eq!(full, "limit budget is reached: 6 USD of 10 USD are spent, and this call costs -5 USD");
    assert_eq!(try_take(&limit, &mut usage, Some("-4 USD"), at(2)), Ok(()));
    assert!(try_take(&limit, &mut usage, Some("0.01 USD"), at(3)).is_err(), "a credit gave room back");
    assert_eq!(spent_besides(&counted(limit, &usage), CountedAs::NOTHING, at(3)), Decimal::TEN);
}

#[test]
fn a_credit_that_people_approved_is_counted_in_full() {
    let credit = Draft { action: credits(Some("0 - {cents} / 100 USD")), ..draft(gate([need(1, "ann")])) };
    let mut world = World::open(credit, People::default());
    world.approve("ann", 1).unwrap();
    world.limits = vec![counted(Limit::new("budget").cost(money("1 USD")), &Usage::default())];
    let counted = world.consume(2).unwrap().counted;
    assert_eq!(counted[0].usage.stretches[0].cost, "12.50".parse().unwrap());
}

#[test]
fn a_time_limit_begins_with_the_first_call() {
    let limit = Limit::new("run").lasts(Span::from_secs(60));
    let mut usage = Usage::default();
    assert_eq!(try_take(&limit, &mut usage, None, at(1000)), Ok(()));
    assert_eq!(try_take(&limit, &mut usage, None, at(1059)), Ok(()));
    assert!(try_take(&limit, &mut usage, None, at(1060)).unwrap_err().contains("60 s"));
}

#[test]
fn which_calls_count_together_is_told_by_the_counter() {
    let (a, b) = (p("agent:a"), p("agent:b"));
    let (x, y) = (ActionName::new("x").unwrap(), ActionName::new("y.z").unwrap());
    let all = Limit::new("n");
    assert_eq!(all.counter(&a, &x, Some("r")), all.counter(&b, &y, None));
    let per = |per| Limit::new("n").per(per);
    assert_ne!(per(CountedPer::AGENT).counter(&a, &x, None), per(CountedPer::AGENT).counter(&b, &x, None));
    assert_eq!(
        per(CountedPer::AGENT).counter(&a, &x, None),
        per(CountedPer::AGENT).counter(&a, &y, Some("r"))
    );
    assert_ne!(per(CountedPer::ACTION).counter(&a, &x, None), per(CountedPer::ACTION).counter(&a, &y, None));
    assert_ne!(
        per(CountedPer::RUN).counter(&a, &x, Some("r")),
        per(CountedPer::RUN).counter(&a, &x, Some("s"))
    );
    let some = Limit::new("n").on(["x", "y.*"]);
    assert!(some.is_about(&x) && some.is_about(&y) && !some.is_about(&ActionName::new("y").unwrap()));
}

/// What opening a request comes to while this limit has counted `usage`.
fn opened(limit: Limit, usage: &Usage, draft: Draft) -> Result<Transition, Refusal> {
    let limits = [counted(limit, usage)];
    create(draft, &Facts { limits: &limits, ..facts(&People::default()) }, at(10))
}

fn used_up(limit: &Limit) -> Usage {
    let mut usage = Usage::default();
    assert!((0..10).any(|_| try_take(limit, &mut usage, None, at(5)).is_err()), "it is never used up");
    usage
}

#[test]
fn where_nobody_is_asked_a_call_is_counted_as_it_is_opened() {
    let allowed = || Draft { allowed: true, ..draft(gate([need(1, "ann")])) };
    let room = opened(hourly(1), &Usage::default(), allowed()).unwrap();
    assert_eq!((room.request.status, room.counted.len()), (Status::Approved, 1));
    // Over a limit that asks people are asked, though the policy would let it run; it is counted when it runs.
    let asked = opened(hourly(1), &used_up(&hourly(1)), allowed()).unwrap();
    assert_eq!((asked.request.status, asked.counted.len()), (Status::Pending, 0));
    assert_eq!(notified(&asked, NoticeKind::Decide), ["user:ann"]);
    assert_eq!(&*asked.request.gate.rule, "hourly", "people read which limit asks them");
    let denying = hourly(1).over(OverLimit::Deny);
    let denied = opened(denying.clone(), &used_up(&denying), allowed());
    assert!(matches!(denied, Err(Refusal::LimitReached(_))), "{denied:?}");
}

#[test]
fn a_standing_approval_does_not_lead_over_a_limit() {
    let mut world = World::new(gate([need(1, "ann")]));
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    let act = Act::ApproveStanding { digest: world.digest(), note: None, terms };
    let approval = world.act(&user("ann"), act, 1).unwrap().standing[0].approval.clone();
    let standing = [Standing { approval, version: 1 }];
    let open = |usage: &Usage| {
        let limits = [counted(hourly(1), usage)];
        let facts = Facts { limits: &limits, standing: &standing, ..facts(&world.people) };
        create(draft(gate([need(1, "ann")])), &facts, at(10)).unwrap()
    };
    let covered = open(&Usage::default());
    assert_eq!((covered.request.status, covered.counted.len()), (Status::Approved, 1));
    let asked = open(&used_up(&hourly(1)));
    assert_eq!((asked.request.status, asked.standing.len(), asked.counted.len()), (Status::Pending, 0, 0));
}

#[test]
fn what_people_approved_is_counted_when_it_runs() {
    let run = |limit: Limit, usage: &Usage| {
        let mut world = approved();
        world.limits = vec![counted(limit, usage)];
        world.consume(2)
    };
    let counted = run(hourly(1), &Usage::default()).unwrap().counted;
    assert_eq!(counted[0].usage.stretches[0].calls, 1);
    // People may go over a limit that asks, and not over one that denies.
    let counted = run(hourly(1), &used_up(&hourly(1))).unwrap().counted;
    assert_eq!(counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>(), 2);
    let denying = hourly(1).over(OverLimit::Deny);
    assert!(matches!(run(denying.clone(), &used_up(&denying)), Err(Refusal::LimitReached(_))));
    // Attempts were counted when it was opened.
    assert!(run(hourly(1).attempts(), &Usage::default()).unwrap().counted.is_empty());
    let opened = opened(hourly(1).attempts(), &Usage::default(), draft(gate([need(1, "ann")]))).unwrap();
    assert_eq!((opened.request.status, opened.counted.len()), (Status::Pending, 1));
}

proptest! {
    /// Whatever the calls, no window of the limit's length holds more of them, or a higher cost, than the limit says.
    #[test]
    fn no_window_holds_more_than_the_limit(
        pauses in prop::collection::vec((0_i64..400_000, 0_u32..50), 1..120),
        calls in 1_u32..6, cents in 1_u32..100, window in 1_i64..1000,
    ) {
        let limit = Limit::new("n")
            .within(Span::from_millis(window))
            .calls(calls)
            .cost(Money::new(Decimal::new(i64::from(cents), 2), money("1 USD").currency()));
        let (mut usage, mut now, mut taken) = (Usage::default(), at(0), Vec::new());
        for (pause, cost) in pauses {
            now += Span::from_micros(pause);
            let cost_text = format!("0.{cost:02} USD");
            if try_take(&limit, &mut usage, Some(&cost_text), now).is_ok() {
                taken.push((now, cost));
            } else {
                // Not for nothing: a window of one sixtieth more would have been too full.
                let longer = Span::from_micros(window * 1000 + window * 1000 / 60 + 1);
                let recent: Vec<_> = taken.iter().filter(|(at, _)| *at + longer >= now).collect();
                let spent: u32 = recent.iter().map(|(_, cost)| cost).sum();
                prop_assert!(recent.len() >= calls as usize || spent + cost > cents);
            }
        }
        for (begin, _) in &taken {
            let inside: Vec<_> =
                taken.iter().filter(|(at, _)| at >= begin && *at < *begin + Span::from_millis(window)).collect();
            prop_assert!(inside.len() <= calls as usize, "{} calls from {begin} on", inside.len());
            let spent: u32 = inside.iter().map(|(_, cost)| cost).sum();
            prop_assert!(spent <= cents, "{spent} cents from {begin} on");
        }
    }
}

#[test]
fn calls_of_one_stretch_share_an_entry_so_that_a_counter_stays_small() {
    let (limit, mut usage) = (hourly(10_000), Usage::default());
    for second in 0..60 {
        assert_eq!(try_take(&limit, &mut usage, None, at(second)), Ok(()));
    }
    assert_eq!(usage.stretches.iter().map(|one| one.calls).collect::<Vec<_>>(), [60]);
    assert_eq!(try_take(&limit, &mut usage, None, at(0)), Ok(()), "of a clock that went back");
    assert_eq!(usage.stretches.iter().map(|one| one.calls).collect::<Vec<_>>(), [61]);
    for minute in 1..300 {
        assert_eq!(try_take(&limit, &mut usage, None, at(60 * minute)), Ok(()));
    }
    assert_eq!(usage.stretches.len(), 61);
    let (forever, mut usage) = (Limit::new("n").calls(5), Usage::default());
    for day in 0..5 {
        assert_eq!(try_take(&forever, &mut usage, None, at(86_400 * day)), Ok(()));
    }
    assert_eq!(usage.stretches.len(), 1);
}

pub(super) fn waiting(most: u32) -> Limit {
    Limit::new("open").open(most)
}

/// So many requests are open.
pub(super) fn open_ones(count: u128) -> Usage {
    Usage {
        open: (0..count).map(|number| RequestId::from_uuid(id(50 + number))).collect(),
        ..Usage::default()
    }
}

#[test]
fn only_so_many_requests_wait_for_people_at_the_same_time() {
    let asked = || draft(gate([need(1, "ann")]));
    let opened_one = opened(waiting(2), &open_ones(1), asked()).unwrap();
    let [write] = opened_one.counted.as_slice() else { panic!("{:?}", opened_one.counted) };
    assert_eq!((&*write.counter, write.expect), ("limit/1", Some(6)));
    assert_eq!(write.usage.open, [RequestId::from_uuid(id(50)), opened_one.request.id]);
    for already in [2, 3] {
        match opened(waiting(2), &open_ones(already), asked()) {
            Err(Refusal::LimitReached(reached)) => {
                assert_eq!((&*reached.limit, reached.room_at), ("open", None));
                assert!(
                    reached.why.contains(&format!("{already} of 2 requests are open")),
                    "{}",
                    reached.why
                );
            }
            other => panic!("{already}: {other:?}"),
        }
    }
}

#[test]
fn only_requests_that_people_are_asked_about_count_as_open() {
    let allowed = Draft { allowed: true, ..draft(gate([need(1, "ann")])) };
    let told = opened(waiting(1), &open_ones(1), allowed).unwrap();
    assert_eq!((told.request.status, told.counted.len()), (Status::Approved, 0));
    // A limit on calls counts those that run, and a limit on open requests no call that runs.
    let asked = opened(hourly(1), &Usage::default(), draft(gate([need(1, "ann")]))).unwrap();
    assert_eq!((asked.request.status, asked.counted.len()), (Status::Pending, 0));
    let mut world = approved();
    world.limits = vec![counted(waiting(1), &open_ones(1))];
    assert!(world.consume(2).unwrap().counted.is_empty());
}

#[test]
fn the_share_of_one_call_is_left_out_of_what_is_spent_as_long_as_it_counts() {
    let dollars = |text: &str| text.parse::<Decimal>().unwrap();
    // Stretches of one second.
    let limit = Limit::new("n").within(Span::from_secs(60)).cost(money("100 USD"));
    let mut usage = Usage::default();
    let mut shares = Vec::new();
    for (seconds, cost) in [(0, "-5 USD"), (30, "3 USD"), (40, "7 EUR")] {
        let only_counts = Limit { only_counts: true, ..limit.clone() };
        let one = counted(only_counts, &usage);
        let write = take_all(std::iter::once(&one), Some(money(cost)), at(seconds)).unwrap().remove(0);
        usage = write.usage;
        shares.push([write.share.unwrap()]);
    }
    let [first, second, other_currency] = &*shares else { panic!("{shares:?}") };
    let one = |limit: &Limit| counted(limit.clone(), &usage);
    let besides = |own: &[Share], now: i64| spent_besides(&one(&limit), CountedAs::Runs(own), at(now));
    assert_eq!(besides(&[], 40), dollars("8"));
    assert_eq!(besides(first, 40), dollars("3"), "a credit was counted in full");
    assert_eq!(besides(second, 40), dollars("5"));
    assert_eq!(besides(other_currency, 40), dollars("8"), "another currency was not counted");
    // The first stretch ends after one second, and leaves the window 60 seconds later.
    assert_eq!(besides(first, 60), dollars("3"));
    assert_eq!((besides(&[], 61), besides(first, 61)), (dollars("3"), dollars("3")));
    // It is its own, whatever bound and window the limit has by now.
    let calls = hourly(5);
    assert_eq!(spent_besides(&one(&calls), CountedAs::Runs(first), at(40)), dollars("3"));
    let forever = Limit { within: None, ..limit.clone() };
    assert_eq!(spent_besides(&one(&forever), CountedAs::Runs(second), at(99_999)), dollars("5"));
    // Not as a place, not of another counter, and not in a stretch that is not there.
    assert_eq!(spent_besides(&one(&limit), CountedAs::Places(first), at(40)), dollars("8"));
    let [share] = first;
    let elsewhere = [Share { counter: "limit/2".into(), ..share.clone() }];
    assert_eq!(besides(&elsewhere, 40), dollars("8"));
    assert_eq!(besides(&[Share { stretch: at(2), ..share.clone() }], 40), dollars("8"));
    // What may run later counts as well, until it is taken off as what it is.
    let placed = take_places(&[one(&limit)], Some(money("2 USD")), at(40)).unwrap().remove(0);
    let with_place = counted(limit, &placed.usage);
    let own = [placed.share.unwrap()];
    assert_eq!(spent_besides(&with_place, CountedAs::NOTHING, at(40)), dollars("10"));
    assert_eq!(spent_besides(&with_place, CountedAs::Places(&own), at(40)), dollars("8"));
    assert_eq!(spent_besides(&with_place, CountedAs::Runs(&own), at(40)), dollars("10"), "never below zero");
}
