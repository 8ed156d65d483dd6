use super::*;
use crate::model::{DelegationRule, Status};

fn open(requirements: impl Into<Vec<Requirement>>) -> World {
    let all = users("ann bob cid dan eve fay");
    World::new(Gate { delegation: DelegationRule::To(all), veto: 2, ..gate(requirements) })
}

fn delegate(world: &mut World, from: &str, to: &str) -> Result<Transition, Refusal> {
    world.act(&user(from), Act::Delegate { to: user(to) }, 5)
}

fn refused(world: &mut World, from: &str, to: &str) -> &'static str {
    match delegate(world, from, to) {
        Err(Refusal::Delegation { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delegate_votes_in_the_seat_of_another() {
    let mut world = open([need(1, "ann")]);
    assert!(world.approve("bob", 1).is_err());
    let transition = delegate(&mut world, "ann", "bob").unwrap();
    assert_eq!(notified(&transition, NoticeKind::Decide), ["user:bob"]);
    assert_eq!(told(&transition), [EventKind::Delegated { from: user("ann"), to: user("bob") }]);
    assert_eq!(transition.not_after, Some(at(3600)));
    assert_eq!(delegate(&mut world, "ann", "bob").unwrap_err(), Refusal::NothingToDo);
    let transition = world.approve("bob", 6).unwrap();
    assert_eq!(world.decision().by, [user("bob")]);
    assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann", "user:bob"]);
}

#[test]
fn the_own_vote_overrides_the_delegate() {
    let mut world = open([need(2, "ann cid")]);
    delegate(&mut world, "ann", "bob").unwrap();
    world.approve("bob", 6).unwrap();
    world.approve("ann", 7).unwrap();
    assert!(world.request.status.is_open(), "ann and bob share one seat");
    assert_eq!(
        world.reject("bob", 8).unwrap_err(),
        Refusal::NotAnApprover { who: user("bob"), why: NotEligible::SeatTaken }
    );
    world.approve("cid", 9).unwrap();
    assert_eq!(world.decision().by, [user("ann"), user("cid")]);
}

#[test]
fn the_own_rejection_overrides_the_delegates_approval() {
    let mut world = open([need(2, "ann cid dan")]);
    delegate(&mut world, "ann", "bob").unwrap();
    world.approve("bob", 6).unwrap();
    world.reject("ann", 7).unwrap();
    world.approve("cid", 8).unwrap();
    assert_eq!(world.request.status, Status::Pending);
    world.approve("dan", 9).unwrap();
    assert_eq!(world.decision().by, users("cid dan"));

    let mut world = open([need(2, "ann cid")]);
    delegate(&mut world, "ann", "bob").unwrap();
    world.reject("ann", 7).unwrap();
    assert!(world.decision().unreachable, "nobody else can take the seat");
}

#[test]
fn an_overridden_rejection_is_no_veto() {
    let mut world = open([need(2, "ann cid dan")]);
    delegate(&mut world, "ann", "bob").unwrap();
    world.reject("bob", 6).unwrap();
    world.approve("ann", 7).unwrap();
    world.reject("dan", 8).unwrap();
    assert_eq!(world.request.status, Status::Pending, "one rejection stands, two are needed");
}

#[test]
fn an_approval_from_before_goes_with_the_seat() {
    let mut world = open([need(2, "ann cid")]);
    world.approve("ann", 1).unwrap();
    delegate(&mut world, "ann", "bob").unwrap();
    assert!(world.request.votes[0].void);
    world.approve("cid", 6).unwrap();
    assert!(world.request.status.is_open());
    world.approve("bob", 7).unwrap();
    assert_eq!(world.decision().by, [user("cid"), user("bob")]);
}

#[test]
fn a_delegate_counts_only_as_long_as_the_delegator_would() {
    let finance = p("group:finance");
    let mut world = open([need(1, "ann cid")]);
    world.request.gate = Arc::new(Gate {
        requirements: vec![Requirement::at_least(2, [finance.clone()])],
        ..(*world.request.gate).clone()
    });
    world.people.groups = [(finance.clone(), users("ann cid").into_iter().collect())].into();
    delegate(&mut world, "ann", "bob").unwrap();
    world.approve("bob", 6).unwrap();
    world.people.groups = [(finance, users("cid dan").into_iter().collect())].into();
    world.approve("cid", 7).unwrap();
    assert!(world.request.status.is_open(), "ann has left, and bob with her");
    assert_eq!(
        world.approve("bob", 8).unwrap_err(),
        Refusal::NotAnApprover { who: user("bob"), why: NotEligible::NotAsked }
    );
    world.approve("dan", 9).unwrap();
    assert_eq!(world.decision().by, [user("cid"), user("dan")]);
}

#[test]
fn an_excluded_link_breaks_the_chain() {
    let mut world = open([need(1, "ann zoe")]);
    delegate(&mut world, "ann", "bob").unwrap();
    delegate(&mut world, "bob", "cid").unwrap();
    let mut broken = world.clone();
    broken.request.gate = Arc::new(Gate { excluded: users("bob"), ..(*world.request.gate).clone() });
    assert!(broken.approve("cid", 6).is_err());
    world.approve("cid", 6).unwrap();
}

#[test]
fn a_person_with_several_seats_fills_one() {
    let mut world = open([need(2, "ann bob cid")]);
    delegate(&mut world, "ann", "bob").unwrap();
    world.approve("bob", 6).unwrap();
    assert!(world.request.status.is_open());
    world.approve("cid", 7).unwrap();
    assert_eq!(world.decision().by, [user("bob"), user("cid")]);

    let shared = Requirement { may_share: true, ..need(1, "bob") };
    let mut world = open([need(1, "ann"), shared]);
    world.approve("bob", 1).unwrap();
    delegate(&mut world, "ann", "bob").unwrap();
    assert_eq!(world.decision().by, [user("bob")], "handing the seat to somebody who approved decides");
}

#[test]
fn a_delegator_who_votes_takes_the_seat_from_the_whole_chain() {
    let mut world = open([need(1, "ann"), need(1, "zoe")]);
    delegate(&mut world, "ann", "bob").unwrap();
    delegate(&mut world, "bob", "cid").unwrap();
    world.approve("cid", 6).unwrap();
    world.approve("bob", 7).unwrap();
    for (who, taken) in [("ann", false), ("bob", false), ("cid", true)] {
        let reply = world.clone().reject(who, 8);
        assert_eq!(reply.is_err(), taken, "{who}");
    }
    world.approve("zoe", 8).unwrap();
    assert_eq!(world.decision().by, [user("bob"), user("zoe")]);
}

#[test]
fn chains_are_short_and_without_circles() {
    let mut world = open([need(1, "ann")]);
    delegate(&mut world, "ann", "bob").unwrap();
    delegate(&mut world, "bob", "cid").unwrap();
    assert!(refused(&mut world, "cid", "ann").contains("circle"));
    assert!(refused(&mut world, "bob", "ann").contains("circle"));
    delegate(&mut world, "cid", "dan").unwrap();
    assert!(refused(&mut world, "dan", "eve").contains("too often"));
    assert!(refused(&mut world, "cid", "cid").contains("same person"));
    assert_eq!(world.request.delegations.len(), 3);
    world.approve("dan", 6).unwrap();

    let mut world = open([need(1, "ann eve")]);
    delegate(&mut world, "ann", "bob").unwrap();
    delegate(&mut world, "bob", "cid").unwrap();
    delegate(&mut world, "cid", "dan").unwrap();
    assert!(refused(&mut world, "eve", "ann").contains("too often"), "in front of a chain");
    delegate(&mut world, "eve", "bob").unwrap();
    delegate(&mut world, "ann", "fay").unwrap();
    assert_eq!(world.request.delegations.len(), 4, "a new one takes the place of the old one");
    assert_eq!(world.request.delegations.iter().filter(|one| one.from == user("ann")).count(), 1);
}

#[test]
fn chains_are_short_and_without_circles_also_through_people_who_are_away() {
    let mut world = open([need(1, "ann"), need(1, "cid zoe")]);
    delegate(&mut world, "ann", "bob").unwrap();
    delegate(&mut world, "bob", "cid").unwrap();
    world.people.known = Some(users("ann cid dan eve").into_iter().collect());
    assert!(refused(&mut world, "cid", "ann").contains("circle"), "bob may come back");
    delegate(&mut world, "cid", "dan").unwrap();
    world.people.known = Some(users("ann dan eve").into_iter().collect());
    world.request.gate =
        Arc::new(Gate { requirements: vec![need(1, "dan")], ..(*world.request.gate).clone() });
    assert!(refused(&mut world, "dan", "eve").contains("too often"), "bob and cid may come back");
}

#[test]
fn a_circle_that_new_names_make_is_followed_to_no_end() {
    let mut world = open([need(1, "ann cid")]);
    delegate(&mut world, "ann", "bob").unwrap();
    delegate(&mut world, "bob", "dan").unwrap();
    delegate(&mut world, "dan", "cid").unwrap();
    // Now it is known that dan is ann: ann -> bob -> ann, and ann -> cid.
    world.people.aliases = [(user("dan"), user("ann"))].into();
    assert!(refused(&mut world, "cid", "fay").contains("too often"));
}

#[test]
fn a_delegation_must_be_permitted() {
    let directory = || People {
        delegates: [(user("ann"), [p("group:helpers")].into())].into(),
        groups: [(p("group:helpers"), users("bob").into_iter().collect())].into(),
        known: Some(users("ann bob cid").into_iter().collect()),
        ..People::default()
    };
    for (rule, to, may) in [
        (DelegationRule::Directory, "bob", true),
        (DelegationRule::Directory, "cid", false),
        (DelegationRule::To(users("cid")), "bob", true),
        (DelegationRule::To(users("cid")), "cid", true),
        (DelegationRule::To(vec![p("group:helpers")]), "cid", false),
        (DelegationRule::Forbidden, "bob", false),
    ] {
        let gate = Gate { delegation: rule.clone(), ..gate([need(1, "ann")]) };
        let mut world = World::open(draft(gate), directory());
        assert_eq!(delegate(&mut world, "ann", to).is_ok(), may, "{rule:?} {to}");
    }
    let gate = Gate { delegation: DelegationRule::To(users("bob cid zoe")), ..gate([need(1, "ann")]) };
    let mut request = draft(Gate { excluded: users("cid"), ..gate });
    request.on_behalf_of = Some(user("bob"));
    request.risk = Risk::High;
    let mut world = World::open(request, directory());
    assert!(refused(&mut world, "ann", "bob").contains("on their behalf"));
    assert!(refused(&mut world, "ann", "cid").contains("excludes"));
    assert!(refused(&mut world, "ann", "zoe").contains("knows"));
    assert!(matches!(delegate(&mut world, "bob", "ann"), Err(Refusal::NotAnApprover { .. })));
}

#[test]
fn whoever_has_rejected_keeps_the_seat() {
    let mut world = open([need(1, "ann bob")]);
    world.reject("ann", 1).unwrap();
    assert!(refused(&mut world, "ann", "cid").contains("rejected"));
}

#[test]
fn names_of_one_person_are_one_link() {
    let mut world = open([need(1, "ann")]);
    world.people.aliases = [(user("bob+x"), user("bob"))].into();
    world.act(&user("ann"), Act::Delegate { to: user("bob+x") }, 5).unwrap();
    assert_eq!(world.request.delegations[0].to, user("bob"));
    world.act(&user("bob+x"), world.vote_act(approve()), 6).unwrap();
    assert_eq!(world.decision().by, [user("bob")]);
}
