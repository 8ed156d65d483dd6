use proptest::prelude::*;

use super::*;
use crate::model::{EscalationStage, OutsideHours, Priority, Reminders, Status, Timing};

/// `absent`: whom the directory tells to be off, and after how many seconds they are back.
fn world(requirement: Requirement, absent: &[(&str, Option<i64>)]) -> (World, Transition) {
    open(gate([requirement]), absent)
}

fn people(absent: &[(&str, Option<i64>)]) -> People {
    People {
        groups: [(p("on_call:payments"), [user("oncall")].into())].into(),
        absent: absent.iter().map(|(name, back)| (user(name), back.map(at))).collect(),
        ..People::default()
    }
}

fn open(gate: Gate, absent: &[(&str, Option<i64>)]) -> (World, Transition) {
    let people = people(absent);
    let transition = create(draft(gate.clone()), &facts(&people), at(0)).unwrap();
    (World::open(draft(gate), people), transition)
}

fn outside(rule: OutsideHours, requirement: Requirement) -> Requirement {
    Requirement { outside_hours: Some(rule), ..requirement }
}

fn on_call() -> OutsideHours {
    OutsideHours::OnCall(vec![p("on_call:payments")])
}

/// Who is asked, and when.
fn asked(transition: &Transition) -> Vec<(String, Timing)> {
    transition.notices.iter().map(|notice| (notice.to.name().to_owned(), notice.timing)).collect()
}

fn each(names: &[(&str, Timing)]) -> Vec<(String, Timing)> {
    names.iter().map(|(name, timing)| ((*name).to_owned(), *timing)).collect()
}

#[test]
fn as_long_as_somebody_works_the_rule_does_not_hold() {
    for rule in [on_call(), OutsideHours::Queue, OutsideHours::Everyone] {
        let (world, transition) = world(outside(rule, need(1, "ann bob")), &[("ann", Some(500))]);
        assert_eq!(asked(&transition), each(&[("ann", Timing::Usual), ("bob", Timing::Usual)]));
        assert_eq!((told(&transition).len(), world.request.begins_at), (1, None));
        assert_eq!(world.request.deadline, Some(at(3600)));
    }
}

