//! What the policy says when a grant is consumed, and run windows.

use super::*;
use crate::lifecycle::Declared;
use crate::model::{
    Declaration, OnTimeout, RunWindow, Said, StandingArguments, StandingReach, StandingTerms, Status,
};

fn denies() -> RunRuling {
    RunRuling::Denies { rule: "night".into(), reason: "not at night".into() }
}

fn asks(gate: Gate) -> RunRuling {
    RunRuling::Asks(Arc::new(Gate { rule: "now".into(), ..gate }))
}

fn asks_again() -> Refusal {
    Refusal::PolicyAsks { rule: "now".into(), again: false }
}

#[test]
fn what_the_policy_denies_at_the_run_does_not_run_and_the_grant_stays() {
    let mut world = approved();
    let grant = world.request.grant.clone();
    world.ruling = Some(denies());
    let refusal = Refusal::PolicyDenies { rule: "night".into(), reason: "not at night".into() };
    assert_eq!(world.consume(2).unwrap_err(), refusal);
    assert_eq!((world.request.status, world.state()), (Status::Approved, Some(ExecutionState::NotStarted)));
    assert_eq!(world.request.grant, grant);
    world.ruling = Some(ALLOWS);
    world.consume(3).unwrap();
}

#[test]
fn without_an_answer_of_the_policy_nothing_runs() {
    let mut world = approved();
    world.ruling = None;
    assert!(matches!(world.consume(2), Err(Refusal::WrongGrant(_))));
}

#[test]
fn what_people_approved_runs_though_the_policy_would_ask_others() {
    let mut world = approved();
    world.ruling = Some(asks(gate([need(2, "bob cid"), need(1, "dan")])));
    world.consume(2).unwrap();
}

fn uncover(world: &mut World, seconds: i64) -> Result<Transition, Refusal> {
    world.operate(Act::Uncover, seconds)
}

#[test]
fn what_no_person_approved_is_revoked_once_the_policy_asks_for_more() {
    let only = Gate::only("told", Vec::new());
    let mut world = World::open(Draft { allowed: true, ..draft(only.clone()) }, People::default());
    assert_eq!(uncover(&mut world, 1).unwrap_err(), Refusal::NothingToDo, "it allows it");
    world.ruling = Some(denies());
    assert_eq!(uncover(&mut world, 1).unwrap_err(), Refusal::NothingToDo, "it may allow it later");
    world.ruling = None;
    assert_eq!(uncover(&mut world, 1).unwrap_err(), Refusal::NothingToDo, "it was not asked");
    world.ruling = Some(asks(only));
    let refused = world.act(&user("ann"), Act::Uncover, 1).unwrap_err();
    assert!(matches!(refused, Refusal::NotPermitted { .. }), "{refused:?}");
    let grant = world.request.grant.as_deref().copied().unwrap();
    let transition = world.act(&p("service:guard"), Act::Uncover, 1).unwrap();
    assert_eq!(transition.not_after, Some(grant.expires_at));
    assert_eq!(world.state(), Some(ExecutionState::Revoked));
    assert!(matches!(world.consume(2), Err(Refusal::Revoked { why, .. }) if why.contains("rule 'now'")));
}

#[test]
fn an_approval_that_is_spent_over_or_of_people_is_not_revoked_by_the_policy() {
    let mut by_people = approved();
    by_people.ruling = Some(asks(gate([need(2, "bob cid")])));
    assert_eq!(uncover(&mut by_people, 2).unwrap_err(), Refusal::NothingToDo);
    let then = Gate::clone(&silent().request.gate);
    let stricter = asks(Gate { excluded: users("ann"), ..then });
    let mut late = silent();
    late.ruling = Some(stricter.clone());
    let expires = late.request.grant.as_ref().unwrap().expires_at;
    assert_eq!(uncover(&mut late, 60 + 900).unwrap_err(), Refusal::GrantExpired(expires));
    uncover(&mut late, 61).unwrap();
    let mut spent = silent();
    spent.consume(61).unwrap();
    spent.ruling = Some(stricter);
    assert_eq!(uncover(&mut spent, 62).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Executing));
}

