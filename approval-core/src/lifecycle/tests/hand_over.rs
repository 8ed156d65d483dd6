use proptest::prelude::*;

use super::*;
use crate::model::{EscalationStage, OutsideHours, Reminders, Status};

/// In turns of 1000 seconds; who is on call at a moment, and when the next turn begins.
fn people(turns: &[&str], seconds: i64) -> People {
    let turn = usize::try_from(seconds / 1000).unwrap();
    let on_call: std::collections::BTreeSet<Principal> =
        turns.get(turn % turns.len()).into_iter().map(|name| user(name)).collect();
    People {
        groups: [(p("on_call:payments"), on_call), (p("group:desk"), users("ann bob").into_iter().collect())]
            .into(),
        hand_overs: [(p("on_call:payments"), at((seconds / 1000 + 1) * 1000))].into(),
        ..People::default()
    }
}

fn on_call() -> Requirement {
    Requirement { of: vec![p("on_call:payments")], ..need(1, "") }
}

fn long(requirements: impl Into<Vec<Requirement>>) -> Gate {
    Gate { timeout: Some(Span::from_secs(100_000)), ..gate(requirements) }
}

fn tick(world: &mut World, turns: &[&str], seconds: i64) -> Result<Transition, Refusal> {
    world.people = people(turns, seconds);
    world.tick(seconds)
}

/// Who is asked by what a moment brings.
fn asked(transition: &Transition) -> Vec<String> {
    notified(transition, NoticeKind::Decide)
}

#[test]
fn whoever_comes_on_call_is_asked_once_and_whoever_handed_over_stays_asked() {
    let turns = ["cat", "dan", "eva"];
    let opened = create(draft(long([on_call()])), &facts(&people(&turns, 0)), at(0)).unwrap();
    assert_eq!(asked(&opened), ["user:cat"]);
    let mut world = World::open(draft(long([on_call()])), people(&turns, 0));
    assert_eq!(due_at(&world.request), Some(at(1000)));
    assert_eq!(tick(&mut world, &turns, 999).unwrap_err(), Refusal::NothingToDo, "never early");
    let handed = tick(&mut world, &turns, 1003).unwrap();
    assert_eq!(asked(&handed), ["user:dan"]);
    assert_eq!(told(&handed), [EventKind::OnCall { requirement: 0, to: users("dan") }]);
    assert_eq!(handed.not_before, Some(at(1000)));
    assert_eq!(due_at(&world.request), Some(at(2000)));
    assert_eq!(tick(&mut world, &turns, 1004).unwrap_err(), Refusal::NothingToDo, "once");
    assert_eq!(asked(&tick(&mut world, &turns, 2000).unwrap()), ["user:eva"]);
    assert_eq!(asked(&tick(&mut world, &turns, 3000).unwrap()), Vec::<String>::new(), "cat was asked before");
    for name in ["cat", "dan", "eva"] {
        assert!(world.clone().approve(name, 3001).is_ok(), "{name} may decide");
    }
}

#[test]
fn of_hand_overs_that_are_past_due_only_the_last_one_counts() {
    let turns = ["cat", "dan", "eva"];
    let mut world = World::open(draft(long([on_call()])), people(&turns, 0));
    let handed = tick(&mut world, &turns, 2500).unwrap();
    assert_eq!(asked(&handed), ["user:eva"], "dan has handed over already");
    assert_eq!(due_at(&world.request), Some(at(3000)));
}

#[test]
fn nobody_is_asked_twice_nor_about_what_is_decided() {
    let turns = ["cat", "ann"];
    // Ann is asked from the beginning, as one of the desk.
    let desk = Requirement { of: vec![p("group:desk"), p("on_call:payments")], ..need(2, "") };
    let mut world = World::open(draft(long([desk])), people(&turns, 0));
    let handed = tick(&mut world, &turns, 1000).unwrap();
    assert_eq!((asked(&handed), told(&handed).len()), (vec![], 1));

    // Dan comes on call with a vote of his own.
    let turns_of_voters = ["cat", "dan"];
    let two = [on_call(), need(2, "dan bob")];
    let mut voted = World::open(draft(long(two)), people(&turns_of_voters, 0));
    voted.approve("dan", 1).unwrap();
    assert_eq!(asked(&tick(&mut voted, &turns_of_voters, 1000).unwrap()), Vec::<String>::new());

    let mut decided = World::open(draft(long([on_call()])), people(&turns, 0));
    decided.reject("cat", 1).unwrap();
    assert_eq!(due_at(&decided.request), None);
    assert_eq!(tick(&mut decided, &turns, 1000).unwrap_err(), Refusal::NothingToDo);

    // What is over at that moment is over.
    let mut ended = World::open(
        draft(Gate { timeout: Some(Span::from_secs(1000)), ..long([on_call()]) }),
        people(&turns, 0),
    );
    let end = tick(&mut ended, &turns, 1000).unwrap();
    assert_eq!((ended.request.status, asked(&end)), (Status::Expired, vec![]));
}

