//! What a request holds of the limits: its places, and what becomes of them.

use super::{
    limit::{counted, hourly, try_take, waiting},
    limit_at_run::{let_run, place, stretches, with_a_place},
    *,
};
use crate::lifecycle::limit::{take_attempts, take_open, take_places};
use crate::model::{Limit, OverLimit, Share, StandingArguments, StandingReach, StandingTerms, Status, Usage};

/// A call that a rule let run, with a place, as a program sees it that knows no limit.
fn without_limits() -> World {
    let limit = hourly(1);
    let mut world = let_run(limit.clone(), &Usage::default());
    world.request.places = thin_vec::thin_vec![Share { cost: rust_decimal::Decimal::ZERO, ..place(&limit) }];
    world.limits.clear();
    world.counters = vec![counted(limit.clone(), &with_a_place(&limit, &Usage::default())).counter];
    world
}

/// The place of a call that was opened at the beginning of time, and another one that ran since.
fn one_ran_after_it() -> Usage {
    let mut usage = with_a_place(&hourly(9), &Usage::default());
    try_take(&hourly(9), &mut usage, None, at(65)).unwrap();
    usage
}

/// A call that a standing approval covered while this was limited.
fn covered(limit: Limit) -> World {
    let mut world = World::new(gate([need(1, "ann")]));
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    let act = Act::ApproveStanding { digest: world.digest(), note: None, terms };
    let approval = world.act(&user("ann"), act, 0).unwrap().standing[0].approval.clone();
    world.standing = vec![Standing { approval, version: 1 }];
    world.limits = vec![counted(limit, &Usage::default())];
    let facts = Facts { limits: &world.limits, standing: &world.standing, ..facts(&world.people) };
    let opened = create(draft(gate([need(1, "ann")])), &facts, at(0)).unwrap();
    let shares: Vec<Share> = opened.counted.iter().filter_map(|write| write.share.clone()).collect();
    assert_eq!((&*opened.request.places, shares.len()), (&*shares, 1));
    World { request: Request::clone(&opened.request), lines: opened.events, ..world }
}

#[test]
fn a_call_that_a_standing_approval_covers_has_a_place_like_one_that_the_policy_let_run() {
    let limit = hourly(1);
    let mut world = covered(limit.clone());
    world.limits = vec![counted(limit.clone(), &with_a_place(&limit, &Usage::default()))];
    let run = world.clone().consume(70).unwrap();
    assert_eq!((stretches(&run.counted[0].usage), run.request.places.len()), (vec![(120, 1, 0)], 0));
    // Where another one ran meanwhile, people were not asked about this very call.
    world.limits = vec![counted(limit, &one_ran_after_it())];
    let refused = world.clone().consume(70).unwrap_err();
    assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: false });
    world.operate(Act::Uncover, 71).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::Revoked));
}

#[test]
fn where_no_limit_counts_a_request_any_more_its_run_is_counted_in_its_counters() {
    let mut world = without_limits();
    let run = world.consume(70).unwrap();
    assert_eq!((run.counted.len(), stretches(&run.counted[0].usage)), (1, vec![(70, 1, 0)]));
    assert!(world.request.places.is_empty(), "it has run");
}

#[test]
fn a_call_that_a_limit_asks_about_again_gives_its_place_back() {
    let mut world = let_run(hourly(1), &one_ran_after_it());
    let taken_back = world.operate(Act::Uncover, 71).unwrap();
    assert_eq!((taken_back.counted.len(), stretches(&taken_back.counted[0].usage)), (1, vec![(120, 1, 0)]));
    assert!(world.request.places.is_empty());
}

#[test]
fn a_grant_that_runs_out_gives_its_place_back() {
    let mut world = without_limits();
    let expires = world.request.grant.as_ref().unwrap().expires_at.duration_since(at(0)).as_secs();
    let mut blind = World { counters: Vec::new(), ..world.clone() };
    let ended = world.tick(expires).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::GrantExpired));
    assert_eq!((ended.counted.len(), ended.counted[0].usage.stretches.len()), (1, 0));
    assert!(world.request.places.is_empty());
    // Where its counter could not be read, it keeps the place; what comes later changes nothing.
    assert!(blind.tick(expires).unwrap().counted.is_empty());
    assert_eq!((blind.state(), blind.request.places.len()), (Some(ExecutionState::GrantExpired), 1));
    for act in [Act::Tick, Act::Halt { reason: text("stop") }, Act::Revoke { reason: text("no") }] {
        assert_eq!(counted_by(&blind.request, &act), CountedBy::Nothing, "{act:?}");
    }
}

