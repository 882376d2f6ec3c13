//! One session of signatures, for a block or for what a validator says, as one member takes part in it.
//!
//! Seed, nonces and register are in memory alone: a crash ends the round for this member, and no nonce is used
//! again.

use crate::consensus::Statement;
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_keys::{
    Epoch, Fault, Index, Letter, Log, Member, MemoryRegister, Progress, Seed, SessionId, Share, Step, Taken,
    request::{Claim, Phase, Request, Vote},
    sign::{self, Answered, Asked},
};
use sotto_mw::{chain::ChainId, codec::Encode as _, rules::Proposal, votes::VoteKind};
use sotto_party::Identity;
use std::collections::BTreeSet;

/// What a member signs with.
pub(super) struct Signer {
    pub(super) chain: ChainId,
    pub(super) epoch: Epoch,
    pub(super) share: Share,
    pub(super) identity: Identity,
    pub(super) index: Index,
}

impl Signer {
    /// The request for the seal of a block.
    pub(super) fn seal(&self, proposal: &Proposal) -> Request {
        Request::Header { chain: *self.chain.as_bytes(), header: proposal.header.to_bytes() }
    }

    /// The request to say this as a validator.
    pub(super) fn statement(&self, statement: &Statement) -> Request {
        let chain = *self.chain.as_bytes();
        match statement {
            Statement::Vote(vote) => {
                let phase = match vote.kind {
                    VoteKind::Prevote => Phase::Prevote,
                    VoteKind::Precommit => Phase::Precommit,
                };
                let (height, round) = (vote.height.get(), vote.round);
                let header = vote.value.map(|value| *value.as_bytes());
                Request::Vote { chain, vote: Vote { phase, height, round, header } }
            }
            Statement::Proposal(claim) => {
                let (height, round, pol_round) = (claim.height.get(), claim.round, claim.pol_round);
                let header = *claim.value.as_bytes();
                Request::Claim { chain, claim: Claim { height, round, pol_round, header } }
            }
        }
    }
}

/// A round that was asked for, of which it is not judged yet what for.
pub(super) struct Opened {
    log: Log,
    asked: Asked,
    pub(super) bound: bool,
}

impl Opened {
    /// The round of a letter that asks for this.
    ///
    /// # Errors
    /// [`Fault`], if the letter asks for something else, or at another epoch.
    pub(super) fn of(signer: &Signer, letter: Letter, bound: bool, of: &Request) -> Result<Self, Fault> {
        let heading = *letter.heading();
        let mut log = Log::new(signer.epoch.group(), heading.session);
        log.take(letter, signer.epoch.draft()).map_err(|_| Fault::NoPart)?;
        let asked = sign::asked(&signer.epoch, &log)?.ok_or(Fault::NoPart)?;
        if asked.request == *of { Ok(Self { log, asked, bound }) } else { Err(Fault::Request(heading.from)) }
    }

    pub(super) fn by(&self) -> Index {
        self.asked.by
    }
}

/// A round that this member takes part in, for `of`.
pub(super) struct Round<T> {
    log: Log,
    seed: Seed,
    register: MemoryRegister,
    asked: Asked,
    pub(super) bound: bool,
    pub(super) of: T,
    pub(super) until: Duration,
    told: BTreeSet<(Step, Index)>,
}

impl<T> Round<T> {
    /// A round in which this member asks, and the letter that does.
    pub(super) fn ask(
        ask: (&Signer, &Request),
        of: T,
        (bound, until): (bool, Duration),
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, Letter), Fault> {
        let (opened, letter, seed) = opened(ask, bound, rng)?;
        Self::begin(ask.0, opened, (of, until), seed).map(|round| (round, letter))
    }

    /// A round in which this member asks, and only others sign.
    pub(super) fn ask_others(
        ask: (&Signer, &Request),
        of: T,
        until: Duration,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Self, Letter), Fault> {
        let (opened, letter, seed) = opened(ask, false, rng)?;
        Ok((Self::of(opened, (of, until), seed), letter))
    }

