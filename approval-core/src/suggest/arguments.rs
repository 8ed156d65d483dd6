//! Which arguments were seen, and conditions that hold for these and no others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{CanonicalJson, Text, visible};

/// So many different texts are named one by one; of more, any text will do.
const TEXTS: usize = 8;
/// Texts that are longer, in bytes, are not named.
const TEXT_LIMIT: usize = 100;
/// How deep objects within arguments are looked into.
const DEPTH: usize = 3;
/// No double beyond stands for one integer alone.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Why nothing is suggested where names of arguments do not fit into a condition.
const NAMES: &str = "its arguments have too many names";
/// Words of CEL that cannot stand behind a dot.
const RESERVED: [&str; 22] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "type",
    "var",
    "void",
    "while",
];

/// The arguments of calls.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    calls: u64,
    /// Whether those of a call could not be read, so that nothing bounds them.
    unreadable: bool,
    /// By the way to it as CEL writes it, as in `args.customer`.
    objects: BTreeMap<String, Object>,
    values: BTreeMap<String, Values>,
}

#[derive(Debug, Default)]
struct Object {
    present: u64,
    keys: BTreeSet<String>,
}

/// What stood in one place.
#[derive(Debug, Default)]
struct Values {
    present: u64,
    /// The object that it stands in.
    parent: String,
    /// Whether `has(…)` can ask for it.
    can_be_asked_for: bool,
    null: bool,
    truths: BTreeSet<bool>,
    whole: Option<(i64, i64)>,
    real: Option<(f64, f64)>,
    texts: BTreeSet<String>,
    /// Why it cannot be bounded.
    unbounded: Option<&'static str>,
}

/// What of the arguments is bounded, and what is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Conditions that must all hold; the first ones are about names.
    pub(super) conditions: Vec<String>,
    /// Ways to what is not bounded, and why.
    pub(super) not_bounded: Vec<String>,
}

impl Arguments {
    /// Looks at the arguments of one more call. `redacted`: ways to what is secret.
    pub(super) fn add(&mut self, arguments: &CanonicalJson, redacted: &[Text]) {
        self.calls = self.calls.saturating_add(1);
        match arguments.to_nearest_value() {
            Ok(value) => self.look("args", "", &value, redacted, 0),
            Err(_) => self.unreadable = true,
        }
    }

    fn look(&mut self, path: &str, plain: &str, value: &Value, redacted: &[Text], depth: usize) {
        let Value::Object(members) = value else { return };
        let object = self.objects.entry(path.to_owned()).or_default();
        object.present = object.present.saturating_add(1);
        object.keys.extend(members.keys().cloned());
        for (key, value) in members {
            let below = below(path, key);
            let plain = if plain.is_empty() { key.clone() } else { format!("{plain}.{key}") };
            let secret = redacted.iter().any(|secret| {
                plain.strip_prefix(&**secret).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            let values = self.values.entry(below.clone()).or_insert_with(|| Values {
                parent: path.to_owned(),
                can_be_asked_for: is_name(key),
                ..Values::default()
            });
            values.present = values.present.saturating_add(1);
            if secret {
                values.unbounded = Some("secret");
            } else if visible_name(key).is_none() {
                values.unbounded = Some("its name has characters that cannot be seen");
            } else if value.is_object() && depth < DEPTH {
                self.look(&below, &plain, value, redacted, depth.saturating_add(1));
            } else {
                values.take(value);
            }
        }
    }

    /// Conditions that hold for all that was seen, as far as they fit into `room` bytes together.
    ///
    /// # Errors
    /// Why nothing bounds the arguments.
    pub(super) fn bounds(&self, room: usize) -> Result<Bounds, &'static str> {
        if self.unreadable {
            return Err("the arguments of a call cannot be read");
        }
        let mut bounds = Bounds::default();
        let mut used = 0_usize;
        for (path, object) in &self.objects {
            if object.present < self.calls {
                continue;
            }
            let condition = object.only_known(path, self).ok_or(NAMES)?;
            used = used.saturating_add(condition.len()).saturating_add(4);
            bounds.conditions.push(condition);
        }
        if used > room {
            return Err(NAMES);
        }
        for (path, values) in &self.values {
            // An object that was looked into is bounded by its members, if it stood there every time.
            let object = self.objects.get(path);
            if object.is_some_and(|object| object.present == self.calls) {
                continue;
            }
            let parent = self.objects.get(&values.parent).is_some_and(|object| object.present == self.calls);
            let bound = if object.is_some() || !parent {
                Err("not in every call")
            } else {
                values.bound(path, values.present < self.calls)
            };
            match bound {
                Ok(condition) if used.saturating_add(condition.len()).saturating_add(4) <= room => {
                    used = used.saturating_add(condition.len()).saturating_add(4);
                    bounds.conditions.push(condition);
                }
                Ok(_) => bounds.not_bounded.push(format!("{path} (no room in the condition)")),
                Err(why) => bounds.not_bounded.push(format!("{path} ({why})")),
            }
        }
        Ok(bounds)
    }
}

impl Object {
    /// An object with all members that were always seen, and none that was never seen. `None`: a name cannot be written.
    /// What else an agent may hand over, it can be evaluated: it does not hold, and the next rule counts.
    fn only_known(&self, path: &str, all: &Arguments) -> Option<String> {
        let is_object = if path == "args" { String::new() } else { format!("type({path}) == map && ") };
        if self.keys.is_empty() {
            return Some(format!("{is_object}size({path}) == 0"));
        }
        let always = |key: &&String| {
            let values = all.values.get(&below(path, key));
            values.is_some_and(|values| values.present == all.calls)
        };
        let list = |keys: &mut dyn Iterator<Item = &String>| {
            let keys: Option<Vec<String>> = keys.map(|key| visible_name(key)).collect();
            keys.map(|keys| keys.join(", "))
        };
        let (known, required) = (list(&mut self.keys.iter())?, list(&mut self.keys.iter().filter(always))?);
        let only_known = format!("{is_object}{path}.all(name, name in [{known}])");
        Some(if known == required {
            format!("{only_known} && size({path}) == {}", self.keys.len())
        } else if required.is_empty() {
            only_known
        } else {
            format!("{only_known} && [{required}].all(name, name in {path})")
        })
    }
}

impl Values {
    fn take(&mut self, value: &Value) {
        match value {
            Value::Null => self.null = true,
            Value::Bool(truth) => {
                self.truths.insert(*truth);
            }
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => {
                    self.whole = Some(
                        self.whole
                            .map_or((whole, whole), |(least, most)| (least.min(whole), most.max(whole))),
                    );
                }
                // An integer beyond 64 bits is not exact either.
                (None, Some(real)) if number.is_f64() && real.abs() < EXACT => {
                    self.real = Some(
                        self.real.map_or((real, real), |(least, most)| (least.min(real), most.max(real))),
                    );
                }
                _ => self.unbounded = Some("numbers that are too large to be exact"),
            },
            Value::String(text) => {
                if text.len() > TEXT_LIMIT || text.contains(visible::is_hidden) {
                    self.unbounded = Some("texts that are long or cannot be seen");
                } else if self.texts.len() <= TEXTS {
                    self.texts.insert(text.clone());
                }
            }
            Value::Array(_) => self.unbounded = Some("lists"),
            Value::Object(_) => self.unbounded = Some("objects within objects"),
        }
    }

