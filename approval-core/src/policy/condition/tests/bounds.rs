//! What a condition may cost: steps, patterns, depth.

use std::thread;

use serde_json::json;

use super::{super::*, call, faults, holds_for};

/// Counted, not timed: the same in every build. (That it is also quick enough shows in the time of the test.)
#[test]
fn a_condition_makes_no_more_steps_than_it_may() {
    let numbers: Vec<u32> = (0..20_000).collect();
    let long = "a".repeat(150_000);
    let texts = vec!["a".repeat(1000); 150];
    let fractions: Vec<f64> = (1..20_000).map(|n| 1.0 / f64::from(n * 3)).collect();
    let arguments = json!({ "fractions": fractions, "list": numbers, "texts": texts, "long": long, "deep": {"list": numbers}, "other": numbers});
    let call = call(&arguments);
    for source in [
        "args.list.exists(x, args.list.exists(y, x == y + 30000))",
        "args.list.exists(x, x + 1 in args.list && x < 0)",
        "args.list.map(x, args.list) == args.list.map(x, args.list)",
        "args.list.all(x, args.deep == args.deep)",
        "args.list.all(x, args.list + args.list != [])",
        "args.list.all(x, args.long.contains('b') == false)",
        "args.list.all(x, args.long + args.long != args.long)",
        "args.list.all(x, size(args.long) > 1)",
        "args.list.all(x, !args.long.matches('(a|b|c)*d'))",
        "args.list.all(x, args.texts.all(t, !t.matches('[a-y]{1,50}z')))",
        "args.list.filter(x, args.list.exists_one(y, y == x)) == args.list",
        "args.list.all(x, args.other == args.list)",
        "args.list.all(x, 'b' in args.texts == false)",
        "args.fractions.exists(x, args.fractions.exists(y, x * y > 1))",
        "args.fractions.exists(x, 0.3 in args.fractions)",
        // Nothing beside it decides.
        "args.list.exists(x, args.list.exists(y, x == y + 30000)) || true",
    ] {
        let told = holds_for(source, &call);
        assert!(
            matches!(&told, Err(why) if why.contains("more work than a condition may make")),
            "{source}: {told:?}"
        );
    }
    for source in [
        "args.list.all(x, x >= 0 && x < 20000)",
        "args.list.map(x, x * 2).exists(x, x == 39998)",
        "19999 in args.list",
        "args.other == args.list",
        "args.fractions.all(x, x < 1)",
        "args.texts.all(t, t.size() == 1000 && !t.matches('z$'))",
        "size(args.long) == 150000 && !args.long.contains('b')",
    ] {
        assert_eq!(holds_for(source, &call), Ok(true), "{source}");
    }
}

#[test]
fn all_conditions_of_a_call_share_a_budget() {
    let numbers: Vec<u32> = (0..50_000).collect();
    let call = call(&json!({ "list": numbers }));
    let condition = Condition::compile("args.list.all(x, x >= 0)").unwrap();
    let call = call.call();
    let scope = Scope::new(&call);
    let held = (0..100).take_while(|_| condition.holds(&scope) == Ok(true)).count();
    // Each goes through 50,000 elements in four to eight steps.
    assert!((5..=10).contains(&held), "{held}");
    assert!(Condition::compile("true").unwrap().holds(&scope).is_err(), "nothing is left");
    assert_eq!(Condition::compile("true").unwrap().holds(&Scope::new(&call)), Ok(true));
}

#[test]
fn patterns_are_bounded_when_they_are_compiled() {
    for pattern in [
        "(?:a{1,100}){1,100}b",
        "((a{0,50}){0,50}){0,50}",
        r"\w{1000}",
        "(?i)[a-z]{30000}",
        &format!("{}a{}", "(".repeat(40), ")".repeat(40)),
    ] {
        let told = faults(&format!("action.matches(r'{pattern}')"));
        let refused = |fault: &String| fault.contains("when it is compiled") || fault.contains("nest");
        assert!(told.iter().any(refused), "{pattern}: {told:?}");
    }
    for pattern in
        [r"^[a-z]+\.[a-z_]+$", r"^\w+([.+-]\w+)*@\w+\.[a-z]{2,20}$", "(?i)^(prod|production)-.*", "a{1,100}b"]
    {
        assert_eq!(faults(&format!("action.matches(r'{pattern}')")), Vec::<String>::new(), "{pattern}");
    }
}

/// Deep expressions are refused, and whatever is accepted is evaluated on a small stack.
#[test]
fn no_condition_overflows_the_stack() {
    let deep = |n: usize| {
        vec![
            format!("{}args.ok{}", "(".repeat(n), ")".repeat(n)),
            format!("{}args.ok", "!".repeat(n)),
            format!("args.ok{}", " && args.ok".repeat(n)),
            format!("args.n{} > 1", "+ 1".repeat(n)),
            format!("args{}", ".a".repeat(n)),
            format!("args{} == 1", "[0]".repeat(n)),
            format!("args.ok{}", " ? args.ok : args.ok".repeat(n / 3)),
            format!("{}1{} == [1]", "[".repeat(n), "]".repeat(n)),
            format!("{}1{} == 1", "int(".repeat(n), ")".repeat(n)),
            format!("args.x{} == 'a'", ".dyn()".repeat(n)),
            format!("args.x{}", "-".repeat(n)),
        ]
    };
    let check = move || {
        let arguments = json!({"ok": true, "n": 1, "x": "x", "a": {"a": {"a": 1}}});
        let call = call(&arguments);
        let mut accepted = 0;
        for n in [1, 5, 10, 20, 30, 50, 90, 150, 300, 1000] {
            for source in deep(n) {
                if let Ok(condition) = Condition::compile(&source) {
                    accepted += 1;
                    let call = call.call();
                    let scope = Scope::new(&call);
                    drop(condition.holds(&scope));
                }
            }
        }
        accepted
    };
    let accepted = thread::Builder::new().stack_size(256 * 1024).spawn(check).unwrap().join().unwrap();
    assert!(accepted > 30, "{accepted}");
}
