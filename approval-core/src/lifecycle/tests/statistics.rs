//! What a decided request adds to the figures.

use super::*;
use crate::{
    lifecycle::statistics::{Cast, Decided, End, Subject, decided},
    model::{OnTimeout, OutsideHours, Question, StandingArguments, StandingReach, StandingTerms},
};

fn figures(world: &World) -> Decided {
    decided(&world.request).unwrap()
}

#[test]
fn what_is_open_adds_nothing_to_the_figures() {
    let mut world = World::new(gate([need(2, "ann bob")]));
    assert_eq!(decided(&world.request), None);
    world.approve("ann", 1).unwrap();
    assert_eq!(decided(&world.request), None);
}

#[test]
fn each_way_to_end_is_counted_as_what_it_is() {
    let open = || World::new(gate([need(1, "ann")]));
    assert_eq!(figures(&approved()).end, End::Approved);
    let mut rejected = open();
    rejected.reject("ann", 1).unwrap();
    assert_eq!(figures(&rejected).end, End::Rejected);
    let mut expired = open();
    expired.tick(3600).unwrap();
    assert_eq!(figures(&expired).end, End::Expired);
    let mut cancelled = open();
    cancelled.operate(Act::Cancel { reason: None }, 1).unwrap();
    assert_eq!(figures(&cancelled).end, End::Cancelled);
    let silent = Gate { on_timeout: OnTimeout::Approve, ..gate([need(1, "ann")]) };
    let mut silent = World::open(Draft { risk: Risk::Low, ..draft(silent) }, People::default());
    silent.tick(3600).unwrap();
    assert_eq!(figures(&silent).end, End::ApprovedByTimeout);
}

#[test]
fn what_nobody_was_asked_about_is_not_counted_as_an_approval_by_people() {
    let told = World::open(Draft { allowed: true, ..draft(gate([need(1, "ann")])) }, People::default());
    assert_eq!(figures(&told).end, End::Unasked, "a rule let it run");
    let mut first = World::new(gate([need(1, "ann")]));
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    let act = Act::ApproveStanding { digest: first.digest(), note: None, terms };
    let given = first.act(&user("ann"), act, 1).unwrap();
    let standing = [Standing { approval: given.standing[0].approval.clone(), version: 1 }];
    let people = People::default();
    let facts = Facts { standing: &standing, ..facts(&people) };
    let covered = create(draft(gate([need(1, "ann")])), &facts, at(2)).unwrap().request;
    assert_eq!(decided(&covered).unwrap().end, End::Unasked, "a standing approval covered it");
}

#[test]
fn how_long_it_took_is_of_interest_where_people_decided() {
    let by_people: Vec<End> = End::ALL.iter().copied().filter(|end| end.by_people()).collect();
    assert_eq!(by_people, [End::Approved, End::Rejected]);
}

#[test]
fn votes_that_stood_are_counted_with_their_channel_and_time() {
    let mut world = World::new(Gate { veto: 2, ..gate([need(2, "ann bob cid")]) });
    let by_mail = |who: &str, ballot: Ballot| Command {
        actor: user(who),
        via: Some(text("email")),
        operator: false,
        act: Act::Vote { digest: approved().digest(), ballot, note: None },
    };
    world.run(&by_mail("ann", reject()), 20).unwrap();
    world.approve("bob", 30).unwrap();
    world.approve("cid", 50).unwrap();
    let found = figures(&world);
    assert_eq!((found.at, found.after), (at(50), Span::from_secs(50)));
    let votes: Vec<_> = found
        .votes
        .iter()
        .map(|vote| (&*vote.approver, &*vote.channel, vote.cast, vote.after.as_secs()))
        .collect();
    assert_eq!(
        votes,
        [
            ("user:ann", "email", Cast::Rejection, 20),
            ("user:bob", "", Cast::Approval, 30),
            ("user:cid", "", Cast::Approval, 50)
        ]
    );
    // What was voided before did not stand.
    world.request.votes[1].void = true;
    let left: Vec<_> = figures(&world).votes.iter().map(|vote| vote.approver.to_string()).collect();
    assert_eq!(left, ["user:ann", "user:cid"]);
}

#[test]
fn answers_are_counted_as_answers_of_people() {
    let question = Question { text: text("How many?"), schema: text("true"), options: Vec::new(), agree: 1 };
    let asked = Draft { question: Some(Arc::new(question)), ..draft(gate([need(1, "ann")])) };
    let mut world = World::open(asked, People::default());
    world.vote("ann", Ballot::Answer(json("7")), 5).unwrap();
    let found = figures(&world);
    assert_eq!((found.end, found.votes[0].cast), (End::Approved, Cast::Answer));
}

#[test]
fn time_is_counted_from_when_people_work_and_never_below_zero() {
    let queue = Requirement { outside_hours: Some(OutsideHours::Queue), ..need(1, "ann bob") };
    let absent = [(user("ann"), Some(at(500))), (user("bob"), Some(at(500)))].into();
    let queued = World::open(draft(gate([queue])), People { absent, ..People::default() });
    let mut early = queued.clone();
    early.approve("ann", 100).unwrap();
    assert_eq!((figures(&early).after, figures(&early).votes[0].after), (Span::ZERO, Span::ZERO));
    let mut late = queued;
    late.approve("ann", 520).unwrap();
    assert_eq!((figures(&late).at, figures(&late).after), (at(520), Span::from_secs(20)));
}

#[test]
fn requests_are_counted_by_tenant_action_agent_risk_and_present_priority() {
    let mut world = World::new(gate([need(1, "ann")]));
    let before = Subject::of(&world.request);
    assert_eq!(
        (&*before.namespace, &*before.action, &*before.agent),
        ("default", "payments.refund", "agent:worker")
    );
    assert_eq!(before.risk, Risk::Medium);
    let raise =
        Act::Escalate { requirement: 0, to: users("bob"), priority: Some(crate::model::Priority::High) };
    world.operate(raise, 1).unwrap();
    assert_eq!(Subject::of(&world.request), Subject { priority: crate::model::Priority::High, ..before });
}
