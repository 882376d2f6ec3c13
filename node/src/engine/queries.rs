//! Requests of programs on this machine: a wallet, the command line, a monitor.
//!
//! Of the stempool a response reveals how many transactions it holds, and no more. Sealing takes two requests, since the node holds no wallet: what the
//! next block would be, and then its reward.
//!
//! ```text
//! Draft ─▶ height, due     (a wallet makes the reward)     Seal ─▶ propose ─▶ judge ─▶ [`sealing`] ─▶ commit ─▶ announced
//! ```
//!
//! [`sealing`]: crate::sealing

use super::{
    changes,
    context::{StepContext, StepResult},
    kernels::Kernels,
    opened,
    sealer::Sealer,
};
use crate::{
    effect::{EvidenceStatus, PeerStatus, Refusal, Response, Status, ValidatorStatus},
    event::{Request, RequestId},
    ledger::{Draft, LedgerError, opening::OpenRefused, witness::set_at},
    message::BlockName,
    peer::PeerKey,
    seal::SealedHeader,
    sealing::block_time,
};
use sotto_mw::{
    amount::Height,
    block::Reward,
    chain::RULES_VERSION,
    state::{ChainView, Unspent},
    terms::Terms,
    trie::Prefix,
    validators::ValidatorSet,
};

/// Most unspent outputs in one response, and most headers.
const MAX_UNSPENT: usize = 1_024;
const MAX_HEADERS: u32 = 2_048;
/// Most requests of auditors in one response: each has up to 64 KiB.
const MAX_OPENED: usize = 64;
/// Most changes of the terms in one response: each may hold two sets of validators, of 18 KB.
const MAX_TERMS: usize = 16;

/// What responses need beyond the ledger: the sealing engine, the draft of the next block, and the range over
/// all kernels.
pub(crate) struct Queries {
    sealer: Option<Sealer>,
    draft: Option<Draft>,
    kernels: Kernels,
}

impl Queries {
    pub(crate) fn new(sealer: Option<Sealer>) -> Self {
        Self { sealer, draft: None, kernels: Kernels::default() }
    }

    /// Whether this node seals blocks.
    pub(crate) const fn seals(&self) -> bool {
        self.sealer.is_some()
    }

    /// The engine that seals here.
    pub(crate) const fn sealer(&mut self) -> Option<&mut Sealer> {
        self.sealer.as_mut()
    }

    /// Forgets the draft: the tip has changed.
    pub(crate) fn drop_draft(&mut self) {
        self.draft = None;
    }

    /// Responds to a request.
    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, id: RequestId, request: Request) -> StepResult {
        let stop = matches!(request, Request::Stop);
        let response = match self.respond(ctx, request) {
            Ok(response) => response,
            Err(Refusal::Ledger(LedgerError::Store(e))) => {
                ctx.respond(id, Response::Refused(Refusal::Busy));
                return Err(e.into());
            }
            Err(why) => Response::Refused(why),
        };
        ctx.respond(id, response);
        ctx.stop |= stop;
        Ok(())
    }

    fn respond(&mut self, ctx: &mut StepContext<'_>, request: Request) -> Result<Response, Refusal> {
        let store = ctx.ledger.store();
        let failed = |e| Refusal::Ledger(LedgerError::Store(e));
        Ok(match request {
            Request::Status => Response::Status(status(ctx)),
            Request::Peers => Response::Peers(peer_list(ctx)),
            Request::Block(h) if h <= store.base() => Response::Block(None),
            Request::Block(h) => Response::Block(store.block(h).map_err(failed)?),
            Request::Headers { first, most } => Response::Headers(headers(ctx, first, most)?),
            Request::Kernel(e) => Response::Kernel(self.kernels.prove(store, &e).map_err(failed)?),
            Request::Output(c) => Response::Output {
                unspent: store.unspent(&c).map_err(failed)?,
                proof: store.outputs(&[Unspent::key(&c)]).map_err(failed)?.prove(&Unspent::key(&c)),
                tip: BlockName::of(store.tip()),
            },
            Request::Unspent(prefix) => unspent(ctx, prefix)?,
            Request::Draft => self.make_draft(ctx)?,
            // A validator's is its part's.
            Request::AwaitTurn => return Err(Refusal::NoVoteKey),
            Request::Terms { first, most } => Response::Terms {
                changes: store
                    .terms_changes(first, store.tip().height, MAX_TERMS.min(most as usize))
                    .map_err(failed)?,
                pending: ctx.ledger.changes().all().to_vec(),
            },
            Request::SubmitChange(change) => {
                changes::accept(ctx, None, *change)?;
                Response::Done
            }
            Request::OpenRequest(request) => {
                match opened::accept(ctx, None, *request) {
                    Err(OpenRefused::Store(e)) => return Err(failed(e)),
                    kept => kept?,
                }
                Response::Done
            }
            Request::Opened(after) => Response::Opened(ctx.ledger.requests.after(after, MAX_OPENED)),
            Request::Seal { reward, time } => self.seal(ctx, *reward, time)?,
            Request::Connect(address) => {
                ctx.peers.book.hear(address, address.at.ip());
                Response::Done
            }
            // Transactions go to the relay.
            Request::Submit(_) | Request::Stop => Response::Done,
        })
    }

    fn make_draft(&mut self, ctx: &StepContext<'_>) -> Result<Response, Refusal> {
        ctx.not_behind()?;
        self.sealer.as_mut().map_or(Ok(()), |sealer| sealer.may_draft(ctx))?;
        let draft = ctx.ledger.draft()?;
        let response =
            Response::Draft { height: draft.height, due: draft.due, transactions: draft.transactions.len() };
        self.draft = Some(draft);
        Ok(response)
    }

    fn seal(&mut self, ctx: &mut StepContext<'_>, reward: Reward, time: u64) -> Result<Response, Refusal> {
        ctx.not_behind()?;
        let sealer = self.sealer.as_mut().ok_or(Refusal::NoKey)?;
        let draft = self.draft.as_ref().filter(|d| d.height == ctx.ledger.tip().height.next());
        let draft = draft.ok_or(Refusal::NoDraft)?;
        let time = block_time(ctx.ledger.chain(), ctx.ledger.tip().time, time)?;
        let proposal = ctx.ledger.propose(draft, reward, time)?;
        // Judge before sealing: a seal under a block that breaks a rule is evidence against the operator.
        let judged = ctx.ledger.judge_proposal(proposal)?;
        Ok(sealer.propose(ctx, judged)?)
    }
}