#[test]
fn whom_the_policy_wants_told_at_the_run_is_told_how_it_ends() {
    let before = Gate { inform: users("bob"), ..gate([need(1, "ann")]) };
    for (now, told) in [("zoe bob", "bob zoe"), ("zoe", "bob zoe"), ("bob", "bob"), ("", "bob")] {
        let mut world = World::new(before.clone());
        world.approve("ann", 1).unwrap();
        let asks = RunRuling::Asks(Arc::new(Gate { inform: users(now), ..gate([need(1, "ann")]) }));
        let mut asked = World { ruling: Some(asks), ..world.clone() };
        asked.consume(2).unwrap();
        world.ruling = Some(RunRuling::Allows { inform: users(now), run_windows: Vec::new() });
        world.consume(2).unwrap();
        assert_eq!(
            asked.request.gate, world.request.gate,
            "{now}: also where it asks, and people approved before"
        );
        assert_eq!(*world.request.gate, Gate { inform: users(told), ..before.clone() }, "{now}");
        let ended = world.finish(Ending::Succeeded { result: None }, 3).unwrap();
        let expected: Vec<String> = users(told).iter().map(ToString::to_string).collect();
        assert_eq!(notified(&ended, NoticeKind::Informed), expected, "{now}");
    }
}

#[test]
fn an_edit_counts_by_what_the_policy_says_about_its_arguments_alone() {
    let gate = Gate {
        editable: vec![crate::model::Editable { path: "cents".into(), schema: None }],
        ..gate([need(1, "ann")])
    };
    let world = World::new(gate);
    let edits = vec![Edit { path: "cents".into(), value: parse_canonical("7").unwrap() }];
    let (_, edited) = edited_arguments(&world.request, &edits).unwrap();
    let act = Act::ApproveEdited { digest: world.digest(), edits, note: None };
    let command = Command { actor: user("ann"), via: None, operator: false, act };
    let people = People::default();
    let try_with = |ruling: Option<&EditRuling>| {
        apply(&world.request, &command, &Facts { edited: ruling, ..facts(&people) }, at(1))
    };
    let about = |digest, ruling| EditRuling { digest, ruling };
    assert!(matches!(try_with(None), Err(Refusal::Internal(_))), "the policy was not asked");
    for ruling in [ALLOWS, denies()] {
        let other = about(world.digest(), ruling);
        assert!(
            matches!(try_with(Some(&other)), Err(Refusal::Internal(_))),
            "it was asked about other arguments"
        );
    }
    let refusal = Refusal::PolicyDenies { rule: "night".into(), reason: "not at night".into() };
    assert_eq!(try_with(Some(&about(edited, denies()))).unwrap_err(), refusal);
    assert_eq!(try_with(Some(&about(edited, ALLOWS))).unwrap().request.status, Status::Approved);
    let besides = try_with(Some(&about(edited, asks(super::gate([need(1, "bob")])))));
    assert_eq!(besides.unwrap().request.status, Status::Pending);
}

#[test]
fn a_window_of_a_rule_that_allows_forbids_too() {
    let mut world = approved();
    world.ruling = Some(RunRuling::Allows { inform: Vec::new(), run_windows: vec![ten()] });
    assert_eq!(world.consume(2).unwrap_err(), closed(10 * HOUR));
    assert_eq!(world.state(), Some(ExecutionState::NotStarted));
}

/// Approved by silence at second 60.
fn silent() -> World {
    let gate =
        Gate { timeout: Some(Span::from_secs(60)), on_timeout: OnTimeout::Approve, ..gate([need(1, "ann")]) };
    let mut world = World::open(Draft { risk: Risk::Low, ..draft(gate) }, People::default());
    world.act(&p("service:due"), Act::Tick, 60).unwrap();
    assert!(world.decision().by_timeout);
    world
}

#[test]
fn approval_by_silence_falls_when_the_policy_asks_for_more() {
    let then = Gate::clone(&silent().request.gate);
    let mut world = silent();
    world.ruling = Some(asks(then.clone()));
    assert!(world.clone().consume(61).is_ok(), "the rule asks as it did");
    for now in [
        Gate { on_timeout: OnTimeout::Reject, ..then.clone() },
        Gate { requirements: vec![need(1, "ann"), need(1, "bob")], ..then.clone() },
        Gate { requirements: vec![need(2, "ann bob")], ..then.clone() },
        Gate { excluded: users("ann"), ..then.clone() },
        Gate { allow_self_approval: Some(false), ..then.clone() },
    ] {
        world.ruling = Some(asks(now));
        assert_eq!(world.consume(61).unwrap_err(), asks_again());
        assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    }
    // Two rejections were a veto, and one would be now.
    let mut two = silent();
    two.request.gate = Arc::new(Gate { veto: 2, ..then.clone() });
    assert!(two.clone().consume(61).is_ok());
    two.ruling = Some(asks(then));
    assert_eq!(two.consume(61).unwrap_err(), asks_again());
}

