//! What no single key can know: whether the keys agree with each other and with the function.

mod function;
mod paths;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use function::self_in;

use crate::attr::Attributes;
use crate::error::Errors;
use crate::function::Function;
use crate::function::parameter::Parameters;
use crate::function::shape::Analysed;

/// Reports every disagreement.
pub(crate) fn check(
    attributes: &Attributes,
    function: &Function,
    parameters: &Parameters,
    analysed: Option<&Analysed>,
    errors: &mut Errors,
) {
    settings::check(attributes, function, errors);
    paths::check(attributes, parameters, errors);
    function::check(attributes, function, parameters, analysed, errors);
}
