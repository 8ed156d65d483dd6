//! Seals over the audit trail, and how an edit is found a year later.
//!
//! `cargo run --example audit_trail`

use std::{error::Error, sync::Arc};

use approval_core::{
    Action, ApprovalError, ApprovalManager,
    audit::{Ed25519Keys, Ed25519Signer, Exporter, FileSink, Sealing, VerifyOptions, verify_file},
    notify::HandlerReply,
};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::tempdir()?;
    // In earnest: a file on another machine or a write-once bucket, and a key that the database's administrator has not.
    let elsewhere = folder.path().join("seals.jsonl");
    let signer = Ed25519Signer::generate()?;
    let public = signer.public_pem()?;

    let file = folder.path().join("approvals.db");
    let store = approval_store::from_env(&format!("sqlite:{}", file.display())).await?;
    let manager = ApprovalManager::builder()
        .shared_store(Arc::clone(&store))
        .handler(async |_| Ok(HandlerReply::Reject("too much".to_owned())))
        .seal(Sealing::new().signer(signer).sink(FileSink::new(&elsewhere)))
        .build()?;
    let refund = Action::new("payments.refund")?
        .describe(|action| action.approvers(["user:ann@example.com"]))?
        .arguments(&json!({ "cents": 90_000 }))?;
    let refused = manager.guard(refund).run(async |_, _| Ok::<_, ApprovalError>("refunded".to_owned())).await;
    println!("the agent hears: {}", refused.unwrap_or_else(|error| error.stop_reason().to_string()));
    // Seals are made every minute or so, and when a manager shuts down.
    manager.shutdown().await?;

    let mut trail = String::new();
    let mut exporter = Exporter::new(&*store);
    while let Some(page) = exporter.next().await? {
        trail.push_str(&page);
    }

    let options = VerifyOptions {
        keys: Some(Arc::new(Ed25519Keys::new().with_pem(&public)?)),
        held: FileSink::read(&elsewhere)?,
        ..VerifyOptions::default()
    };
    let report = verify_file(trail.as_bytes(), options.clone())??;
    println!("sound: {} events, {} not sealed", report.events, report.unsealed);

    let edited = trail.replace("too much", "fine, go");
    match verify_file(edited.as_bytes(), options)? {
        Ok(_) => println!("nobody noticed"),
        // The beginning of it, without the id of the request, which is another each time.
        Err(breach) => {
            println!("found: {}", breach.to_string().split(" of the history").next().unwrap_or_default());
        }
    }
    Ok(())
}
