//! Questions of programs on this machine: a wallet, the command line, whoever watches.
//!
//! No answer depends on the stempool: a submission is answered alike whether it was known, whispered on or told to all.
//! Sealing takes two questions, since the node holds no wallet: what the next block would be, and then its reward.
//!
//! ```text
//! Draft ─▶ height, due        (a wallet makes the reward)        Seal ─▶ propose ─▶ judge ─▶ [`sealing`] ─▶ commit ─▶ told to all
//! ```
//!
//! [`sealing`]: super::sealing

use crate::{
    effect::{Effect, LogEvent, PeerStatus, Refusal, Response, Status},
    engine::{Node, StepContext, StepResult},
    event::{Request, RequestId},
    ledger::{LedgerError, SealingContext, seal_with},
    message::BlockName,
    seal::SealedHeader,
    sealing::SealEvent,
    storage::Files,
};
use sotto_mw::{
    amount::Height,
    kernel::Kernel,
    output::Output,
    state::{ChainView, Unspent},
    trie::Prefix,
};

/// Most unspent outputs in one answer, and most headers.
const MAX_UNSPENT: usize = 1_024;
const MAX_HEADERS: u32 = 2_048;

impl<F: Files> Node<F> {
    pub(crate) fn asked(
        &mut self,
        turn: &mut StepContext<'_>,
        request_id: RequestId,
        request: Request,
    ) -> StepResult {
        let stop = matches!(request, Request::Stop);
        let answer = match self.answer(turn, request_id, request) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(()),
            Err(Refusal::Ledger(LedgerError::Store(e))) => {
                let why = LedgerError::Store(e);
                turn.effects.push(Effect::Respond(request_id, Box::new(Response::Refused(Refusal::Busy))));
                return Err(why);
            }
            Err(why) => Response::Refused(why),
        };
        turn.effects.push(Effect::Respond(request_id, Box::new(answer)));
        if stop {
            self.stop(turn);
        }
        Ok(())
    }

    /// The answer, unless it comes later.
    fn answer(
        &mut self,
        turn: &mut StepContext<'_>,
        request_id: RequestId,
        request: Request,
    ) -> Result<Option<Response>, Refusal> {
        let store = self.ledger.store();
        let failed = |e| Refusal::Ledger(LedgerError::Store(e));
        Ok(Some(match request {
            Request::Status => Response::Status(self.status()),
            Request::Peers => Response::Peers(self.peer_list()),
            Request::Submit(t) => return self.hand_in(request_id, *t),
            Request::Block(h) if h <= store.base() => Response::Block(None),
            Request::Block(h) => Response::Block(store.block(h).map_err(failed)?),
            Request::Headers { first, most } => Response::Headers(self.headers(first, most)?),
            Request::Kernel(e) => Response::Kernel(self.kernels.prove(store, &e).map_err(failed)?),
            Request::Output(c) => Response::Output {
                unspent: store.unspent(&c).map_err(failed)?,
                proof: store.commitments().outputs.prove(&Unspent::key(&c)),
                tip: BlockName::of(store.tip()),
            },
            Request::Unspent(prefix) => self.unspent(prefix)?,
            Request::Draft => self.drafted(turn)?,
            Request::Seal { reward, time } => self.sealed_block(turn, *reward, time)?,
            Request::Connect(address) => {
                self.peers.book.hear(address, address.at.ip());
                Response::Done
            }
            Request::Stop => Response::Done,
        }))
    }

    fn status(&self) -> Status {
        let tip = self.ledger.tip();
        let outbound = self.peers.ready().filter(|(_, p)| p.outbound()).count();
        // Tips of peers are headers that they have shown under their seals.
        let shown = self.peers.ready().filter_map(|(_, p)| p.tip).map(|t| t.height).max();
        let best = shown.max(self.sync.best().map(|best| best.height)).max(self.sync.shortcut.height());
        Status {
            tip: BlockName::of(tip),
            time: tip.time,
            best: best.unwrap_or(tip.height).max(tip.height),
            unspent: tip.output_count,
            kernels: tip.kernel_count,
            pending: self.ledger.mempool().len(),
            pending_weight: self.ledger.mempool().weight(),
            connections: (outbound, self.peers.ready().count() - outbound),
            addresses: self.peers.book.len(),
        }
    }

    fn peer_list(&self) -> Vec<PeerStatus> {
        let all = self.peers.ready().map(|(peer, p)| PeerStatus {
            peer,
            address: p.address(),
            key: p.key,
            outbound: p.outbound(),
            tip: p.tip,
        });
        all.collect()
    }

    fn headers(&self, first: Height, most: u32) -> Result<Vec<SealedHeader>, LedgerError> {
        let store = self.ledger.store();
        let first = first.max(Height::new(1));
        let last = first.plus(most.min(MAX_HEADERS).into()).minus(1).min(store.tip().height);
        let none = most == 0 || last < first;
        Ok(if none { Vec::new() } else { store.sealed_headers(first, last)? })
    }

    fn unspent(&self, prefix: Prefix) -> Result<Response, Refusal> {
        let store = self.ledger.store();
        let chunk = store.chunk(prefix, MAX_UNSPENT).map_err(LedgerError::from)?;
        let (unspent, proof) = chunk.ok_or(Refusal::TooMany { most: MAX_UNSPENT })?;
        Ok(Response::Unspent { unspent, proof, tip: BlockName::of(store.tip()) })
    }

    /// Refuses to build on the tip while a better one was shown under its seal, and is being fetched or has just been heard of.
    fn not_behind(&self, turn: &StepContext<'_>) -> Result<(), Refusal> {
        let ahead = self.sync.ahead(turn.now).filter(|best| *best > self.ledger.tip().height);
        ahead.map_or(Ok(()), |best| Err(Refusal::Behind(best)))
    }

    fn drafted(&mut self, turn: &StepContext<'_>) -> Result<Response, Refusal> {
        self.not_behind(turn)?;
        let draft = self.ledger.draft()?;
        let answer =
            Response::Draft { height: draft.height, due: draft.due, transactions: draft.transactions.len() };
        self.draft = Some(draft);
        Ok(answer)
    }

    fn sealed_block(
        &mut self,
        turn: &mut StepContext<'_>,
        reward: (Output, Kernel),
        time: u64,
    ) -> Result<Response, Refusal> {
        self.not_behind(turn)?;
        let engine = self.operator.as_mut().ok_or(Refusal::NoKey)?;
        let draft = self.draft.as_ref().filter(|d| d.height == self.ledger.tip().height.next());
        let draft = draft.ok_or(Refusal::NoDraft)?;
        let time = time.max(self.ledger.tip().time);
        let proposal = self.ledger.propose(draft, reward, time)?;
        // Judged before it is sealed: a seal under a block that breaks a rule would be held against the operator.
        let judged = self.ledger.judge_proposal(proposal)?;
        let driven = seal_with(
            &mut self.ledger,
            engine,
            SealingContext { now: turn.now, rng: turn.rng },
            SealEvent::Proposed(judged),
        )?;
        let mut answer = Response::Done;
        for (name, pool) in driven.connected {
            self.changed(turn, LogEvent::Connected(name), pool)?;
            answer = Response::Sealed(name);
        }
        Ok(answer)
    }
}
