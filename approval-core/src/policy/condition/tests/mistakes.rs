//! Mistakes are found before there is a call.

use super::{super::*, faults};

#[test]
fn mistakes_are_found_before_there_is_a_call() {
    for (source, part) in [
        ("amont > 100", "unknown variable `amont`"),
        ("args.tags.exists(t, x == 1)", "unknown variable `x`"),
        ("now.getHour() > 8", "unknown function `getHour`"),
        ("now.hour > 8", "has no field `hour`"),
        ("now.getHours(8) > 8", "`getHours` cannot be used like this"),
        ("now.getHours('Europe/Berln') > 8", "no time zone `Europe/Berln`"),
        ("now > timestamp('tomorrow')", "`tomorrow` is no timestamp"),
        ("cost_usd", "is an amount of money, neither true nor false"),
        ("args.cents + 1", "neither true nor false"),
        ("risk > 'hihg'", "`hihg` is no level of risk"),
        ("risk in ['low', 'tiny']", "`tiny` is no level of risk"),
        ("risk in args.levels", "not spelled out"),
        ("action > 5", "compares a text with a whole number"),
        ("action == 5", "compares a text with a whole number"),
        ("cost_usd > '100'", "compares an amount of money with a text"),
        ("100 + cost_usd > 1", "before an amount of money"),
        ("cost_usd + 'x' == cost_usd", "joins an amount of money and a text"),
        ("1 + 'x' == 2", "joins a whole number and a text"),
        ("-action == 'x'", "puts a minus before a text"),
        ("action && true", "`&&` is applied to a text"),
        ("!agent", "`!` is applied to a text"),
        ("action.foo == 1", "has no field `foo`"),
        ("action[0] == 'x'", "takes a part of a text"),
        ("'x' in action", "looks for something in a text"),
        ("agent.matches('(')", "is no regular expression"),
        ("agent.matches(args.pattern)", "a pattern that is not written here"),
        ("[1,2] < [3]", "asks whether a list is less or more"),
        ("{'a': 1} == args", "a map or a message of its own"),
        ("args.a.all(x, x.all(y, y.all(z, z > 1)))", "loops nested deeper"),
        ("args.x ==", "cannot be read"),
        ("args.x === 1", "cannot be read"),
        ("", "is empty"),
        ("args.n > 18446744073709551616.5", "more digits than"),
        ("args.n > 0.12345678901234567", "more digits than"),
        ("args.n == 1e400", "invalid double literal"),
        ("args.n == 1e300", "too many digits"),
    ] {
        let told = faults(source);
        assert!(told.iter().any(|fault| fault.contains(part)), "{source}: {told:?}");
    }
    for fine in [
        "args.n > 0.00000000000012345",
        "args.n > 12345678901.500000000000",
        "args.t == '0.12345678901234567'",
        "args.n > 9007199254740993",
    ] {
        assert_eq!(faults(fine), Vec::<String>::new(), "{fine}");
    }
    assert!(
        faults(&format!("action == '{}'", "x".repeat(CONDITION_LIMIT)))
            .iter()
            .any(|f| f.contains("bytes long"))
    );
}

#[test]
fn faults_point_at_what_they_are_about() {
    for (source, marked) in [
        ("args.amont > 1 && amont > 2", "amont"),
        ("action == 'amont' && amont > 2", "amont"),
        ("risk > 'hihg'", "hihg"),
        ("now.getHours('Mars/Base') > 1", "Mars/Base"),
    ] {
        let fault = Condition::compile(source).unwrap_err().remove(0);
        assert_eq!(source.get(fault.at.clone()), Some(marked));
    }
    assert_eq!(Condition::compile("args.amont > 1 && amont > 2").unwrap_err()[0].at.start, 18);
}