fn status(ctx: &StepContext<'_>) -> Status {
    let tip = ctx.ledger.tip();
    let outbound = ctx.peers.ready().filter(|(_, p)| p.outbound()).count();
    // Tips of peers are headers that they have shown under their seals.
    let shown = ctx.peers.ready().filter_map(|(_, p)| p.tip).map(|t| t.height).max();
    let best = shown.max(ctx.branch.best().map(|best| best.height)).max(ctx.branch.snapshot_height());
    Status {
        tip: BlockName::of(tip),
        time: tip.time,
        best: best.unwrap_or(tip.height).max(tip.height),
        unspent: tip.output_count,
        kernels: tip.kernel_count,
        pending: ctx.ledger.mempool().len(),
        pending_weight: ctx.ledger.mempool().weight(),
        connections: (outbound, ctx.peers.ready().count() - outbound),
        addresses: ctx.peers.book.len(),
        key: ctx.config.key,
        listen: ctx.config.listen,
        stems: ctx.stems,
        dial_failures: ctx.peers.failures.all(ctx.now, &ctx.config.seeds),
        unknown_rules: unknown_rules(ctx.ledger.store().terms(), tip.height.next()),
        validator: ctx.activity.map(|activity| ValidatorStatus { activity, missing: missing(ctx) }),
        evidence: evidence(ctx),
        checkpoint: ctx.ledger.checkpoints().iter().max().map(|c| (*c, ctx.branch.refused)),
    }
}

/// The last validator that said two things, and how many there are.
fn evidence(ctx: &StepContext<'_>) -> Option<(usize, EvidenceStatus)> {
    let all = ctx.ledger.equivocations().all();
    let last = all.last()?;
    let set = set_at(ctx.ledger, last.place().height);
    let named = |set: &ValidatorSet| Some(set.get(set.index_of(last.culprit())?)?.name.to_string());
    let (vote_key, name) = (*last.culprit(), set.and_then(named));
    Some((all.len(), EvidenceStatus { vote_key, name, place: last.place() }))
}

/// The first height under rules that this program does not know, if the terms of the next height announce one.
fn unknown_rules(terms: &Terms, next: Height) -> Option<Height> {
    let announced = terms.announced_rules.filter(|rules| rules.what > RULES_VERSION).map(|rules| rules.from);
    if terms.are_known() { announced } else { Some(next) }
}

/// The names of the other validators of the next height that are not connected.
fn missing(ctx: &StepContext<'_>) -> Vec<String> {
    let set = ctx.ledger.store().terms().sealing.validators();
    let connected = |key: PeerKey| key == ctx.config.key || ctx.peers.ready().any(|(_, p)| p.key == key);
    let missing =
        set.into_iter().flat_map(|set| set.all()).filter(|v| !connected(PeerKey(*v.link_key.as_bytes())));
    missing.map(|v| v.name.to_string()).collect()
}

fn peer_list(ctx: &StepContext<'_>) -> Vec<PeerStatus> {
    let all = ctx.peers.ready().map(|(peer, p)| PeerStatus {
        peer,
        address: p.address(),
        key: p.key,
        outbound: p.outbound(),
        tip: p.tip,
    });
    all.collect()
}

fn headers(ctx: &StepContext<'_>, first: Height, most: u32) -> Result<Vec<SealedHeader>, LedgerError> {
    let store = ctx.ledger.store();
    let first = first.max(Height::new(1));
    let last = first.plus(most.min(MAX_HEADERS).into()).minus(1).min(store.tip().height);
    Ok(if last < first { Vec::new() } else { store.sealed_headers(first, last)? })
}

fn unspent(ctx: &StepContext<'_>, prefix: Prefix) -> Result<Response, Refusal> {
    let store = ctx.ledger.store();
    let chunk = store.chunk(prefix, MAX_UNSPENT).map_err(LedgerError::from)?;
    let (unspent, proof) = chunk.ok_or(Refusal::TooMany { most: MAX_UNSPENT })?;
    Ok(Response::Unspent { unspent, proof, tip: BlockName::of(store.tip()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{terms::Announced, testing::TestChain};

    /// Rules that this program knows are no news; later ones are, from the height at which they begin.
    #[test]
    fn unknown_rules_are_named_from_their_height_on() {
        let chain = TestChain::new(1).chain().clone();
        let (next, from) = (Height::new(7), Height::new(40));
        let found = |rules: u8, announced: Option<u8>| {
            let announced_rules = announced.map(|what| Announced { from, what });
            unknown_rules(&Terms { rules, announced_rules, ..chain.terms().clone() }, next)
        };
        assert_eq!(found(RULES_VERSION, None), None);
        assert_eq!(found(RULES_VERSION - 1, Some(RULES_VERSION)), None);
        assert_eq!(found(RULES_VERSION, Some(RULES_VERSION + 1)), Some(from));
        assert_eq!(found(RULES_VERSION + 1, None), Some(next), "in force");
        assert_eq!(found(RULES_VERSION + 1, Some(RULES_VERSION + 2)), Some(next));
    }
}