#[test]
fn approval_by_a_rule_falls_when_the_policy_asks_at_all() {
    let only = Gate::only("told", Vec::new());
    let mut world = World::open(Draft { allowed: true, ..draft(only.clone()) }, People::default());
    assert!(world.decision().by_policy);
    world.ruling = Some(asks(only));
    assert_eq!(world.consume(2).unwrap_err(), asks_again());
    world.ruling = Some(ALLOWS);
    world.consume(2).unwrap();
}

/// Approved by a standing approval at second 2, which is in the facts.
fn covered(terms: impl FnOnce(StandingTerms) -> StandingTerms) -> World {
    let mut first = World::new(gate([need(1, "ann")]));
    let terms = terms(StandingTerms::new(StandingReach::Agent, StandingArguments::Exactly));
    let digest = first.digest();
    let given = first.act(&user("ann"), Act::ApproveStanding { digest, note: None, terms }, 1).unwrap();
    let standing = [Standing { approval: given.standing[0].approval.clone(), version: 1 }];
    let people = People::default();
    let draft = Draft { id: RequestId::from_uuid(id(2)), ..draft(gate([need(1, "ann")])) };
    let covered = create(draft, &Facts { standing: &standing, ..facts(&people) }, at(2)).unwrap();
    let used = Standing { approval: covered.standing[0].approval.clone(), version: 2 };
    let world = World {
        request: Arc::unwrap_or_clone(covered.request),
        lines: covered.events,
        standing: vec![used],
        ..first
    };
    assert!(world.decision().by_standing.is_some());
    world
}

#[test]
fn approval_by_a_standing_approval_falls_when_the_policy_asks_for_more() {
    let mut world = covered(|terms| terms);
    let then = Gate::clone(&world.request.gate);
    world.ruling = Some(asks(then.clone()));
    assert!(world.clone().consume(3).is_ok(), "the rule asks as it did");
    for now in [Gate { no_standing: true, ..then }, gate([need(1, "bob")])] {
        world.ruling = Some(asks(now));
        assert_eq!(world.consume(3).unwrap_err(), asks_again());
    }
}

#[test]
fn what_a_standing_approval_gave_does_not_run_once_that_is_withdrawn() {
    let mut world = covered(|terms| terms);
    let standing = world.standing[0].approval.id;
    let withdrawn = Refusal::StandingWithdrawn { standing, by: user("bob"), why: text("enough") };
    world.standing[0].approval.withdrawn =
        Some(crate::model::Withdrawn { by: user("bob"), at: at(3), why: text("enough") });
    world.standing[0].version = 3;
    let sentence = withdrawn.to_string();
    assert!(
        sentence.contains(&format!("standing approval {standing}"))
            && sentence.contains("withdrawn by user:bob: enough"),
        "{sentence}"
    );
    assert_eq!(world.consume(4).unwrap_err(), withdrawn);
    assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    // Whatever the policy says.
    world.ruling = Some(denies());
    assert_eq!(world.consume(4).unwrap_err(), withdrawn);
    world.ruling = Some(asks(gate([need(1, "bob")])));
    assert_eq!(world.consume(4).unwrap_err(), withdrawn);
}

#[test]
fn a_withdrawal_that_commits_first_wins() {
    let mut world = covered(|terms| terms);
    let standing = world.standing[0].approval.id;
    // Another standing approval is none of its concern.
    let mut other = world.standing[0].clone();
    other.approval.id = StandingId::from_uuid(id(77));
    other.approval.withdrawn = Some(crate::model::Withdrawn { by: user("bob"), at: at(3), why: text("no") });
    world.standing.insert(0, other);
    let transition = world.consume(4).unwrap();
    assert_eq!(
        transition.requires,
        [Requires::SameHalts, Requires::LeaseHeld(executor(7)), Requires::SameStanding(standing, 2)]
    );
    assert!(transition.standing.is_empty(), "nothing more is counted");
}