    /// Takes part in a round of another member, once it was judged what for.
    pub(super) fn join(
        signer: &Signer,
        opened: Opened,
        of: (T, Duration),
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, Fault> {
        Self::begin(signer, opened, of, seed(rng))
    }

    fn begin(
        signer: &Signer,
        Opened { mut log, asked, bound }: Opened,
        of: (T, Duration),
        seed: Seed,
    ) -> Result<Self, Fault> {
        sign::agree(&member(signer, &seed)?.holding(&signer.epoch, Some(&signer.share)), &mut log, &asked)?;
        Ok(Self::of(Opened { log, asked, bound }, of, seed))
    }

    fn of(Opened { log, asked, bound }: Opened, (of, until): (T, Duration), seed: Seed) -> Self {
        let told = [(Step::Asked, asked.by)].into();
        Self { log, seed, register: MemoryRegister::default(), asked, bound, of, until, told }
    }

    pub(super) fn by(&self) -> Index {
        self.asked.by
    }

    /// Whether a letter is one of this session.
    pub(super) fn is_of(&self, letter: &Letter) -> bool {
        letter.heading().session == self.log.session()
    }

    /// Takes a letter, if it is one of this round; whether it says something new.
    ///
    /// Only the letters that follow the one that asked: a second one would end the session for everybody.
    pub(super) fn take(&mut self, signer: &Signer, letter: Letter) -> bool {
        let heading = *letter.heading();
        let follows = match heading.step {
            Step::Chosen => heading.from == self.asked.by,
            Step::Committed | Step::Signed => true,
            _ => false,
        };
        // One's own letters are here already: in the log the same one changes nothing, and another is a fault.
        // Of another group or not signed: whoever sent it is no member, or altered it.
        let taken = (follows && self.is_of(&letter)).then(|| self.log.take(letter, signer.epoch.draft()));
        matches!(taken, Some(Ok(Taken::New | Taken::Contradicts)))
    }

    /// Goes as far as the letters allow; `candidates` are those of whom the one who asks chooses.
    pub(super) fn advance(
        &mut self,
        signer: &Signer,
        candidates: &[Index],
    ) -> Result<Progress<Answered>, Fault> {
        let holder = member(signer, &self.seed)?.holding(&signer.epoch, Some(&signer.share));
        sign::advance(&holder, &mut self.log, Some(candidates), &mut self.register)
    }

    /// Whether this member's share of the signature is made, and has not left.
    pub(super) fn has_untold_share(&self, me: Index) -> bool {
        let made = self.log.letters().any(|l| place(l) == (Step::Signed, me));
        made && !self.told.contains(&(Step::Signed, me))
    }

    /// The letters to send now: one's own, and with a choice those that it names, for members that lack them.
    pub(super) fn letters_to_tell(&mut self, me: Index) -> Vec<Letter> {
        let chosen = self.log.letters().any(|l| place(l) == (Step::Chosen, me));
        let ours = |l: &&Letter| l.heading().from == me || chosen && l.heading().step == Step::Committed;
        let letters: Vec<Letter> =
            self.log.letters().filter(ours).filter(|l| !self.told.contains(&place(l))).cloned().collect();
        self.told.extend(letters.iter().map(place));
        letters
    }

    /// The members who were chosen and did not sign.
    pub(super) fn silent(&self) -> Vec<Index> {
        let of = |step| self.log.letters().filter(move |l| l.heading().step == step);
        let signed: BTreeSet<Index> = of(Step::Signed).map(|l| l.heading().from).collect();
        // count (1) ‖ members (1 each)
        let chosen = of(Step::Chosen).flat_map(|l| l.body().iter().skip(1)).filter_map(|i| Index::new(*i));
        chosen.filter(|i| !signed.contains(i)).collect()
    }
}

/// A new session that asks, and the letter that does.
fn opened(
    (signer, request): (&Signer, &Request),
    bound: bool,
    rng: &mut dyn CryptoRngCore,
) -> Result<(Opened, Letter, Seed), Fault> {
    let mut session = [0; 32];
    rng.fill_bytes(&mut session);
    let mut log = Log::new(signer.epoch.group(), SessionId::from_bytes(session));
    let seed = seed(rng);
    sign::ask(&member(signer, &seed)?, &signer.epoch, &mut log, request)?;
    let asked = sign::asked(&signer.epoch, &log)?.ok_or(Fault::NoPart)?;
    let letter = log.latest(signer.index).cloned().ok_or(Fault::NoPart)?;
    Ok((Opened { log, asked, bound }, letter, seed))
}

fn place(letter: &Letter) -> (Step, Index) {
    (letter.heading().step, letter.heading().from)
}

fn seed(mut rng: &mut dyn CryptoRngCore) -> Seed {
    Seed::random(&mut rng)
}

fn member<'a>(signer: &'a Signer, seed: &'a Seed) -> Result<Member<'a>, Fault> {
    Member::new(signer.epoch.draft(), &signer.identity, seed).ok_or(Fault::NoPart)
}
