use std::fmt::{Debug, Display};

use approval_core::{ApprovalError, ApprovalManager, guarded_action};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::support::{approving, arguments, editing, rejecting};

#[guarded_action(name = "generic.types", manager = approvals)]
async fn types<T, E>(approvals: &ApprovalManager, value: T) -> Result<(T, usize), E>
where
    T: Serialize + Clone + Send,
    E: From<ApprovalError> + Debug + Send,
{
    Ok((value, size_of::<T>()))
}

#[guarded_action(name = "generic.constant", manager = approvals)]
async fn constant<const N: usize>(approvals: &ApprovalManager, list: &[u8]) -> Result<[u8; N], String> {
    list.try_into().map_err(|_| format!("not {N} long"))
}

#[guarded_action(name = "generic.lifetimes", manager = approvals)]
async fn lifetimes<'short, 'long: 'short>(
    approvals: &ApprovalManager,
    first: &'long str,
    second: &'short str,
) -> Result<&'short str, ApprovalError> {
    Ok(if first.len() > second.len() { first } else { second })
}

#[guarded_action(name = "generic.arguments", manager = approvals)]
async fn opaque_arguments(
    approvals: &ApprovalManager,
    name: impl AsRef<str> + Serialize,
    show: &(impl Display + Serialize + Sync + ?Sized),
) -> Result<String, ApprovalError> {
    Ok(format!("{} {show}", name.as_ref()))
}

#[guarded_action(name = "generic.returned", manager = approvals)]
async fn opaque_return<'a>(
    approvals: &'a ApprovalManager,
    words: &'a [&'a str],
) -> Result<impl Iterator<Item = &'a str> + 'a, ApprovalError> {
    Ok(words.iter().copied().filter(|word| !word.is_empty()))
}

#[guarded_action(name = "generic.edited", manager = approvals, editable(value))]
async fn edited<T>(approvals: &ApprovalManager, value: T) -> Result<T, ApprovalError>
where
    T: Serialize + DeserializeOwned + JsonSchema + Send,
{
    Ok(value)
}

struct Wrapper<T> {
    inner: T,
    approvals: ApprovalManager,
}

impl<T: Clone + Sync> Wrapper<T> {
    #[guarded_action(name = "generic.method", manager = self.approvals)]
    async fn method<U>(&self, other: Vec<U>) -> Result<(T, Vec<U>), ApprovalError>
    where
        U: Serialize + Send,
    {
        Ok((self.inner.clone(), other))
    }
}

#[tokio::test]
async fn every_kind_of_parameter_is_guarded() {
    let manager = approving();
    assert_eq!(types::<_, String>(&manager, 7_u64).await.unwrap(), (7, 8));
    assert_eq!(constant::<2>(&manager, &[1, 2]).await.unwrap(), [1, 2]);
    assert_eq!(constant::<3>(&manager, &[1, 2]).await, Err("not 3 long".to_owned()));
    assert_eq!(lifetimes(&manager, "long", "short").await.unwrap(), "short");
    assert_eq!(opaque_arguments(&manager, "a", "b").await.unwrap(), "a b".to_owned());
    assert_eq!(opaque_return(&manager, &["a", "", "b"]).await.unwrap().collect::<Vec<_>>(), ["a", "b"]);
    let wrapper = Wrapper { inner: 'c', approvals: (*manager).clone() };
    assert_eq!(wrapper.method(vec![1.5]).await.unwrap(), ('c', vec![1.5]));
    assert_eq!(
        arguments(&manager).await,
        [
            r#"{"first":"long","second":"short"}"#,
            r#"{"list":[1,2]}"#,
            r#"{"list":[1,2]}"#,
            r#"{"name":"a","show":"b"}"#,
            r#"{"other":[1.5]}"#,
            r#"{"value":7}"#,
            r#"{"words":["a","","b"]}"#,
        ]
    );
}

#[tokio::test]
async fn one_definition_serves_every_instance() {
    let manager = approving();
    types::<_, String>(&manager, 1_u8).await.unwrap();
    types::<_, ApprovalError>(&manager, "x").await.unwrap();
    assert_eq!(arguments(&manager).await, [r#"{"value":"x"}"#, r#"{"value":1}"#]);
    assert!(opaque_return(&rejecting("no"), &[]).await.is_err());
}

#[tokio::test]
async fn an_edit_is_checked_against_the_type_of_its_own_instance() {
    assert_eq!(edited(&editing([("value", 2)]), 1_u8).await.unwrap(), 2);
    assert_eq!(edited(&editing([("value", "two")]), "one".to_owned()).await.unwrap(), "two");
    assert_eq!(edited(&editing([("value", 3)]), 1_u8).await.unwrap(), 3);
}