#[test]
fn a_standing_approval_that_ran_out_or_was_used_up_meanwhile_is_no_reason() {
    let mut used_up = covered(|terms| terms.at_most(1));
    assert_eq!(used_up.standing[0].approval.left(), Some(0));
    used_up.consume(3).unwrap();
    let mut ran_out = covered(|terms| terms.lasting(Span::from_secs(60)));
    assert!(!ran_out.standing[0].approval.is_in_force(at(100)));
    ran_out.consume(100).unwrap();
}

#[test]
fn nothing_runs_under_a_standing_approval_of_which_nothing_is_known() {
    let mut world = covered(|terms| terms);
    world.standing.clear();
    assert!(matches!(world.consume(3), Err(Refusal::Internal(_))));
    assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    // What people approved themselves rests on none.
    let mut asked = approved();
    assert!(asked.standing.is_empty());
    let transition = asked.consume(3).unwrap();
    assert!(!transition.requires.iter().any(|one| matches!(one, Requires::SameStanding(..))));
}

/// Open for an hour from 10:00 to 11:00 UTC: seconds 36000 to 39600 of the first day, a Thursday.
fn ten() -> RunWindow {
    RunWindow::new("UTC", [("mon-fri", "10:00-11:00")]).unwrap()
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn within(windows: &[RunWindow]) -> World {
    let gate = Gate { run_windows: windows.to_vec(), ..gate([need(1, "ann")]) };
    let mut world = World::new(gate);
    world.approve("ann", 1).unwrap();
    world
}

fn closed(opens: i64) -> Refusal {
    Refusal::OutsideWindow { opens_at: Some(at(opens)) }
}

#[test]
fn a_run_window_bounds_the_consuming_write() {
    let mut world = within(&[ten()]);
    assert_eq!(
        world.request.grant.as_ref().unwrap().expires_at,
        at(10 * HOUR + 900),
        "counted from the opening"
    );
    assert_eq!(world.consume(2).unwrap_err(), closed(10 * HOUR));
    assert_eq!(world.consume(10 * HOUR - 1).unwrap_err(), closed(10 * HOUR));
    assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    let transition = world.consume(10 * HOUR).unwrap();
    assert_eq!(transition.not_after, Some(at(10 * HOUR + 900)), "the grant ends before the window");
}

/// The claim of code that declares these windows today.
fn declaring(world: &World, windows: &[RunWindow]) -> Act {
    let Act::Consume { executor, grant, mut claim } = world.consume_act() else { panic!("it consumes") };
    let gate = Gate { run_windows: windows.to_vec(), ..gate([need(1, "ann")]) };
    let declaration = Declaration { version: 1, schema: None, risk: world.request.risk, gate };
    claim.declared = Some(Declared { declaration: Arc::new(declaration), said: Said::ALL });
    Act::Consume { executor, grant, claim }
}

#[test]
fn a_window_that_only_todays_declaration_names_bounds_the_write_too() {
    let mut world = within(&[]);
    let early = declaring(&world, &[ten()]);
    assert_eq!(world.act(&agent(), early, 2).unwrap_err(), closed(10 * HOUR));
    assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    world.request.grant.as_mut().unwrap().expires_at = at(DAY);
    let in_time = declaring(&world, &[ten()]);
    assert_eq!(world.clone().act(&agent(), in_time, 10 * HOUR).unwrap().not_after, Some(at(11 * HOUR)));
    let late = declaring(&world, &[ten()]);
    assert_eq!(world.act(&agent(), late, 11 * HOUR).unwrap_err(), closed(DAY + 10 * HOUR));
    let none = declaring(&world, &[]);
    world.act(&agent(), none, 11 * HOUR).unwrap();
}

#[test]
fn the_write_must_come_before_the_window_closes() {
    let gate = Gate { run_windows: vec![ten()], grant_ttl: Span::from_hours(96), ..gate([need(1, "ann")]) };
    let mut world = World::new(gate);
    world.approve("ann", 10 * HOUR + 60).unwrap_err();
    let mut world = {
        world.request.deadline = None;
        world
    };
    world.approve("ann", 10 * HOUR + 60).unwrap();
    assert_eq!(
        world.request.grant.as_ref().unwrap().expires_at,
        at(10 * HOUR + 60 + 96 * HOUR),
        "open already"
    );
    assert_eq!(world.clone().consume(11 * HOUR).unwrap_err(), closed(DAY + 10 * HOUR), "Friday");
    let saturday = 2 * DAY + 10 * HOUR;
    assert_eq!(world.clone().consume(saturday).unwrap_err(), closed(4 * DAY + 10 * HOUR), "Monday");
    let transition = world.consume(11 * HOUR - 1).unwrap();
    assert_eq!(transition.not_after, Some(at(11 * HOUR)));
}

#[test]
fn all_run_windows_must_be_open() {
    let afternoon = RunWindow::new("UTC", [("fri", "10:30-18:00")]).unwrap();
    let mut world = within(&[ten(), afternoon]);
    let opens = DAY + 10 * HOUR + 1800;
    assert_eq!(world.consume(10 * HOUR).unwrap_err(), closed(opens));
    assert_eq!(world.request.grant.as_ref().unwrap().expires_at, at(opens + 900));
    assert_eq!(world.consume(opens).unwrap().not_after, Some(at(opens + 900)));
}

#[test]
fn a_window_of_the_policy_of_now_forbids_too() {
    let mut world = approved();
    world.ruling = Some(asks(Gate { run_windows: vec![ten()], ..gate([need(1, "ann")]) }));
    assert_eq!(world.consume(2).unwrap_err(), closed(10 * HOUR));
}

#[test]
fn windows_that_never_open_together_are_refused_when_opened() {
    let late = RunWindow::new("UTC", [("mon-fri", "11:00-12:00")]).unwrap();
    let gate = Gate { run_windows: vec![ten(), late], ..gate([need(1, "ann")]) };
    let refused = create(draft(gate), &facts(&People::default()), at(0)).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Invalid(invalid) if invalid.to_string().contains("never opens")),
        "{refused}"
    );
}

