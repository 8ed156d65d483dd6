//! `all`, `exists`, `exists_one`, `map` and `filter`.

use std::{borrow::Cow, sync::Arc};

use super::{Evaluation, Failure, Items, Outcome, here, not_applicable, shorter};
use crate::{
    model::canonical::Tree,
    policy::condition::{
        node::{Loop, LoopKind, Node},
        number::Number,
        value::{Value, Words},
    },
};

/// What a loop goes through: the elements of a list, the keys of a map.
enum Range<'i, 'v> {
    Items(Items<'i, 'v>),
    Keys(&'v [(Cow<'v, str>, Tree<'v>)]),
}

impl<'v> Range<'_, 'v> {
    const fn len(&self) -> usize {
        match self {
            Range::Items(items) => items.len(),
            Range::Keys(fields) => fields.len(),
        }
    }

    fn get(&self, place: usize) -> Outcome<Value<'v>> {
        match self {
            Range::Items(items) => items.get(place),
            Range::Keys(fields) => match fields.get(place) {
                Some((key, _)) => Ok(Value::Text(Words::Lent(key))),
                None => shorter(),
            },
        }
    }
}

impl<'v> Evaluation<'v, '_> {
    pub(super) fn run_loop(&mut self, of: &'v Loop) -> Outcome<Value<'v>> {
        let through = self.value(&of.range)?;
        let range = match &through {
            Value::Json(Tree::Map(fields)) => Range::Keys(fields),
            Value::Json(Tree::List(_)) | Value::List(_) => Range::Items(Items::of(&through)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Amount(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Moment(_)
            | Value::Risk(_)
            | Value::Json(_)
            | Value::Type(_) => return not_applicable("a loop", &[&through]),
        };
        match &of.kind {
            LoopKind::All(test) => self.fold(&range, test, false),
            LoopKind::Exists(test) => self.fold(&range, test, true),
            LoopKind::ExistsOne(test) => self.count(&range, test),
            LoopKind::Map { only, item } => self.collect(&range, only.as_ref(), item),
        }
    }

    /// Evaluates with the element at a place as the variable of the loop.
    fn with(&mut self, range: &Range<'_, 'v>, place: usize, node: &'v Node) -> Outcome<Value<'v>> {
        self.charge(1)?;
        let item = range.get(place)?;
        self.bound.push(item);
        let value = self.value(node);
        self.bound.pop();
        value
    }

    fn holds(&mut self, range: &Range<'_, 'v>, place: usize, test: &'v Node) -> Outcome<bool> {
        let value = self.with(range, place, test)?;
        if let Value::Bool(is) = value { Ok(is) } else { not_applicable("a loop", &[&value]) }
    }

    /// `all` and `exists`: an element that decides alone does so, whatever became of others.
    fn fold(&mut self, range: &Range<'_, 'v>, test: &'v Node, decides: bool) -> Outcome<Value<'v>> {
        let mut failed = None;
        for place in 0..range.len() {
            match self.holds(range, place, test) {
                Ok(is) if is == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(whole @ Failure::Whole(_)) => return Err(whole),
                Err(here @ Failure::Here(_)) => failed = Some(here),
            }
        }
        failed.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn count(&mut self, range: &Range<'_, 'v>, test: &'v Node) -> Outcome<Value<'v>> {
        let mut count = 0_usize;
        for place in 0..range.len() {
            if self.holds(range, place, test)? {
                count = count.saturating_add(1);
            }
        }
        Ok(Value::Bool(count == 1))
    }

    fn collect(
        &mut self,
        range: &Range<'_, 'v>,
        only: Option<&'v Node>,
        item: &'v Node,
    ) -> Outcome<Value<'v>> {
        let mut items = Vec::new();
        for place in 0..range.len() {
            if let Some(only) = only
                && !self.holds(range, place, only)?
            {
                continue;
            }
            let item = self.with(range, place, item)?;
            self.charge_elements(1)?;
            items.push(item);
        }
        Ok(Value::List(Arc::from(items)))
    }

    /// How many elements or keys there are.
    pub(super) fn size(&mut self, value: &Value<'v>) -> Outcome<Value<'v>> {
        let count = match value {
            Value::Text(text) => {
                self.charge_bytes(text.len())?;
                text.chars().count()
            }
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.len(),
            Value::Json(Tree::List(items)) => items.len(),
            Value::Json(Tree::Map(fields)) => fields.len(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Amount(_)
            | Value::Moment(_)
            | Value::Risk(_)
            | Value::Json(_)
            | Value::Type(_) => return not_applicable("size", &[value]),
        };
        Number::size(count)
            .map_or_else(|| here("`size` went beyond 64 bits"), |count| Ok(Value::Number(count)))
    }
}
