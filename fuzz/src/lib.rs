//! One function per decoder and per state machine that takes any bytes.
//!
//! ```text
//! decoder   encode(decode(b)) = b for every b that decodes; what proves something proves the truth
//! machine   bytes as a peer's messages or a disk's files: every answer is right or an error
//! ```
//!
//! A target asserts its property and says whether the bytes were [taken or refused](Verdict). Guaranteed of all: no panic,
//! and memory bounded by the input. The same functions serve libFuzzer (`cargo-fuzz/`), which searches, and the tests of
//! this crate, which replay `seeds/` with a few thousand changes each; how, is in `README.md`.
//!
//! **Reading order**: [`TARGETS`], then `ledger`, `commitments`, `rules`, `wallets`, `slates`, `stores`, `snapshots`, `messages`, `requests`,
//! `circuits`, `frames`, `jobs`, `links`, `sessions`; `fixtures` holds what they are tried against, [`seeds`] makes the seeds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fixture that is wrong must stop")]

mod circuits;
mod commitments;
mod fixtures;
mod frames;
mod jobs;
mod ledger;
mod links;
mod messages;
mod requests;
mod rules;
pub mod seeds;
mod sessions;
mod slates;
mod snapshots;
mod stores;
mod wallets;

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They mean something.
    Accepted,
    /// They do not.
    Refused,
}

impl Verdict {
    fn of(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

/// How much work a target does for an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads the bytes: microseconds, and memory in proportion to the input.
    Decoder,
    /// Runs something on them: milliseconds, and memory of its own.
    Machine,
}

/// A function to be tried with any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: the function's, the libFuzzer program's and the seeds' folder's.
    pub name: &'static str,
    /// How much it does.
    pub kind: Kind,
    /// The function.
    pub run: fn(&[u8]) -> Verdict,
}

macro_rules! targets {
    ($($module:ident { $($kind:ident $name:ident)* })*) => {
        $(pub use $module::{$($name),*};)*

        /// All of them.
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
        Decoder mw_material
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
        Decoder wallet_address
        Decoder wallet_words
        Machine wallet_contents
        Machine wallet_file
    }
    slates { Machine wallet_slates }
    stores {
        Machine node_store
        Machine node_operator
    }
    snapshots { Machine node_snapshot }
    messages { Decoder node_message }
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
        Decoder mpc_job_kept
        Decoder mpc_job_post
        Machine mpc_receipt
        Decoder mpc_budget
        Decoder mpc_rows
    }
    links {
        Decoder link_piece
        Decoder link_meeting
        Decoder link_head
    }
    sessions {
        Machine mpc_garbler
        Machine mpc_evaluator
    }
}
