//! Arguments of a call as values of CEL.

use std::collections::HashMap;

use cel::common::{
    types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString},
    value::Val,
};
use serde_json::Value;

use crate::model::CanonicalJson;

/// From here on a double may stand for an integer that it cannot hold.
const BEYOND_INTEGERS: f64 = 9_223_372_036_854_775_808.0;

/// The arguments as a value. JSON integers become `int`, so that they compare with the numbers of a condition.
pub(super) fn value(arguments: &CanonicalJson) -> Result<Box<dyn Val>, String> {
    let value = arguments.to_value().map_err(|error| format!("the arguments cannot be read: {error}"))?;
    convert(value)
}

fn convert(value: Value) -> Result<Box<dyn Val>, String> {
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(is) => Box::new(CelBool::from(is)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Box::new(CelInt::from(whole)),
            (None, Some(double)) if !number.is_u64() && double.abs() < BEYOND_INTEGERS => {
                Box::new(CelDouble::from(double))
            }
            _ => return Err("the arguments have a number beyond 64 bits".to_owned()),
        },
        Value::String(text) => Box::new(CelString::from(text)),
        Value::Array(items) => {
            let items = items.into_iter().map(convert).collect::<Result<Vec<_>, _>>()?;
            Box::new(CelList::from(items))
        }
        Value::Object(fields) => {
            let field = |(key, value)| Ok((CelMapKey::from(key), convert(value)?));
            let fields = fields.into_iter().map(field).collect::<Result<HashMap<_, _>, String>>()?;
            Box::new(CelMap::from(fields))
        }
    })
}
