use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{DelegationRule, NoticeKind, Reminders, Status};

/// Ann is out of office, and Bob stands in.
fn out(requirements: impl Into<Vec<Requirement>>) -> (World, Transition) {
    open(gate(requirements))
}

fn standing(pairs: &[(&str, &str)]) -> People {
    People {
        absent: pairs.iter().map(|(owner, _)| (user(owner), None)).collect(),
        stand_ins: pairs.iter().map(|(owner, person)| (user(owner), user(person))).collect(),
        ..People::default()
    }
}

fn open(gate: Gate) -> (World, Transition) {
    let people = standing(&[("ann", "bob")]);
    let transition = create(draft(gate.clone()), &facts(&people), at(0)).unwrap();
    (World::open(draft(gate), people), transition)
}

#[test]
fn whoever_stands_in_is_asked_instead_and_decides() {
    let (mut world, transition) = out([need(1, "ann")]);
    assert_eq!(notified(&transition, NoticeKind::Decide), ["user:bob"]);
    assert_eq!(deciders(&world.request, &world.people), users("ann bob"), "ann may look in");
    let transition = world.approve("bob", 1).unwrap();
    assert_eq!((world.request.status, world.decision().by.clone()), (Status::Approved, users("bob")));
    assert_eq!(told(&transition)[0], EventKind::Delegated { from: user("ann"), to: user("bob") });
    assert_eq!(event(&transition.events[0]).actor, user("bob"));
}

#[test]
fn a_vote_in_the_place_of_somebody_counts_on_when_that_one_is_back() {
    let (mut world, _) = out([need(2, "ann cid")]);
    world.approve("bob", 1).unwrap();
    world.people = People::default();
    world.approve("cid", 2).unwrap();
    assert_eq!(world.decision().by, users("bob cid"));
}

#[test]
fn the_own_vote_takes_the_seat_back() {
    let (mut world, _) = out([need(2, "ann cid")]);
    world.approve("bob", 1).unwrap();
    world.approve("ann", 2).unwrap();
    assert!(world.request.status.is_open(), "one seat, whoever of the two sits in it");
    assert!(matches!(
        world.reject("bob", 3),
        Err(Refusal::NotAnApprover { why: NotEligible::SeatTaken, .. })
    ));
    world.approve("cid", 4).unwrap();
    assert_eq!(world.decision().by, users("ann cid"));
}

