use super::*;

/// The mistakes of a text, each without its source lines.
fn mistakes(text: &str) -> Vec<String> {
    let told = read(text).unwrap_err();
    told.lines().filter(|line| line.starts_with("approvals.yaml:")).map(str::to_owned).collect()
}

#[test]
fn all_mistakes_are_told_at_once_with_their_place() {
    let told = mistakes(
        "time_zone: Europe/Berlni
people:
  user:ann@example.com: { hours: offce, slack: ann, digest: noon }
  user:bob@example.com: { email: ann+x@example.com, delegates: user:cat }
  group:x: {}
groups:
  a: [group:b]
  b: [group:a, user:anne@example.com]
on_call:
  pay: { start: tomorrow, turn: 90m, members: [] }
",
    );
    let parts = [
        "1:12: time_zone: there is no time zone `Europe/Berlni`",
        "3:34: people.user:ann@example.com.hours: there are no hours of the name `offce`",
        "3:48: people.user:ann@example.com.slack: Slack id \"ann\" is no member id",
        "3:61: people.user:ann@example.com.digest: time \"noon\" is no time of the day",
        "4:34: people.user:bob@example.com.email: `ann+x@example.com` is user:ann@example.com already",
        "4:64: people.user:bob@example.com.delegates: no person is listed as `user:cat`",
        "5:3: people.group:x: `group:x` is no person",
        "7:3: groups.a: groups contain each other: group:a -> group:b -> group:a",
        "8:16: groups.b[1]: no person is listed as `user:anne@example.com`",
        "10:17: on_call.pay.start: date and time \"tomorrow\" cannot be read",
        "10:33: on_call.pay.turn: is no turn",
        "10:47: on_call.pay.members: no person is on call",
    ];
    for (told, part) in told.iter().zip(parts) {
        assert!(told.contains(part), "{told}\nhas not {part}");
    }
    assert_eq!(told.len(), parts.len(), "{told:#?}");
}

#[test]
fn the_place_of_a_circle_of_stand_ins_is_told_only_where_they_overlap() {
    let text = |until: &str| {
        format!(
            "people:
  user:ann: {{ out_of_office: {{ from: 2026-08-01, until: {until}, stand_in: user:bob }} }}
  user:bob: {{ out_of_office: {{ from: 2026-08-05, until: 2026-08-09, stand_in: user:cat }} }}
  user:cat: {{ out_of_office: {{ from: 2026-08-01, until: 2026-08-20, stand_in: user:ann }} }}
"
        )
    };
    assert!(read(&text("2026-08-04")).is_ok());
    let told = mistakes(&text("2026-08-05"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("2:13: people.user:ann: people stand in for each other"), "{told:?}");
    assert!(
        told[0].ends_with("from 2026-08-05T00:00:00Z: user:ann -> user:bob -> user:cat -> user:ann"),
        "{told:?}"
    );
}

#[test]
fn one_person_cannot_be_listed_as_two() {
    for (one, other) in [
        ("ann@example.com", "Ann@example.com"),
        ("ann@example.com", "ann+2@example.com"),
        ("ann@gmail.com", "a.nn@googlemail.com"),
    ] {
        let told = mistakes(&format!("people:\n  user:{one}:\n  user:{other}:\n"));
        assert!(
            told[0].contains("3:3:") && (told[0].contains("already") || told[0].contains("twice")),
            "{one} {other}: {told:?}"
        );
    }
}

#[test]
fn what_may_be_short_may_be_short() {
    let roster = read("people: { user:ann: , user:bob: {} }").unwrap();
    let (people, until) = roster.people(at("2026-01-04T03:00:00Z"));
    assert_eq!((people.absent.len(), people.stand_ins.len(), until), (0, 0, None));
    assert!(roster.knows(&p("user:ann")) && !roster.knows(&p("group:a")));
    assert_eq!(roster.principals().count(), 2);
}