#[test]
fn whoever_is_on_call_is_asked_at_once_and_the_others_when_they_work() {
    let (mut world, transition) =
        world(outside(on_call(), need(1, "ann bob")), &[("ann", Some(500)), ("bob", None)]);
    assert_eq!(
        asked(&transition),
        each(&[("ann", Timing::NotBefore(at(500))), ("bob", Timing::Usual), ("oncall", Timing::AtOnce)])
    );
    let to = vec![p("on_call:payments"), user("oncall")];
    assert!(told(&transition).contains(&EventKind::OutsideHours { requirement: 0, to, until: None }));
    assert_eq!(world.request.deadline, Some(at(3600)), "the time to decide is not moved");
    // Somebody else has come on call since: whoever was asked may still answer.
    world.people.groups.insert(p("on_call:payments"), [user("next")].into());
    assert!(deciders(&world.request, &world.people).contains(&user("next")));
    world.approve("oncall", 100).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn where_nobody_is_on_call_all_are_told_at_once() {
    let nobody = OutsideHours::OnCall(vec![p("on_call:unknown")]);
    for rule in [nobody, OutsideHours::Everyone] {
        let (_, transition) =
            world(outside(rule, need(1, "ann bob")), &[("ann", Some(500)), ("bob", Some(90))]);
        assert_eq!(asked(&transition), each(&[("ann", Timing::AtOnce), ("bob", Timing::AtOnce)]));
    }
}

#[test]
fn a_queue_counts_time_from_when_enough_people_work() {
    let absent = [("ann", Some(9_000)), ("bob", Some(500)), ("cid", Some(700))];
    let stage = EscalationStage {
        after: Span::from_secs(60),
        requirement: 0,
        to: users("dan"),
        priority: Some(Priority::High),
    };
    let gate = Gate {
        escalation: vec![stage],
        reminders: Some(Reminders { every: Span::from_secs(600), at_most: 1 }),
        ..gate([outside(OutsideHours::Queue, need(2, "ann bob cid"))])
    };
    let (mut world, transition) = open(gate, &absent);
    let later = |seconds| Timing::NotBefore(at(seconds));
    assert_eq!(asked(&transition), each(&[("ann", later(9_000)), ("bob", later(500)), ("cid", later(700))]));
    assert!(told(&transition).contains(&EventKind::OutsideHours {
        requirement: 0,
        to: vec![],
        until: Some(at(700))
    }));
    assert_eq!(
        (world.request.begins_at.as_deref().copied(), world.request.deadline),
        (Some(at(700)), Some(at(4_300)))
    );
    assert_eq!(due_at(&world.request), Some(at(760)));
    assert_eq!(world.tick(759).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(notified(&world.tick(760).unwrap(), NoticeKind::Escalated), ["user:dan"]);
    assert_eq!(due_at(&world.request), Some(at(1_300)));
    world.tick(1_300).unwrap();
    assert_eq!(due_at(&world.request), Some(at(4_300)));
    assert_eq!(world.tick(4_299).unwrap_err(), Refusal::NothingToDo);
    world.tick(4_300).unwrap();
    assert_eq!(world.request.status, Status::Expired);
}

#[test]
fn who_waits_in_a_queue_may_decide_before_hours_begin() {
    let (mut world, _) = world(outside(OutsideHours::Queue, need(1, "ann")), &[("ann", Some(500))]);
    world.approve("ann", 10).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn a_queue_whose_end_nobody_knows_is_none() {
    let (world, transition) = world(outside(OutsideHours::Queue, need(1, "ann")), &[("ann", None)]);
    assert_eq!(asked(&transition), each(&[("ann", Timing::Usual)]));
    assert_eq!((world.request.begins_at, world.request.deadline), (None, Some(at(3600))));
}

#[test]
fn of_several_requirements_the_earliest_time_to_tell_counts_and_the_latest_to_begin() {
    let gate = gate([
        outside(OutsideHours::Queue, need(1, "ann bob")),
        outside(OutsideHours::Queue, need(1, "cid")),
        need(1, "bob dan"),
    ]);
    let (world, transition) = open(gate, &[("ann", Some(300)), ("bob", Some(200)), ("cid", Some(900))]);
    let later = |seconds| Timing::NotBefore(at(seconds));
    assert_eq!(
        asked(&transition),
        each(&[("ann", later(300)), ("bob", Timing::Usual), ("cid", later(900)), ("dan", Timing::Usual)])
    );
    assert_eq!(world.request.begins_at.as_deref(), Some(&at(900)));
}

#[test]
fn a_person_of_two_requirements_is_told_once_and_at_the_earlier_time() {
    let absent = [("ann", Some(300)), ("bob", Some(200))];
    let queue = || outside(OutsideHours::Queue, need(1, "ann"));
    let (_, transition) = open(gate([queue(), outside(OutsideHours::Queue, need(1, "ann bob"))]), &absent);
    let later = |seconds| Timing::NotBefore(at(seconds));
    assert_eq!(asked(&transition), each(&[("ann", later(300)), ("bob", later(200))]), "both wait");
    let everyone = || outside(OutsideHours::Everyone, need(1, "ann bob"));
    for requirements in [[queue(), everyone()], [everyone(), queue()]] {
        let (_, transition) = open(gate(requirements), &absent);
        assert_eq!(asked(&transition), each(&[("ann", Timing::AtOnce), ("bob", Timing::AtOnce)]));
    }
}

#[test]
fn who_was_on_call_at_first_stays_asked_after_the_hand_over() {
    let (mut world, transition) = world(Requirement::any_of([p("on_call:payments")]), &[]);
    assert_eq!(asked(&transition), each(&[("oncall", Timing::Usual)]));
    assert_eq!(told(&transition)[1], EventKind::OnCall { requirement: 0, to: users("oncall") });
    world.people.groups.insert(p("on_call:payments"), [user("next")].into());
    assert_eq!(deciders(&world.request, &world.people), users("next oncall"));
    world.approve("oncall", 10).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn a_stage_asks_who_is_on_call_when_it_fires() {
    let stage = |after| EscalationStage {
        after: Span::from_secs(after),
        requirement: 0,
        to: vec![p("on_call:payments")],
        priority: None,
    };
    let (mut world, transition) = open(Gate { escalation: vec![stage(60)], ..gate([need(1, "ann")]) }, &[]);
    assert_eq!(asked(&transition), each(&[("ann", Timing::Usual)]));
    assert!(world.approve("oncall", 30).is_err(), "not asked yet");
    world.people.groups.insert(p("on_call:payments"), [user("zoe")].into());
    let transition = world.tick(60).unwrap();
    assert_eq!(asked(&transition), each(&[("zoe", Timing::AtOnce)]));
    let to = vec![p("on_call:payments"), user("zoe")];
    assert_eq!(
        told(&transition),
        [EventKind::Escalated { stage: Some(0), requirement: 0, to, by_operator: false }]
    );
    world.people.groups.insert(p("on_call:payments"), [user("oncall")].into());
    world.approve("zoe", 70).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn a_reminder_wakes_nobody_whose_seat_somebody_on_call_fills() {
    let reminders = Some(Reminders { every: Span::from_secs(100), at_most: 9 });
    let absent = [("ann", Some(1000)), ("bob", Some(1000)), ("oncall", Some(1000))];
    for (rule, timing) in [(on_call(), Timing::NotBefore(at(1000))), (OutsideHours::Everyone, Timing::Usual)]
    {
        let gate = Gate { reminders, ..gate([outside(rule.clone(), need(1, "ann")), need(1, "bob")]) };
        let (mut world, _) = open(gate, &absent);
        let told = asked(&world.tick(100).unwrap());
        assert!(told.contains(&("ann".to_owned(), timing)), "{rule:?}: {told:?}");
        assert!(told.contains(&("bob".to_owned(), Timing::Usual)), "no rule, no exception: {told:?}");
        let besides = told.iter().find(|(name, _)| name == "oncall");
        assert_eq!(besides.map(|(_, timing)| *timing), (rule == on_call()).then_some(Timing::Usual));
    }
}

#[test]
fn stored_requests_of_before_are_read_and_new_ones_come_back() {
    let (world, _) = world(outside(OutsideHours::Queue, need(1, "ann")), &[("ann", Some(500))]);
    let mut stored = serde_json::to_value(&world.request).unwrap();
    assert_eq!(serde_json::from_value::<Request>(stored.clone()).unwrap(), world.request);
    let old = stored.as_object_mut().unwrap();
    old.remove("begins_at").unwrap();
    old["gate"]["requirements"][0].as_object_mut().unwrap().remove("outside_hours").unwrap();
    let read: Request = serde_json::from_value(stored).unwrap();
    assert_eq!((read.begins_at, read.gate.requirements[0].outside_hours.clone()), (None, None));
}

/// Stages by their delays, an optional queue, and the moments at which somebody looks.
fn any_life() -> impl Strategy<Value = (Vec<i64>, Option<i64>, Vec<i64>, Option<i64>)> {
    let stages = prop::collection::vec(0_i64..4_000, 1..5);
    let looks = prop::collection::vec(0_i64..9_000, 1..25).prop_map(|mut looks| {
        looks.sort_unstable();
        looks
    });
    (stages, prop::option::of(1_i64..3_000), looks, prop::option::of(0_i64..9_000))
}

proptest! {
    /// A stage fires once, never early, never for a decided request, and not later than somebody looks.
    #[test]
    fn a_stage_fires_once_never_early_and_never_for_what_is_decided((stages, queue, looks, decided) in any_life()) {
        let escalation = stages.iter().enumerate().map(|(number, after)| EscalationStage {
            after: Span::from_secs(*after),
            requirement: 0,
            to: vec![user(&format!("boss{number}")), p("on_call:payments")],
            priority: None,
        });
        let requirement = outside(OutsideHours::Queue, need(1, "ann"));
        let gate = Gate { escalation: escalation.collect(), ..gate([requirement]) };
        let absent: Vec<(&str, Option<i64>)> = queue.iter().map(|back| ("ann", Some(*back))).collect();
        let (mut world, _) = open(gate, &absent);
        let begin = queue.unwrap_or(0);
        let mut fired: Vec<usize> = Vec::new();
        for look in looks {
            if decided.is_some_and(|decided| decided <= look) && world.request.status.is_open() {
                // The deadline may have come first; it is then decided all the same, or about to be.
                drop(world.approve("ann", look));
            }
            let open = world.request.status.is_open();
            let due = due_at(&world.request);
            let result = world.tick(look);
            prop_assert_eq!(result.is_ok(), due.is_some_and(|due| due <= at(look)));
            for event in result.iter().flat_map(told) {
                if let EventKind::Escalated { stage: Some(stage), .. } = event {
                    prop_assert!(open, "fired after the decision");
                    prop_assert!(!fired.contains(&stage), "fired twice");
                    prop_assert!(look >= begin + stages[stage], "fired early");
                    fired.push(stage);
                }
            }
            if world.request.status.is_open() {
                for (stage, after) in stages.iter().enumerate() {
                    prop_assert_eq!(fired.contains(&stage), look >= begin + after);
                }
            }
        }
    }
}
