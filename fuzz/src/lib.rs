//! Fuzz targets: one function for each decoder and each state machine that reads untrusted bytes.
//!
//! ```text
//! decoder   encode(decode(b)) = b for every b that decodes; a proof that verifies proves a true statement
//! machine   bytes as a peer's messages or a disk's files: every result is right or an error
//! ```
//!
//! A target asserts its property and returns whether the bytes were [accepted or refused](Verdict). No target
//! may panic, and memory must be bounded by the size of the input. libFuzzer (`cargo-fuzz/`) searches with
//! these functions, and the tests of this crate replay `seeds/` with a few thousand mutations each;
//! `README.md` explains how.
//!
//! **Reading order**: [`TARGETS`], then `ledger`, `commitments`, `rules`, `wallets`, `slates`, `stores`,
//! `snapshots`, `messages`, `requests`, `circuits`, `frames`, `jobs`, `keys`, `links`, `sessions`, `transfers`, `tee`;
//! `fixtures` has the values they work on, [`seeds`] makes the seeds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a wrong fixture must stop the program")]

mod circuits;
mod commitments;
mod fixtures;
mod frames;
mod holds;
mod jobs;
mod keys;
mod ledger;
mod links;
mod messages;
mod requests;
mod rules;
mod sales;
pub mod seeds;
mod sessions;
mod slates;
mod snapshots;
mod stores;
mod tee;
mod transfers;
mod wallets;

pub use sotto_mpc::edge::compiler::serve_if_child;

use sotto_mpc::edge::compiler::Compiler;
use std::sync::LazyLock;

/// The compiler of the targets that read sources: a child process, as for every other program.
///
/// It is the running program, so [`serve_if_child`](sotto_mpc::edge::compiler::serve_if_child) must be the first
/// line of `main`; in a test program, which has the harness's `main`, a test named `compiler` consists of it.
fn compiler() -> &'static Compiler {
    static COMPILER: LazyLock<Compiler> = LazyLock::new(|| Compiler::this_test("compiler"));
    &COMPILER
}

/// Whether a target accepted the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are valid.
    Accepted,
    /// They are invalid.
    Refused,
}

impl Verdict {
    fn of(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

/// The cost of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It decodes the bytes: microseconds, and memory in proportion to the input.
    Decoder,
    /// It runs a state machine: milliseconds, and memory of its own.
    Machine,
}

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the function, of the libFuzzer program and of the seeds' folder.
    pub name: &'static str,
    /// Its cost.
    pub kind: Kind,
    /// The function.
    pub run: fn(&[u8]) -> Verdict,
}

macro_rules! targets {
    ($($module:ident { $($kind:ident $name:ident)* })*) => {
        $(pub use $module::{$($name),*};)*

        /// All targets.
        pub const TARGETS: &[Target] =
            &[$($(Target { name: stringify!($name), kind: Kind::$kind, run: $name }),*),*];
    };
}

targets! {
    ledger {
        Decoder mw_transaction
        Decoder mw_block
        Decoder mw_header
        Decoder mw_kernel
        Decoder mw_output
        Decoder mw_unspent
        Decoder mw_rewind_data
        Decoder mw_params
        Decoder mw_field
    }
    commitments {
        Decoder mw_mmr_proof
        Decoder mw_peaks
        Decoder mw_trie_proof
        Decoder mw_chunk
    }
    rules { Machine mw_rules }
    wallets {
        Decoder wallet_bytes
        Decoder wallet_text
        Decoder wallet_invite
        Decoder wallet_response
        Decoder wallet_invoice
        Decoder wallet_payment
        Decoder wallet_encrypted
        Machine wallet_proof
        Machine wallet_output_proof
        Machine wallet_level
        Decoder wallet_audit
        Decoder wallet_address
        Decoder wallet_words
        Decoder wallet_view_key
        Decoder wallet_request
        Decoder wallet_group_request
        Decoder wallet_group_book
        Decoder wallet_group_record
        Machine wallet_contents
        Machine wallet_file
    }
    slates { Machine wallet_slates }
    holds { Machine wallet_hold }
    stores {
        Machine node_store
        Machine node_operator
    }
    snapshots { Machine node_snapshot }
    messages {
        Decoder node_message
        Decoder node_equivocations
        Decoder node_accounts
        Decoder node_opened
        Decoder node_council
        Decoder node_group_votes
    }
    requests {
        Decoder node_request
        Decoder node_response
    }
    circuits {
        Decoder mpc_bristol
        Decoder mpc_bristol_fashion
        Decoder mpc_table
        Machine mpc_language
    }
    frames { Decoder mpc_frames }
    jobs {
        Decoder mpc_job
        Machine mpc_job_file
        Decoder mpc_job_text
        Decoder mpc_run_state
        Decoder mpc_messages
        Machine mpc_evidence
        Machine mpc_receipt
        Decoder mpc_budget
        Decoder mpc_rows
    }
    sales {
        Decoder mpc_offer
        Machine mpc_sale
    }
    keys {
        Decoder keys_draft
        Decoder keys_group
        Decoder keys_letter
        Decoder keys_evidence
        Decoder keys_log
        Decoder keys_shares
        Machine keys_share_file
        Decoder keys_request
        Decoder keys_plan
        Decoder keys_armor
        Decoder keys_box
        Decoder keys_vault_letter
    }
    links {
        Decoder link_message
        Decoder link_request
        Decoder link_head
    }
    sessions {
        Machine mpc_garbler
        Machine mpc_evaluator
    }
    transfers { Machine mpc_expansion }
    tee {
        Decoder tee_evidence
        Decoder tee_bundle
        Decoder tee_policy
        Machine tee_collateral
        Machine tee_report
    }
}
