//! What is redacted is not seen.

use serde_json::{Value, json};

use super::{call, holds_for, text};
use crate::{
    model::{ActionInfo, canonical},
    policy::tests::TestCall,
};

/// A call with these arguments, of which these are secret.
fn with_secrets(arguments: &Value, paths: &[&str]) -> TestCall {
    let mut with_secret = call(&json!({}));
    let mut info = ActionInfo::clone(&with_secret.0.action);
    info.redacted.extend(paths.iter().map(|path| (*path).into()));
    with_secret.0.action = std::sync::Arc::new(info);
    let key = canonical::DigestKey::new("key", [7; 32]).unwrap();
    let value = canonical::to_canonical(arguments).unwrap();
    let paths: Vec<canonical::FieldPath> = paths.iter().map(|path| path.parse().unwrap()).collect();
    with_secret.0.arguments = canonical::redact(&value, &paths, &key).unwrap().bound;
    with_secret
}

#[test]
fn secrets_are_not_seen() {
    let call = with_secrets(
        &json!({
            "token": "abc", "cents": 5, "card": {"number": "4111", "name": "Ann", "also": {"pin": "1"}},
            "list": ["a", "b"], "rows": [{"id": 1, "key": "k"}, {"id": 2, "key": "l"}], "copy": {"number": "4111"},
            "name": "token",
        }),
        &["token", "card.number", "card.also.pin", "list[*]", "rows[*].key"],
    );
    for source in [
        // By name.
        "args.token == 'abc'",
        "args['token'] != 'x'",
        "args.token.size() > 1",
        "has(args.token)",
        "args.card.number.startsWith('4')",
        "args.card['number'] == '4111'",
        "args.cents == 5 || args.token == 'abc'",
        "args.list[0] == 'a'",
        "args.rows[1].key == 'l'",
        // By an index that is worked out.
        "args[args.name] == 'abc'",
        "args['to' + 'ken'] == 'abc'",
        "args.card['num' + 'ber'] != ''",
        "args.list[size(args.rows) - 1] == 'b'",
        "args.rows[int('0')]['k' + 'ey'] == 'k'",
        // In loops.
        "args.all(k, args[k] != 'zzz')",
        "args.exists(k, args[k] == 5)",
        "args.list.exists(x, x == 'a')",
        "args.list.all(x, x != 'zzz')",
        "args.list.filter(x, true) == []",
        "args.list.exists_one(x, x == 'a')",
        "args.rows.exists(row, row.key == 'k')",
        "args.card.exists(k, size(args.card[k]) == 99)",
        "args.rows.all(row, row.all(k, row[k] != 'zzz'))",
        "args.rows.exists(row, row.id == 1 && has(row.key))",
        // By what contains it.
        "args == args",
        "args.card != args.copy",
        "args.copy == args.card",
        "[args.card] == [args.copy]",
        "args.card in [args.copy]",
        "args.copy in [args.card]",
        "'a' in args.list",
        "args.copy in args.rows",
        "args.rows.map(row, row) == args.rows",
        // By its type or as another one.
        "type(args.token) == string",
        "string(args.token) == 'abc'",
        "dyn(args.token) == 'abc'",
        "args[args.name].matches('a.c')",
        "size(args[args.name]) == 3",
        "args[args.name].size() == 1",
        "size(args.list[0]) == 1",
        // Nothing beside it decides.
        "args.cents == 5 || args[args.name] == 'abc'",
        "args[args.name] == 'abc' || args.cents == 5",
        "!(args.cents == 6 && args[args.name] == 'abc') && args.list.exists(x, x == 'a')",
    ] {
        if source == "args.cents == 5 || args[args.name] == 'abc'" {
            // It is not reached.
            assert_eq!(holds_for(source, &call), Ok(true), "{source}");
            continue;
        }
        let told = holds_for(source, &call);
        assert!(
            matches!(&told, Err(why) if why.contains("secret: conditions do not see it")),
            "{source}: {told:?}"
        );
    }
    for source in [
        "args.cents == 5",
        "args.card.name == 'Ann'",
        "args.card['na' + 'me'] == 'Ann'",
        "args.rows.all(row, row.id > 0)",
        "args.rows.exists(row, row.id == 2)",
        "size(args.rows) == 2",
        "'cents' in args && 'name' in args.card",
        "has(args.card.name) && !has(args.other)",
        "args.copy == args.copy && args.copy.number == '4111'",
        "type(args.card) == map",
        // People are told that there is a secret: how it is called is none.
        "size(args) == 7 && size(args.list) == 2",
        "args.card.all(k, k in ['number', 'name', 'also']) && 'number' in args.card",
    ] {
        assert_eq!(holds_for(source, &call), Ok(true), "{source}");
    }
    // What only looks like one is seen.
    let plain = text(r#"{"x":{"$redacted":"hmac-sha256:k:00"},"token":"abc"}"#);
    assert_eq!(holds_for("args.token == 'abc' && size(args.x) == 1 && args == args", &plain), Ok(true));
}