#[test]
fn a_window_follows_the_wall_clock_of_its_zone() {
    // On 29 March 2026 clocks in Berlin go from 02:00 to 03:00, so 02:30 does not exist that day.
    let night = RunWindow::new("Europe/Berlin", [("daily", "02:30-04:00")]).unwrap();
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let until = |at: &str| window::open_until([&night].into_iter(), moment(at));
    assert_eq!(
        until("2026-03-29T00:59:59Z").unwrap_err(),
        Refusal::OutsideWindow { opens_at: Some(moment("2026-03-29T01:00:00Z")) }
    );
    assert_eq!(until("2026-03-29T01:00:00Z").unwrap(), Some(moment("2026-03-29T02:00:00Z")));
    assert_eq!(until("2026-01-05T01:30:00Z").unwrap(), Some(moment("2026-01-05T03:00:00Z")));
    // Over midnight: what began on the day before lasts.
    let late = RunWindow::new("UTC", [("mon", "22:00-06:00")]).unwrap();
    let until = |at: &str| window::open_until([&late].into_iter(), moment(at));
    assert_eq!(
        until("2026-01-06T05:59:59Z").unwrap(),
        Some(moment("2026-01-06T06:00:00Z")),
        "Tuesday morning"
    );
    assert!(until("2026-01-07T05:00:00Z").is_err(), "Wednesday morning");
}

#[test]
fn a_window_that_a_change_of_clocks_leaves_empty_opens_the_day_after() {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let berlin = |hours: &str| RunWindow::new("Europe/Berlin", [("daily", hours)]).unwrap();
    // Both ends are 03:00 on 29 March 2026.
    let gap = berlin("02:15-02:45");
    let opens = |windows: &[&RunWindow], at: &str| {
        window::open_until(windows.iter().copied(), moment(at)).unwrap_err()
    };
    let next_day = Refusal::OutsideWindow { opens_at: Some(moment("2026-03-30T00:15:00Z")) };
    for at in ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T12:00:00Z"] {
        assert_eq!(opens(&[&gap], at), next_day, "{at}");
    }
    let whole = berlin("00:00-24:00");
    assert_eq!(opens(&[&gap, &whole], "2026-03-29T00:00:00Z"), next_day);
    assert_eq!(opens(&[&whole, &gap], "2026-03-29T00:00:00Z"), next_day);
    let both = berlin("02:15-02:45,02:30-04:00");
    assert_eq!(
        window::open_until([&both].into_iter(), moment("2026-03-29T01:00:00Z")).unwrap(),
        Some(moment("2026-03-29T02:00:00Z")),
        "its other hours are open"
    );
}
