//! Evaluating a condition, with a budget of steps.

mod functions;
mod loops;

use std::{cmp::Ordering, sync::Arc};

use super::{
    node::{Comparison, Node, Sign},
    number::Number,
    scope::Scope,
    value::{Value, Words, same},
};
use crate::model::canonical::Tree;

/// How much work one condition may make, in steps: about one for each operation, each element of a list that is looked at,
/// each 16 bytes of text, and each 16 bytes of memory. So what it makes takes at most 8 MB while it is evaluated, and lists
/// that grow three times that.
pub(super) const CONDITION_STEPS: u64 = 500_000;
/// How much all conditions that are looked at for one call may make together.
pub(super) const CALL_STEPS: u64 = 2_000_000;

/// What one more element of a list that the condition makes takes, in steps: one for each 16 bytes.
pub(super) const ELEMENT_STEPS: u64 = 4;
const _: () =
    assert!(size_of::<Value<'_>>() <= 64, "an element of a list takes more memory than is charged for it");

/// With how many keys of a map a text is compared at most, about, where it is looked up.
const KEY_LOOKS: usize = 4;

/// What a number with a fraction takes more than another value, in steps.
const FRACTION_STEPS: u64 = 8;

/// Why a condition has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// This part has none. Where the other side of `&&` or `||` decides alone, it does not matter.
    Here(String),
    /// The whole condition has none, whatever else it says: a secret was looked at, or the budget is used up.
    Whole(String),
}

pub(super) type Outcome<T> = Result<T, Failure>;

pub(super) const SECRET: &str = "a value in the arguments is secret: conditions do not see it";

fn here<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Failure::Here(why.into()))
}

fn shorter<T>() -> Outcome<T> {
    here("a list is shorter than that")
}

fn secret<T>() -> Outcome<T> {
    Err(Failure::Whole(SECRET.to_owned()))
}