    /// A condition that holds for what was seen.
    fn bound(&self, path: &str, may_be_absent: bool) -> Result<String, &'static str> {
        if let Some(why) = self.unbounded {
            return Err(why);
        }
        if may_be_absent && !self.can_be_asked_for {
            return Err("not in every call");
        }
        if self.texts.len() > TEXTS {
            return Err("many texts");
        }
        let mut kinds = Vec::new();
        if !self.truths.is_empty() {
            let truths: Vec<String> = self.truths.iter().map(bool::to_string).collect();
            kinds.push(one_of(path, &truths));
        }
        if let Some((least, most)) = self.numbers()? {
            // Texts cannot be compared with numbers, and what cannot be evaluated would be asked about under this rule.
            let number = if self.real.is_some() { "in [int, double]" } else { "== int" };
            kinds.push(if least == most {
                format!("{path} == {least}")
            } else {
                format!("type({path}) {number} && {path} >= {least} && {path} <= {most}")
            });
        }
        if !self.texts.is_empty() {
            let texts: Vec<String> = self.texts.iter().map(|text| quoted(text)).collect();
            kinds.push(one_of(path, &texts));
        }
        let kind = match kinds.as_slice() {
            [] if self.null => None,
            [kind] => Some(kind),
            _ => return Err("values of several kinds"),
        };
        let absent = may_be_absent.then(|| format!("!has({path})"));
        let null = self.null.then(|| format!("{path} == null"));
        let ways: Vec<&str> =
            [&absent, &null].into_iter().flatten().chain(kind).map(String::as_str).collect();
        Ok(if ways.len() > 1 { format!("({})", ways.join(" || ")) } else { ways.concat() })
    }

    /// The least and the greatest number.
    fn numbers(&self) -> Result<Option<(String, String)>, &'static str> {
        let (least, most) = match (self.whole, self.real) {
            (None, None) => return Ok(None),
            (Some((least, most)), None) => return Ok(Some((least.to_string(), most.to_string()))),
            (None, Some(reals)) => reals,
            (Some((low, high)), Some((least, most))) => {
                let real = |whole: i64| {
                    let real: Option<f64> = whole.to_string().parse().ok();
                    real.filter(|real| real.abs() < EXACT).ok_or("numbers beyond 53 bits")
                };
                (least.min(real(low)?), most.max(real(high)?))
            }
        };
        let text = |real: f64| serde_json::to_string(&real).map_err(|_| "numbers that cannot be written");
        Ok(Some((text(least)?, text(most)?)))
    }
}

fn one_of(path: &str, values: &[String]) -> String {
    match values {
        [value] => format!("{path} == {value}"),
        values => format!("{path} in [{}]", values.join(", ")),
    }
}

