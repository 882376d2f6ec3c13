//! A validator's ledger: it judges, keeps and connects what [consensus](crate::consensus) asks for.
//!
//! ```text
//! Effect::Judge   ─▶ judge ─▶ Event::Judged           Effect::Draft ─▶ Ledger::draft, propose ─▶ judge ─▶ Event::Drafted
//! Effect::Restore ─▶ restore                          Effect::Commit ─▶ commit ─▶ Event::Connected(tip)
//! ```
//!
//! A proposal that is for another tip, or whose body is not the one that its header names, gets no verdict:
//! neither says anything against the header. What was judged at one tip is dropped when there is another.

use crate::{
    codec::{proposal_bytes, read_proposal},
    consensus::{ProposedBlock, Tip, Verdict},
    ledger::{Ledger, LedgerError, MempoolChange},
};
use sotto_mw::{
    block::Seal,
    error::Rejection,
    hash::Hash,
    rules::{Connected, Proposal, ProposalChange},
    state::ChainView,
    votes::Certificate,
};
use std::collections::BTreeMap;

/// The proposals for the next height that the rules allow at the tip.
#[derive(Debug, Default)]
pub struct JudgedBlocks(BTreeMap<Hash, Connected<ProposalChange>>);

impl JudgedBlocks {
    /// Judges a proposal, and keeps it if it is valid.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn judge(&mut self, ledger: &Ledger, proposal: Proposal) -> Result<Option<Verdict>, LedgerError> {
        let value = proposal.header.hash();
        if let Some(known) = self.get(&value) {
            return Ok(Some(Verdict::Valid(encoded(known))));
        }
        match ledger.judge_proposal(proposal) {
            Ok(judged) => {
                let block = encoded(&judged.get().proposal);
                self.0.insert(value, judged);
                Ok(Some(Verdict::Valid(block)))
            }
            Err(LedgerError::Refused(Rejection::NotNext { .. } | Rejection::BodyHash)) => Ok(None),
            Err(LedgerError::Refused(_)) => Ok(Some(Verdict::Invalid)),
            Err(e) => Err(e),
        }
    }

    /// Judges a block of the log, or of another validator, and keeps it if it is valid.
    ///
    /// # Errors
    /// As [`JudgedBlocks::judge`].
    pub fn restore(
        &mut self,
        ledger: &Ledger,
        block: &ProposedBlock,
    ) -> Result<Option<Verdict>, LedgerError> {
        match read_proposal(&block.bytes) {
            Some(proposal) => self.judge(ledger, proposal),
            None => Ok(None),
        }
    }

    /// A proposal that was judged valid, to send it on.
    #[must_use]
    pub fn get(&self, value: &Hash) -> Option<&Proposal> {
        self.0.get(value).map(|judged| &judged.get().proposal)
    }

    /// The same, as consensus has it.
    #[must_use]
    pub fn block(&self, value: &Hash) -> Option<ProposedBlock> {
        self.get(value).map(encoded)
    }

    /// Connects a proposal that was judged valid, under its certificate, durably; `None` if it was not judged.
    ///
    /// # Errors
    /// As [`Ledger::commit`].
    pub fn commit(
        &mut self,
        ledger: &mut Ledger,
        value: &Hash,
        certificate: Certificate,
    ) -> Result<Option<MempoolChange>, LedgerError> {
        let Some(judged) = self.0.remove(value) else { return Ok(None) };
        self.0.clear();
        ledger.commit(judged, certificate).map(Some)
    }

    /// The tip has moved: what was judged is void.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The tip as consensus wants it; `None` on a chain without validators.
///
/// # Errors
/// When the store cannot answer.
pub fn tip(ledger: &Ledger) -> Result<Option<Tip>, LedgerError> {
    let (header, terms) = (ledger.tip(), ledger.store().terms());
    // A change in the next block takes effect one block later still.
    let after = terms.clone().at(header.height.next().next());
    let (Some(set), Some(set_after)) = (terms.sealing.validators(), after.sealing.validators()) else {
        return Ok(None);
    };
    let certificate = match ledger.store().sealed_header(header.height)?.map(|sealed| sealed.seal) {
        Some(Seal::Certificate(certificate)) => Some(certificate),
        Some(Seal::Operator(_)) | None => None,
    };
    Ok(Some(Tip {
        height: header.height,
        hash: header.hash(),
        time: header.time,
        certificate,
        set: set.clone(),
        set_after: set_after.clone(),
        has_transactions: ledger.mempool().iter().next().is_some() || ledger.due_change().is_some(),
    }))
}

/// Whether the bytes of a block decode.
#[must_use]
pub fn reads(block: &ProposedBlock) -> bool {
    read_proposal(&block.bytes).is_some()
}

fn encoded(proposal: &Proposal) -> ProposedBlock {
    let bytes = proposal_bytes(proposal).into();
    ProposedBlock { value: proposal.header.hash(), time: proposal.header.time, bytes }
}