#[test]
fn whoever_comes_on_call_and_is_barred_is_not_asked() {
    let turns = ["cat", "dan", "eva"];
    let gate = Gate { excluded: users("dan"), ..long([on_call()]) };
    let mut world = World::open(draft(gate), people(&turns, 0));
    let handed = tick(&mut world, &turns, 1000).unwrap();
    assert_eq!(told(&handed), [EventKind::OnCall { requirement: 0, to: users("dan") }]);
    assert_eq!(asked(&handed), Vec::<String>::new());
    assert_eq!(asked(&tick(&mut world, &turns, 2000).unwrap()), ["user:eva"]);
}

#[test]
fn stages_and_rules_for_the_night_hand_over_too() {
    let turns = ["cat", "dan"];
    let stage = EscalationStage {
        after: Span::from_secs(500),
        requirement: 0,
        to: vec![p("on_call:payments")],
        priority: None,
    };
    let staged = Gate {
        escalation: vec![stage],
        reminders: Some(Reminders { every: Span::from_secs(1000), at_most: 1 }),
        ..long([need(1, "ann")])
    };
    let mut world = World::open(draft(staged), people(&turns, 0));
    assert_eq!(due_at(&world.request), Some(at(500)));
    tick(&mut world, &turns, 500).unwrap();
    let handed = tick(&mut world, &turns, 1000).unwrap();
    assert_eq!(asked(&handed), ["user:dan"]);
    assert_eq!(notified(&handed, NoticeKind::Reminder), ["user:ann", "user:cat"], "dan was told just now");

    let night = Requirement {
        outside_hours: Some(OutsideHours::OnCall(vec![p("on_call:payments")])),
        ..need(1, "ann")
    };
    let off = |people: People| People { absent: [(user("ann"), None)].into(), ..people };
    let mut world = World::open(draft(long([night])), off(people(&turns, 0)));
    world.people = off(people(&turns, 1000));
    assert_eq!(asked(&world.tick(1000).unwrap()), ["user:dan"]);
}

proptest! {
    /// Whenever somebody looks, each person is asked at most once, never before coming on call, and whoever is on call at that
    /// moment has been asked.
    #[test]
    fn everybody_who_is_on_call_when_somebody_looks_is_asked_once(
        turns in prop::collection::vec(0_usize..4, 1..6),
        pauses in prop::collection::vec(1_i64..2500, 1..20),
    ) {
        let names = ["cat", "dan", "eva", "fay"];
        let turns: Vec<&str> = turns.into_iter().map(|turn| names[turn]).collect();
        let mut world = World::open(draft(long([on_call()])), people(&turns, 0));
        let mut asked_so_far = vec![format!("user:{}", turns[0])];
        let mut now = 0;
        for pause in pauses {
            now += pause;
            let due = due_at(&world.request).is_some_and(|due| due <= at(now));
            match tick(&mut world, &turns, now) {
                Ok(transition) => {
                    prop_assert!(due);
                    for one in asked(&transition) {
                        prop_assert!(!asked_so_far.contains(&one), "{one} twice");
                        asked_so_far.push(one);
                    }
                }
                Err(refusal) => prop_assert!(!due && refusal == Refusal::NothingToDo, "{refusal:?}"),
            }
            let turn = usize::try_from(now / 1000).unwrap() % turns.len();
            let on_call = format!("user:{}", turns[turn]);
            prop_assert!(asked_so_far.contains(&on_call), "nobody told {}", on_call);
            prop_assert!(due_at(&world.request) > Some(at(now)));
        }
    }
}