#[test]
fn what_neither_runs_nor_ends_an_approval_counts_nothing() {
    let world = without_limits();
    let digest = world.digest();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    for act in [
        world.vote_act(approve()),
        Act::ApproveStanding { digest, note: None, terms },
        Act::WithdrawStanding { standing: StandingId::from_uuid(id(3)), reason: text("no") },
        Act::ApproveEdited { digest, edits: Vec::new(), note: None },
        Act::Delegate { to: user("bob") },
        Act::Escalate { requirement: 0, to: users("bob"), priority: None },
        Act::RequestInfo { question: text("why?") },
        Act::ProvideInfo { answer: text("so") },
        Act::Comment { text: text("hm") },
        Act::Cancel { reason: None },
        world.finish_act(Ending::Succeeded { result: None }),
        Act::LoseLease { executor: executor(7) },
        Act::Settle { settlement: Settlement::Failed, note: None },
        Act::Retry { successor: RequestId::from_uuid(id(2)) },
    ] {
        assert_eq!(counted_by(&world.request, &act), CountedBy::Nothing, "{act:?}");
    }
}

#[test]
fn each_kind_of_limit_counts_its_own() {
    let now = at(0);
    let all = [hourly(9), Limit::new("tries").calls(9).attempts(), waiting(9)];
    let all = all.map(|limit| counted(limit, &Usage::default()));
    let ones = |writes: Vec<CountedWrite>| -> Vec<(usize, bool, usize)> {
        let of = |write: &CountedWrite| {
            (write.usage.stretches.len(), write.share.is_some(), write.usage.open.len())
        };
        writes.iter().map(of).collect()
    };
    // Calls with their shares; attempts and open requests without one, since they are not taken off.
    assert_eq!(ones(take_places(&all, None, now).unwrap()), [(1, true, 0)]);
    assert_eq!(ones(take_all(all.iter(), None, now).unwrap()), [(1, true, 0), (1, false, 0)]);
    assert_eq!(ones(take_attempts(&all, None, now).unwrap()), [(1, false, 0)]);
    assert_eq!(ones(take_open(&all, RequestId::from_uuid(id(1))).unwrap()), [(0, false, 1)]);
}

#[test]
fn of_several_limits_that_ask_the_first_is_named_and_one_that_denies_before_them() {
    let full = |name: &str, over| counted(Limit::new(name).calls(0).over(over), &Usage::default());
    let named = |all: &[Counted]| take_places(all, None, at(0)).unwrap_err().1.limit;
    let asks = [full("first", OverLimit::Ask), full("second", OverLimit::Ask)];
    assert_eq!(&*named(&asks), "first");
    let [first, second] = asks;
    assert_eq!(&*named(&[first, full("denies", OverLimit::Deny), second]), "denies");
}

#[test]
fn stretches_end_at_whole_microseconds() {
    let fine = |second: i64, nanos: i64| at(second) + jiff::SignedDuration::from_nanos(nanos);
    // Else each call that is a little later in its microsecond would begin another one.
    for limit in [hourly(9), Limit::new("n").calls(9)] {
        let mut usage = Usage::default();
        for nanos in [1, 2, 999] {
            try_take(&limit, &mut usage, None, fine(3, nanos)).unwrap();
        }
        assert_eq!(usage.stretches.len(), 1, "{limit:?}");
        assert_eq!((usage.stretches[0].calls, usage.stretches[0].first_until), (3, None), "{limit:?}");
    }
    let world = without_limits();
    let run = take_at_run(&[], &world.counters, None, CountedAs::Places(&world.request.places), fine(70, 17))
        .unwrap();
    assert_eq!(run[0].usage.stretches[0].until, at(70));
}

#[test]
fn an_open_request_has_no_place() {
    let limits = [counted(hourly(9), &Usage::default())];
    let people = People::default();
    let facts = Facts { limits: &limits, ..facts(&people) };
    let asked = create(draft(gate([need(1, "ann")])), &facts, at(0)).unwrap();
    assert_eq!((asked.request.status, asked.request.places.len()), (Status::Pending, 0));
    assert!(asked.counted.is_empty(), "it is counted when it runs");
}
