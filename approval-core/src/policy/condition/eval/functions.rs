//! Functions of conditions.

use jiff::tz::TimeZone;

use super::{Evaluation, Outcome, here, not_applicable};
use crate::{
    clock::Timestamp,
    policy::condition::{
        moment,
        node::{Function, Node},
        number::{Form, Number},
        pattern::Pattern,
        value::{Value, Words},
    },
};

/// What looking up a time zone takes, in steps.
const ZONE_STEPS: u64 = 20;

impl<'v> Evaluation<'v, '_> {
    pub(super) fn matches(&mut self, of: &'v Node, pattern: &Pattern) -> Outcome<Value<'v>> {
        let value = self.value(of)?;
        let Value::Text(text) = &value else { return not_applicable("matches", &[&value]) };
        self.charge(pattern.steps(text))?;
        Ok(Value::Bool(pattern.is_match(text)))
    }

    pub(super) fn call(&mut self, function: Function, handed: &'v [Node]) -> Outcome<Value<'v>> {
        let values: Vec<Value<'v>> = handed.iter().map(|node| self.value(node)).collect::<Outcome<_>>()?;
        match (function, values.as_slice()) {
            (Function::Contains, [Value::Text(text), Value::Text(part)]) => {
                self.charge_bytes(text.len().saturating_add(part.len()))?;
                Ok(Value::Bool(text.contains(&**part)))
            }
            (Function::StartsWith, [Value::Text(text), Value::Text(part)]) => {
                self.charge_bytes(part.len())?;
                Ok(Value::Bool(text.starts_with(&**part)))
            }
            (Function::EndsWith, [Value::Text(text), Value::Text(part)]) => {
                self.charge_bytes(part.len())?;
                Ok(Value::Bool(text.ends_with(&**part)))
            }
            (Function::Size, [value]) => self.size(value),
            (Function::String, [value]) => string(value),
            (Function::Int, [value]) => self.converted("int", value, Form::Int),
            (Function::Uint, [value]) => self.converted("uint", value, Form::Uint),
            (Function::Double, [value]) => self.converted("double", value, Form::Double),
            (Function::Bool, [Value::Bool(is)]) => Ok(Value::Bool(*is)),
            (Function::Bool, [Value::Text(text)]) => match &**text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => here("`bool` was given a text that is neither true nor false"),
            },
            (Function::Dyn, [value]) => Ok(value.clone()),
            (Function::Type, [value]) => Ok(Value::Type(value.type_name())),
            (Function::Timestamp, [Value::Text(text)]) => {
                self.charge_bytes(text.len())?;
                match text.parse::<Timestamp>() {
                    Ok(at) => Ok(Value::Moment(at)),
                    Err(_) => {
                        here("`timestamp` was given a text that is not written as 2026-12-24T18:00:00Z")
                    }
                }
            }
            (Function::Timestamp, [Value::Moment(at)]) => Ok(Value::Moment(*at)),
            (Function::Part(part), [Value::Moment(at), zone @ ..]) => self.part(part, *at, zone),
            (_, values) => not_applicable(name(function), &values.iter().collect::<Vec<_>>()),
        }
    }

    fn part(&mut self, part: moment::Part, at: Timestamp, zone: &[Value<'v>]) -> Outcome<Value<'v>> {
        self.charge(ZONE_STEPS)?;
        let zone = match zone {
            [] => Some(TimeZone::UTC),
            [Value::Text(name)] => {
                self.charge_bytes(name.len())?;
                moment::zone(name)
            }
            other => return not_applicable("a time zone", &other.iter().collect::<Vec<_>>()),
        };
        let Some(zone) = zone else { return here("there is no such time zone") };
        Ok(Value::Number(Number::int(moment::read(part, at, zone))))
    }

    /// `int(x)`, `uint(x)` and `double(x)`. The first two cut a fraction off.
    fn converted(&mut self, name: &str, value: &Value<'v>, form: Form) -> Outcome<Value<'v>> {
        let number = match value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => {
                self.charge_bytes(text.len())?;
                // An integer is written as one.
                Number::parse(text).filter(|number| form == Form::Double || number.form == Form::Int)
            }
            Value::Null
            | Value::Bool(_)
            | Value::Amount(_)
            | Value::Bytes(_)
            | Value::Moment(_)
            | Value::Risk(_)
            | Value::Json(_)
            | Value::List(_)
            | Value::Type(_) => return not_applicable(name, &[value]),
        };
        let Some(number) = number else {
            return here(format!("`{name}` was given a text that is no such number"));
        };
        let whole = number.truncated();
        let fits = match form {
            Form::Double => return Ok(Value::Number(number.with(form))),
            Form::Int => whole.filter(|whole| i64::try_from(*whole).is_ok()),
            Form::Uint => whole.filter(|whole| u64::try_from(*whole).is_ok()),
        };
        fits.map_or_else(
            || here(format!("`{name}` went beyond 64 bits")),
            |whole| Ok(Value::Number(Number::whole(whole, form))),
        )
    }
}

/// `string(x)`.
fn string<'v>(value: &Value<'v>) -> Outcome<Value<'v>> {
    let text = match value {
        Value::Text(text) => return Ok(Value::Text(text.clone())),
        Value::Bool(is) => Some(is.to_string()),
        Value::Number(number) => number.text(),
        Value::Moment(at) => Some(at.to_string()),
        Value::Null
        | Value::Amount(_)
        | Value::Bytes(_)
        | Value::Risk(_)
        | Value::Json(_)
        | Value::List(_)
        | Value::Type(_) => return not_applicable("string", &[value]),
    };
    text.map_or_else(
        || here("`string` was given a number without end"),
        |text| Ok(Value::Text(Words::Made(text.into()))),
    )
}

const fn name(function: Function) -> &'static str {
    match function {
        Function::Contains => "contains",
        Function::StartsWith => "startsWith",
        Function::EndsWith => "endsWith",
        Function::Size => "size",
        Function::String => "string",
        Function::Int => "int",
        Function::Uint => "uint",
        Function::Double => "double",
        Function::Bool => "bool",
        Function::Dyn => "dyn",
        Function::Type => "type",
        Function::Timestamp => "timestamp",
        Function::Part(_) => "a part of the calendar",
    }
}
