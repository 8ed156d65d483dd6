use approval_core::{ApprovalError, ApprovalManager, HasApprovalManager, guarded_action};

use crate::support::{approving, outcomes, rejecting};

trait Payer: HasApprovalManager {
    async fn pay(&self, cents: u64) -> Result<u64, ApprovalError>;

    #[guarded_action(name = "trait.default")]
    async fn pay_twice(&self, cents: u64) -> Result<u64, ApprovalError>
    where
        Self: Sized,
    {
        Ok(self.pay(cents).await? + self.pay(cents).await?)
    }

    #[guarded_action(name = "trait.sync")]
    fn look(&self) -> Result<u8, ApprovalError> {
        Ok(7)
    }
}

struct Bank(ApprovalManager);

impl HasApprovalManager for Bank {
    fn approval_manager(&self) -> &ApprovalManager {
        &self.0
    }
}

impl Payer for Bank {
    #[guarded_action(name = "trait.implemented")]
    async fn pay(&self, cents: u64) -> Result<u64, ApprovalError> {
        Ok(cents)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_of_traits_are_guarded_where_their_bodies_are() {
    let manager = approving();
    let bank = Bank((*manager).clone());
    assert_eq!(bank.pay_twice(2).await.unwrap(), 4);
    assert_eq!(bank.look().unwrap(), 7);
    assert_eq!(outcomes(&manager).await, ["succeeded"; 4]);
    let rejecting = rejecting("no");
    let bank = Bank((*rejecting).clone());
    assert!(bank.pay(1).await.is_err());
}