/// The way to a member.
fn below(path: &str, key: &str) -> String {
    if is_name(key) { format!("{path}.{key}") } else { format!("{path}[{}]", quoted(key)) }
}

/// Whether a name can stand behind a dot.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&name)
}

fn visible_name(name: &str) -> Option<String> {
    (!name.contains(visible::is_hidden) && name.len() <= TEXT_LIMIT).then(|| quoted(name))
}

/// A text as CEL writes it: JSON's escapes are among CEL's.
pub(super) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::canonical::parse_canonical;

    fn bounds(calls: &[&str], redacted: &[&str], room: usize) -> Option<Bounds> {
        let redacted: Vec<Text> = redacted.iter().map(|path| Text::from(*path)).collect();
        let mut arguments = Arguments::default();
        for call in calls {
            arguments.add(&parse_canonical(call).unwrap(), &redacted);
        }
        arguments.bounds(room).ok()
    }

    fn told(calls: &[&str]) -> (Vec<String>, Vec<String>) {
        let bounds = bounds(calls, &[], 1000).unwrap();
        (bounds.conditions, bounds.not_bounded)
    }

    #[test]
    fn what_was_seen_is_named_and_numbers_have_a_range() {
        let calls = [
            r#"{"cents":5,"rate":0.5,"to":"ann","vip":true,"x":{"in":"a","n":-3}}"#,
            r#"{"cents":9,"rate":2,"to":"bob","vip":true,"x":{"in":"a","n":-3}}"#,
        ];
        let (conditions, rest) = told(&calls);
        assert_eq!(rest, Vec::<String>::new());
        assert_eq!(
            conditions,
            [
                r#"args.all(name, name in ["cents", "rate", "to", "vip", "x"]) && size(args) == 5"#,
                r#"type(args.x) == map && args.x.all(name, name in ["in", "n"]) && size(args.x) == 2"#,
                "type(args.cents) == int && args.cents >= 5 && args.cents <= 9",
                "type(args.rate) in [int, double] && args.rate >= 0.5 && args.rate <= 2.0",
                r#"args.to in ["ann", "bob"]"#,
                "args.vip == true",
                "args.x.n == -3",
                r#"args.x["in"] == "a""#,
            ]
        );
        assert_eq!(told(&["{}", "{}"]).0, ["size(args) == 0"]);
    }

    #[test]
    fn what_may_be_absent_or_null_may_be_so() {
        let (conditions, rest) = told(&[r#"{"a":1,"b":null}"#, r#"{"b":"x"}"#, r#"{"b":null}"#]);
        assert_eq!(
            conditions[1..],
            ["(!has(args.a) || args.a == 1)", r#"(args.b == null || args.b == "x")"#]
        );
        assert!(rest.is_empty());
    }

    #[test]
    fn what_cannot_be_bounded_is_told() {
        let many: Vec<String> = (0..9).map(|n| format!(r#"{{"to":"person {n}"}}"#)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(told(&many).1, ["args.to (many texts)"]);
        assert!(told(&many[..8]).1.is_empty());
        for (calls, why) in [
            (vec![r#"{"a":18446744073709551617}"#], "args.a (numbers that are too large to be exact)"),
            (
                vec![r#"{"a":1}"#, r#"{"a":9223372036854775808}"#],
                "args.a (numbers that are too large to be exact)",
            ),
            (vec![r#"{"a":1e300}"#], "args.a (numbers that are too large to be exact)"),
            (vec![r#"{"a":[1]}"#], "args.a (lists)"),
            (vec![r#"{"a":1}"#, r#"{"a":"x"}"#], "args.a (values of several kinds)"),
            (vec![r#"{"a":"x\u0007"}"#], "args.a (texts that are long or cannot be seen)"),
            (vec![r#"{"a":{"b":1}}"#, "{}"], "args.a (not in every call)"),
            (vec![r#"{"a":{"b":1}}"#, r#"{"a":2}"#], "args.a (not in every call)"),
            (vec![r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#], "args.a.b.c.d (objects within objects)"),
        ] {
            assert!(told(&calls).1.contains(&why.to_owned()), "{calls:?}: {:?}", told(&calls).1);
        }
        let secret = bounds(&[r#"{"card":{"number":"1"},"cents":1}"#], &["card.number"], 1000).unwrap();
        assert_eq!(secret.not_bounded, ["args.card.number (secret)"]);
        assert!(!secret.conditions.join(" ").contains("card.number"));
    }

    #[test]
    fn names_come_first_and_nothing_is_longer_than_there_is_room() {
        let call = [r#"{"a":1,"b":2}"#];
        let names = r#"args.all(name, name in ["a", "b"]) && size(args) == 2"#.len() + 4;
        assert_eq!(bounds(&call, &[], names - 1), None);
        let bounds = bounds(&call, &[], names + "args.a == 1".len() + 4).unwrap();
        assert_eq!(bounds.conditions.len(), 2);
        assert_eq!(bounds.not_bounded, ["args.b (no room in the condition)"]);
    }
}
