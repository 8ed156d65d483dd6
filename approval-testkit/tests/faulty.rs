//! The suite finds out every faulty store, by the case that is named for the fault.

use std::sync::Arc;

use approval_core::{
    Clock,
    store::{MemoryStore, Store},
};
use approval_testkit::{
    Fault, FaultyStore,
    store_suite::{BoxError, CASES, Case, StoreFactory, StoreHome, Verdict},
};
use async_trait::async_trait;

struct Faulty(Option<Fault>);

#[async_trait]
impl StoreFactory for Faulty {
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
        Ok(Box::new(Self(self.0)))
    }
}

#[async_trait]
impl StoreHome for Faulty {
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
        Ok(Arc::new(FaultyStore::new(Arc::new(MemoryStore::with_clock(clock)), self.0)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_by_its_case() {
    let mut wrong = Vec::new();
    for fault in Fault::ALL {
        let case = Case::named(fault.found_by()).unwrap_or_else(|| panic!("no case for {fault:?}"));
        if let Ok(verdict) = case.run(&Faulty(Some(*fault))).await {
            wrong.push(format!("{fault:?}: {} says {verdict:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "faults that were not found: {wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_a_fault_passes() {
    let mut passed = 0;
    for case in CASES {
        passed += usize::from(case.run(&Faulty(None)).await.unwrap() == Verdict::Passed);
    }
    assert!(passed >= 90, "only {passed} cases were run");
}

#[test]
fn the_names_of_cases_are_unique() {
    let mut names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len());
}