#[test]
fn one_person_does_not_fill_the_own_seat_and_another() {
    let (mut world, transition) = out([need(2, "ann bob")]);
    assert_eq!(notified(&transition, NoticeKind::Decide), ["user:bob"]);
    let transition = world.approve("bob", 1).unwrap();
    assert!(world.request.status.is_open());
    assert_eq!(told(&transition).len(), 1, "bob votes in the own right: nothing is handed on");
    world.approve("ann", 2).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn whoever_is_not_out_any_more_is_not_stood_in_for() {
    let (mut world, _) = out([need(1, "ann")]);
    world.people = People::default();
    assert!(matches!(
        world.approve("bob", 1),
        Err(Refusal::NotAnApprover { why: NotEligible::NotAsked, .. })
    ));
    assert_eq!(deciders(&world.request, &world.people), users("ann"));
}

#[test]
fn where_seats_may_not_be_handed_on_nobody_stands_in() {
    let (mut world, transition) =
        open(Gate { delegation: DelegationRule::Forbidden, ..gate([need(1, "ann")]) });
    assert_eq!(notified(&transition, NoticeKind::Decide), ["user:ann"]);
    assert!(world.approve("bob", 1).is_err());
}

#[test]
fn a_seat_handed_on_by_hand_stays_where_it_is() {
    let (mut world, _) = out([need(1, "ann")]);
    world.people.delegates = [(user("ann"), [user("cid")].into())].into();
    world.act(&user("ann"), Act::Delegate { to: user("cid") }, 1).unwrap();
    assert!(world.clone().approve("bob", 2).is_err());
    // Whom it was handed on to is out, too: then that one's stand-in sits there.
    world.people.stand_ins = standing(&[("cid", "dan")]).stand_ins;
    world.approve("dan", 3).unwrap();
    assert_eq!(world.decision().by, users("dan"));
}

#[test]
fn nobody_stands_in_who_is_barred_nor_for_whom_is() {
    let own = |on_behalf_of: &str| {
        let draft = Draft {
            risk: Risk::High,
            on_behalf_of: Some(user(on_behalf_of)),
            ..draft(gate([need(1, "ann cid")]))
        };
        World::open(draft, standing(&[("ann", "bob")]))
    };
    let mut world = own("bob");
    assert!(matches!(
        world.approve("bob", 1),
        Err(Refusal::NotAnApprover { why: NotEligible::OwnRequest, .. })
    ));
    assert_eq!(deciders(&world.request, &world.people), users("ann cid"), "ann is asked after all");
    let mut world = own("ann");
    assert!(matches!(
        world.approve("bob", 1),
        Err(Refusal::NotAnApprover { why: NotEligible::NotAsked, .. })
    ));
}

#[test]
fn a_circle_of_stand_ins_leads_nowhere() {
    let people = standing(&[("ann", "bob"), ("bob", "ann"), ("cid", "cid")]);
    let mut world = World::open(draft(gate([need(2, "ann cid")])), people);
    world.approve("bob", 1).unwrap();
    world.approve("ann", 2).unwrap();
    assert!(world.request.status.is_open(), "ann's seat is filled once");
    world.approve("cid", 3).unwrap();
    assert_eq!(world.request.status, Status::Approved);
}

#[test]
fn reminders_and_stages_reach_whoever_stands_in() {
    let stage = crate::model::EscalationStage {
        after: Span::from_secs(60),
        requirement: 0,
        to: users("ann"),
        priority: None,
    };
    let reminders = Some(Reminders { every: Span::from_secs(100), at_most: 1 });
    let (mut world, _) = open(Gate { escalation: vec![stage], reminders, ..gate([need(1, "cid")]) });
    assert_eq!(notified(&world.tick(60).unwrap(), NoticeKind::Escalated), ["user:bob"]);
    assert_eq!(notified(&world.tick(100).unwrap(), NoticeKind::Reminder), ["user:bob", "user:cid"]);
}

const CAST: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Whether `voters` can be set on the seats, each on one: tried in every order.
fn can_be_seated(seats: &[usize], voters: &[usize], fits: &dyn Fn(usize, usize) -> bool) -> bool {
    let Some((seat, rest)) = seats.split_first() else { return true };
    (0..voters.len()).any(|place| {
        let mut others = voters.to_vec();
        let voter = others.swap_remove(place);
        fits(*seat, voter) && can_be_seated(rest, &others, fits)
    })
}

proptest! {
    /// With people out of office and others in their place it is approved exactly when different people who approved can be
    /// set on all seats: each on the own one, or on that of somebody who is out and has not voted.
    #[test]
    fn it_is_approved_exactly_when_different_people_fill_all_seats(
        first in 1_u8..64, second in 1_u8..64, counts in (1_u32..3, 1_u32..3),
        stand_ins in prop::collection::btree_map(0_usize..6, 0_usize..6, 0..4),
        votes in Just((0_usize..6).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let named = [first, second];
        let is_named = |requirement: usize, person: usize| named[requirement] >> person & 1 == 1;
        let names = |set: usize| (0..6).filter(move |person| is_named(set, *person)).map(|person| user(CAST[person]));
        let requirements = [Requirement::at_least(counts.0, names(0)), Requirement::at_least(counts.1, names(1))];
        // Who is out has nobody in the place who is out, too: of a chain the directory tells the last.
        let stand_ins: BTreeMap<usize, usize> = stand_ins
            .iter()
            .filter(|(owner, by)| owner != by && !stand_ins.contains_key(by))
            .map(|(owner, by)| (*owner, *by))
            .collect();
        let pairs: Vec<(&str, &str)> = stand_ins.iter().map(|(owner, by)| (CAST[*owner], CAST[*by])).collect();
        let people = standing(&pairs);
        prop_assume!(create(draft(gate(requirements.clone())), &facts(&people), at(0)).is_ok());
        let mut world = World::open(draft(gate(requirements)), people);
        let seats: Vec<usize> =
            (0..counts.0).map(|_| 0).chain((0..counts.1).map(|_| 1)).collect();
        let mut approved: Vec<usize> = Vec::new();
        for voter in votes {
            let in_place = |requirement: usize, person: usize, approved: &[usize]| {
                let of = |(owner, by): (&usize, &usize)| {
                    *by == person && is_named(requirement, *owner) && !approved.contains(owner)
                };
                stand_ins.iter().any(of)
            };
            let may = (0..2).any(|one| is_named(one, voter) || in_place(one, voter, &approved));
            let voted = world.approve(CAST[voter], 1).is_ok();
            prop_assert_eq!(voted, may, "{} after {:?}", CAST[voter], approved);
            if may {
                approved.push(voter);
            }
            let fits = |requirement: usize, person: usize| {
                is_named(requirement, person) || in_place(requirement, person, &approved)
            };
            let complete = can_be_seated(&seats, &approved, &fits);
            prop_assert_eq!(!world.request.status.is_open(), complete, "after {:?}", approved);
            if complete {
                break;
            }
        }
    }
}