fn not_applicable<T>(what: &str, to: &[&Value<'_>]) -> Outcome<T> {
    let types: Vec<&str> = to.iter().map(|value| value.type_name()).collect();
    here(format!("`{what}` cannot be applied to {}", types.join(" and ")))
}

/// What stands at a place of the arguments.
pub(super) fn view<'v>(tree: &'v Tree<'v>) -> Outcome<Value<'v>> {
    Ok(match tree {
        Tree::Null => Value::Null,
        Tree::Bool(is) => Value::Bool(*is),
        Tree::Number(text) => match Number::parse(text) {
            Some(number) => Value::Number(number),
            None => return here("a number in the arguments has too many digits to compute with"),
        },
        Tree::Text(text) => Value::Text(Words::Lent(text)),
        Tree::List(_) | Tree::Map(_) => Value::Json(tree),
        Tree::Secret => return secret(),
    })
}

/// One evaluation.
pub(super) struct Evaluation<'v, 'a> {
    scope: &'v Scope<'a>,
    /// Values of the variables of loops, outermost first.
    bound: Vec<Value<'v>>,
    left: u64,
}

impl<'v, 'a> Evaluation<'v, 'a> {
    pub(super) const fn new(scope: &'v Scope<'a>, steps: u64) -> Self {
        Self { scope, bound: Vec::new(), left: steps }
    }

    /// The steps that are left.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    fn charge(&mut self, steps: u64) -> Outcome<()> {
        if let Some(left) = self.left.checked_sub(steps) {
            self.left = left;
            return Ok(());
        }
        self.left = 0;
        Err(Failure::Whole("it takes more work than a condition may make with these arguments".to_owned()))
    }

    /// Charges for going through so many bytes.
    fn charge_bytes(&mut self, bytes: usize) -> Outcome<()> {
        self.charge(u64::try_from(bytes / 16).unwrap_or(u64::MAX))
    }

    /// Charges for elements of a list that the condition makes.
    fn charge_elements(&mut self, count: usize) -> Outcome<()> {
        self.charge(u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(ELEMENT_STEPS))
    }

    /// Charges for a number with a fraction, which takes longer to read, to compute with and to compare.
    fn charge_fraction(&mut self, value: &Value<'_>) -> Outcome<()> {
        match value.number() {
            Some(number) if !number.is_whole() => self.charge(FRACTION_STEPS),
            _ => Ok(()),
        }
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, node: &'v Node) -> Outcome<Value<'v>> {
        self.charge(1)?;
        let value = self.value_of(node)?;
        self.charge_fraction(&value)?;
        Ok(value)
    }

    fn value_of(&mut self, node: &'v Node) -> Outcome<Value<'v>> {
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Text(text) => Ok(Value::Text(Words::Lent(text))),
            Node::Bytes(bytes) => Ok(Value::Bytes(bytes)),
            Node::Variable(variable) => self.scope.variable(*variable),
            Node::Bound(place) => match self.bound.get(*place) {
                Some(value) => Ok(value.clone()),
                None => here("a variable has no value"),
            },
            Node::Field { of, name, test } => self.field(of, name, *test),
            Node::Index(sides) => self.index(sides),
            Node::Conditional(parts) => self.conditional(parts),
            Node::And(sides) => self.connective(sides, false),
            Node::Or(sides) => self.connective(sides, true),
            Node::Not(of) => self.truth(of, "!").map(|is| Value::Bool(!is)),
            Node::Negate(of) => self.negated(of),
            Node::Compare(how, sides) => self.comparison(*how, sides),
            Node::Arithmetic(sign, sides) => self.arithmetic(*sign, sides),
            Node::In(sides) => self.membership(sides),
            Node::List(items) => self.list(items),
            Node::Call(function, handed) => self.call(*function, handed),
            Node::Matches(of, pattern) => self.matches(of, pattern),
            Node::Loop(of) => self.run_loop(of),
        }
    }

    fn truth(&mut self, node: &'v Node, sign: &str) -> Outcome<bool> {
        let value = self.value(node)?;
        if let Value::Bool(is) = value { Ok(is) } else { not_applicable(sign, &[&value]) }
    }

    fn conditional(&mut self, [condition, yes, no]: &'v [Node; 3]) -> Outcome<Value<'v>> {
        let chosen = if self.truth(condition, "?")? { yes } else { no };
        self.value(chosen)
    }

    /// `&&` and `||`: the value that decides alone does so, whatever the other side comes to.
    fn connective(&mut self, [left, right]: &'v [Node; 2], decides: bool) -> Outcome<Value<'v>> {
        let sign = if decides { "||" } else { "&&" };
        let one = match self.truth(left, sign) {
            Err(whole @ Failure::Whole(_)) => return Err(whole),
            Ok(is) if is == decides => return Ok(Value::Bool(decides)),
            undecided => undecided,
        };
        let other = self.truth(right, sign)?;
        if other == decides { Ok(Value::Bool(decides)) } else { one.map(|_| Value::Bool(other)) }
    }

    fn field(&mut self, of: &'v Node, name: &str, test: bool) -> Outcome<Value<'v>> {
        let value = self.value(of)?;
        let Value::Json(Tree::Map(fields)) = value else {
            return not_applicable(&format!(".{name}"), &[&value]);
        };
        match Tree::field(fields, name) {
            Some(Tree::Secret) => secret(),
            found if test => Ok(Value::Bool(found.is_some())),
            Some(found) => view(found),
            None => here(format!("there is no `{name}` in what the call hands over")),
        }
    }

    fn index(&mut self, [of, index]: &'v [Node; 2]) -> Outcome<Value<'v>> {
        let (value, index) = (self.value(of)?, self.value(index)?);
        self.charge_key(&index)?;
        let place = || {
            index
                .number()
                .filter(Number::is_whole)
                .and_then(|number| usize::try_from(number.truncated()?).ok())
        };
        let found = match (&value, &index) {
            (Value::Json(Tree::Map(fields)), Value::Text(key)) => match Tree::field(fields, key) {
                Some(found) => return view(found),
                None => return here("there is no such key in what the call hands over"),
            },
            (Value::Json(Tree::List(items)), Value::Number(_)) => {
                place().and_then(|place| items.get(place)).map(view)
            }
            (Value::List(items), Value::Number(_)) => {
                place().and_then(|place| items.get(place)).map(|item| Ok(item.clone()))
            }
            _ => return not_applicable("[ ]", &[&value, &index]),
        };
        found.unwrap_or_else(shorter)
    }

    fn negated(&mut self, of: &'v Node) -> Outcome<Value<'v>> {
        let value = self.value(of)?;
        let Value::Number(number) = value else { return not_applicable("-", &[&value]) };
        match number.negate() {
            Ok(number) => Ok(Value::Number(number)),
            Err(why) => here(format!("`-` {why}")),
        }
    }

    fn comparison(&mut self, how: Comparison, [left, right]: &'v [Node; 2]) -> Outcome<Value<'v>> {
        let (one, other) = (self.value(left)?, self.value(right)?);
        match how {
            Comparison::Equal => return self.equal(&one, &other).map(Value::Bool),
            Comparison::NotEqual => return self.equal(&one, &other).map(|equal| Value::Bool(!equal)),
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
            }
        }
        self.charge_texts(&one, &other)?;
        let Some(order) = one.order(&other) else { return not_applicable(how.as_str(), &[&one, &other]) };
        Ok(Value::Bool(match how {
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            Comparison::GreaterOrEqual => order != Ordering::Less,
            Comparison::Equal => order == Ordering::Equal,
            Comparison::NotEqual => order != Ordering::Equal,
        }))
    }

    fn charge_texts(&mut self, one: &Value<'_>, other: &Value<'_>) -> Outcome<()> {
        match (one, other) {
            (Value::Text(one), Value::Text(other)) => self.charge_bytes(one.len().min(other.len())),
            _ => Ok(()),
        }
    }

    /// Charges for looking a text up among the keys of a map, which compares it with some of them.
    fn charge_key(&mut self, key: &Value<'_>) -> Outcome<()> {
        if let Value::Text(key) = key {
            self.charge_bytes(key.len().saturating_mul(KEY_LOOKS))
        } else {
            Ok(())
        }
    }

    /// Whether two values are equal. Values of different types are not; a list or a map that holds a secret is never compared.
    fn equal(&mut self, one: &Value<'v>, other: &Value<'v>) -> Outcome<bool> {
        self.charge(1)?;
        for side in [one, other] {
            if let Value::Json(tree) = side {
                self.holds_no_secret(tree)?;
            }
        }
        self.equal_without_secrets(one, other)
    }

    fn equal_without_secrets(&mut self, one: &Value<'v>, other: &Value<'v>) -> Outcome<bool> {
        self.charge(1)?;
        match (one, other) {
            (Value::Json(Tree::Map(one)), Value::Json(Tree::Map(other))) => {
                if one.len() != other.len() {
                    return Ok(false);
                }
                for ((key, value), (other_key, other_value)) in one.iter().zip(other) {
                    self.charge_bytes(key.len())?;
                    if key != other_key || !self.equal_without_secrets(&view(value)?, &view(other_value)?)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Json(Tree::List(_)) | Value::List(_), Value::Json(Tree::List(_)) | Value::List(_)) => {
                let (one, other) = (Items::of(one), Items::of(other));
                if one.len() != other.len() {
                    return Ok(false);
                }
                for place in 0..one.len() {
                    // What a condition put into a list may hold a secret.
                    if !self.equal(&one.get(place)?, &other.get(place)?)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => {
                self.charge_texts(one, other)?;
                self.charge_fraction(one)?;
                self.charge_fraction(other)?;
                Ok(same(one, other))
            }
        }
    }

    /// Refuses what holds a secret, however deep.
    fn holds_no_secret(&mut self, tree: &Tree<'_>) -> Outcome<()> {
        if !self.scope.has_secrets() {
            return Ok(());
        }
        let mut rest = vec![tree];
        while let Some(tree) = rest.pop() {
            self.charge(1)?;
            match tree {
                Tree::Secret => return secret(),
                Tree::List(items) => rest.extend(items),
                Tree::Map(fields) => rest.extend(fields.iter().map(|(_, value)| value)),
                Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
            }
        }
        Ok(())
    }

    fn arithmetic(&mut self, sign: Sign, [left, right]: &'v [Node; 2]) -> Outcome<Value<'v>> {
        let (one, other) = (self.value(left)?, self.value(right)?);
        if sign == Sign::Add
            && let Some(joined) = self.joined(&one, &other)?
        {
            return Ok(joined);
        }
        let (Some(left), Some(right)) = (one.number(), other.number()) else {
            return not_applicable(sign.as_str(), &[&one, &other]);
        };
        let result = match sign {
            Sign::Add => left.add(right),
            Sign::Subtract => left.subtract(right),
            Sign::Multiply => left.multiply(right),
            Sign::Divide => left.divide(right),
            Sign::Modulo => left.remainder(right),
        };
        match result {
            Ok(number) if matches!((&one, &other), (Value::Number(_), Value::Number(_))) => {
                Ok(Value::Number(number))
            }
            Ok(number) => Ok(Value::Amount(number)),
            Err(why) => here(format!("`{}` {why}", sign.as_str())),
        }
    }

    /// What `+` makes of two texts or two lists.
    fn joined(&mut self, one: &Value<'v>, other: &Value<'v>) -> Outcome<Option<Value<'v>>> {
        match (one, other) {
            (Value::Text(one), Value::Text(other)) => {
                self.charge_bytes(one.len().saturating_add(other.len()))?;
                Ok(Some(Value::Text(Words::Made([&**one, &**other].concat().into()))))
            }
            (Value::Json(Tree::List(_)) | Value::List(_), Value::Json(Tree::List(_)) | Value::List(_)) => {
                let (one, other) = (Items::of(one), Items::of(other));
                let length = one.len().saturating_add(other.len());
                self.charge_elements(length)?;
                let mut items = Vec::with_capacity(length);
                for list in [one, other] {
                    for place in 0..list.len() {
                        items.push(list.get(place)?);
                    }
                }
                Ok(Some(Value::List(Arc::from(items))))
            }
            _ => Ok(None),
        }
    }

    fn membership(&mut self, [left, right]: &'v [Node; 2]) -> Outcome<Value<'v>> {
        let (one, among) = (self.value(left)?, self.value(right)?);
        self.charge_key(&one)?;
        match (&one, &among) {
            (Value::Text(key), Value::Json(Tree::Map(fields))) => {
                Ok(Value::Bool(Tree::field(fields, key).is_some()))
            }
            (_, Value::Json(tree @ Tree::List(_))) => {
                self.holds_no_secret(tree)?;
                self.is_among(&one, &Items::of(&among))
            }
            (_, Value::List(_)) => self.is_among(&one, &Items::of(&among)),
            _ => not_applicable("in", &[&one, &among]),
        }
    }

    fn is_among(&mut self, one: &Value<'v>, items: &Items<'_, 'v>) -> Outcome<Value<'v>> {
        for place in 0..items.len() {
            if self.equal(one, &items.get(place)?)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn list(&mut self, items: &'v [Node]) -> Outcome<Value<'v>> {
        self.charge_elements(items.len())?;
        let items: Vec<Value<'v>> = items.iter().map(|item| self.value(item)).collect::<Outcome<_>>()?;
        Ok(Value::List(Arc::from(items)))
    }
}

/// The elements of a list, of the arguments or not. What is no list has none.
enum Items<'i, 'v> {
    Json(&'v [Tree<'v>]),
    Made(&'i [Value<'v>]),
}

impl<'i, 'v> Items<'i, 'v> {
    fn of(list: &'i Value<'v>) -> Self {
        match list {
            Value::Json(Tree::List(items)) => Items::Json(items),
            Value::List(items) => Items::Made(items),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Amount(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Moment(_)
            | Value::Risk(_)
            | Value::Json(_)
            | Value::Type(_) => Items::Made(&[]),
        }
    }

    const fn len(&self) -> usize {
        match self {
            Items::Json(items) => items.len(),
            Items::Made(items) => items.len(),
        }
    }

    fn get(&self, place: usize) -> Outcome<Value<'v>> {
        let found = match self {
            Items::Json(items) => items.get(place).map(view),
            Items::Made(items) => items.get(place).cloned().map(Ok),
        };
        found.unwrap_or_else(shorter)
    }
}
