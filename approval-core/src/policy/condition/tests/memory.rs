//! What a condition makes takes memory in proportion to its steps. Counted, not timed.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::{call, holds_for};
use crate::policy::condition::{
    eval::{CONDITION_STEPS, Evaluation, Failure},
    node,
    pattern::Patterns,
    scope::Scope,
    value::{Value, Words},
};

/// The bytes of all texts and lists that a value is made of, each allocation once.
fn made(value: &Value<'_>, seen: &mut HashSet<*const u8>) -> usize {
    match value {
        Value::Text(Words::Made(text)) => {
            if seen.insert(text.as_ptr()) {
                text.len() + 16
            } else {
                0
            }
        }
        Value::List(items) => {
            if !seen.insert(items.as_ptr().cast()) {
                return 0;
            }
            let within: usize = items.iter().map(|item| made(item, seen)).sum();
            16 + size_of_val(&**items) + within
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Amount(_)
        | Value::Text(Words::Lent(_))
        | Value::Bytes(_)
        | Value::Moment(_)
        | Value::Risk(_)
        | Value::Json(_)
        | Value::Type(_) => 0,
    }
}

/// The steps that an expression takes, and the bytes of what it makes; only the steps where they are used up.
fn measured(source: &str, arguments: &Json) -> (u64, Option<usize>) {
    let expression =
        cel::parser::PrattParser::new().parse(source).unwrap_or_else(|why| panic!("{source}: {why}"));
    let node = node::lower(expression, &Patterns::new()).unwrap_or_else(|why| panic!("{source}: {why}"));
    let call = call(arguments);
    let call = call.call();
    let scope = Scope::new(&call);
    let mut evaluation = Evaluation::new(&scope, CONDITION_STEPS);
    let value = evaluation.value(&node);
    let steps = CONDITION_STEPS - evaluation.left();
    match value {
        Ok(value) => (steps, Some(made(&value, &mut HashSet::new()))),
        Err(Failure::Whole(_)) => (steps, None),
        Err(Failure::Here(why)) => panic!("{source}: {why}"),
    }
}

fn arguments(texts: usize, elements: usize) -> Json {
    let list: Vec<usize> = (0..elements).collect();
    let map: serde_json::Map<String, Json> = list.iter().map(|n| (format!("key {n}"), json!(n))).collect();
    json!({"t": "t".repeat(texts), "l": list, "m": map, "texts": vec!["u".repeat(100); elements]})
}

const FORMS: &[&str] = &[
    // One text that is made, in many places.
    "[[args.t + args.t]].map(z, args.l.map(x, z[0]))",
    "[args.t + args.t].map(z, args.l.map(x, z))",
    "[args.t + args.t].map(z, args.l.map(x, dyn(z)))",
    "[args.t + args.t].map(z, args.l.map(x, string(z)))",
    "[args.t + args.t].map(z, args.l.map(x, x >= 0 ? z : ''))",
    "[args.t + args.t].map(z, args.l.map(x, [z]))",
    "[args.t + args.t].map(z, args.l.map(x, [z, z] + [z]))",
    "[[args.t + args.t]].map(z, args.l.map(x, z + z))",
    "[args.t + args.t].map(z, args.l.filter(x, z != '').map(y, z))",
    // One that is made anew for each element.
    "args.l.map(x, args.t + args.t)",
    "args.l.map(x, [args.t + args.t])",
    "args.texts.map(t, t + t)",
    "args.texts.map(t, t + t).map(t, t + t).map(t, t + t)",
    "args.m.map(k, k + k)",
    "args.m.map(k, k)",
    "args.l.map(x, string(x))",
    "args.l.map(x, 'a' + string(x)).map(y, [y, y + y])",
    // Lists, in lists and out of lists.
    "args.l.map(x, [])",
    "args.l.map(x, [x, x, x, x])",
    "args.l.map(x, args.l)",
    "args.l.map(x, args.l + args.l)",
    "args.l.map(x, args.l.map(y, [x, y]))",
    "args.l.map(x, args.texts.filter(t, true))",
    "args.l.filter(x, true) + args.l + args.texts",
    "[args.l.map(x, x)].map(z, args.l.map(x, z + z))",
];

#[test]
fn what_a_condition_makes_takes_at_most_16_bytes_a_step() {
    for (texts, elements) in [(15, 200), (66_000, 100), (66_000, 3_000)] {
        let arguments = arguments(texts, elements);
        for source in FORMS {
            let (steps, bytes) = measured(source, &arguments);
            assert!(steps <= CONDITION_STEPS, "{source}: {steps}");
            if let Some(bytes) = bytes {
                let most = usize::try_from(steps).unwrap() * 16 + 64;
                assert!(bytes <= most, "{source}: {bytes} bytes in {steps} steps");
            }
        }
    }
    // What is made anew each time is soon too much, what is made once is not.
    let arguments = arguments(66_000, 5_000);
    assert_eq!(measured("args.l.map(x, args.t + args.t)", &arguments), (CONDITION_STEPS, None));
    let (steps, bytes) = measured("[[args.t + args.t]].map(z, args.l.map(x, z[0]))", &arguments);
    assert!(bytes.is_some() && steps < 100_000, "{steps}");
}

#[test]
fn texts_of_several_lists_are_shared_and_equal() {
    let arguments = arguments(66_000, 5_000);
    for (source, expected) in [
        ("[[args.t + args.t]].exists(z, size(args.l.map(x, z[0])) == 3)", false),
        ("[args.t + args.t].all(z, args.l.map(x, z).all(y, size(y) == 132000) == false)", false),
        ("[args.t + 'a'].exists(z, [z, z][1] == z && [z][0] != args.t)", true),
        ("args.m.map(k, k + '!').exists(k, k == 'key 7!')", true),
    ] {
        let told = holds_for(source, &call(&arguments));
        // The second looks at 132,000 bytes for each of 5,000 elements.
        assert!(told == Ok(expected) || told.is_err_and(|why| why.contains("more work")), "{source}");
    }
}

/// Looking up a long text among keys, in the words for risks, as a time or as a zone takes as long as the text is.
#[test]
fn long_texts_are_charged_wherever_they_are_looked_at() {
    let list: Vec<usize> = (0..20_000).collect();
    let long = "t".repeat(132_000);
    let mut map = serde_json::Map::new();
    map.insert(long.clone(), json!(1));
    let call = call(&json!({"t": long, "l": list, "m": map}));
    for source in [
        "args.l.all(x, args.m[args.t] == 1)",
        "args.l.all(x, args.t in args.m)",
        "args.l.all(x, args.t == args.t)",
        "args.l.all(x, args.t + 'a' > args.t)",
        "args.l.all(x, args.t.endsWith(args.t))",
        "args.l.all(x, size(args.t) > 1)",
        "args.l.exists(x, timestamp(args.t) == now)",
        "args.l.exists(x, now.getHours(args.t) == 1)",
        "args.l.exists(x, int(args.t) == 1)",
    ] {
        let told = holds_for(source, &call);
        assert!(matches!(&told, Err(why) if why.contains("more work")), "{source}: {told:?}");
    }
}
