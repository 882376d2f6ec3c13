//! Messages of other validators: counted before they are decoded, verified before they are fed to the core.

use super::{
    engine::{AtHeight, Engine, Stage},
    event::{Effect, StepContext},
    log::Entry,
    message::Message,
    table::{Forged, Taken},
};
use crate::token_bucket::TokenBucket;
use sotto_mw::{
    codec::Decode,
    validators::LinkKey,
    votes::{SignedProposal, SignedVote},
};

/// What is to be fed, when a message was taken.
#[allow(clippy::large_enum_variant, reason = "moved once")]
enum Feed {
    Nothing,
    Claim(SignedProposal),
    Entry(Entry),
    Round(super::message::RoundCertificate),
}

impl Engine {
    pub(super) fn on_heard(&mut self, ctx: &mut StepContext<'_>, from: LinkKey, bytes: &[u8]) {
        let Some(at) = &self.at else { return };
        let is_member = at.table.place_of(&from).or(at.next.place_of(&from)).is_some();
        if !is_member || self.banned.get(&from).is_some_and(|until| ctx.now < *until) {
            return;
        }
        let budget =
            self.budgets.entry(from).or_insert_with(|| TokenBucket::new(super::limits::BUDGET, ctx.now));
        if !budget.take(ctx.now, bytes.len() as u64) {
            return;
        }
        let heard = Message::from_bytes(bytes).map_err(|_| Forged);
        if heard.and_then(|message| self.hear(ctx, &from, message)).is_err() {
            self.banned.insert(from, ctx.now + super::limits::BAN);
            self.outbox.put(Effect::Disconnect(from));
        }
    }

    fn hear(&mut self, ctx: &mut StepContext<'_>, from: &LinkKey, message: Message) -> Result<(), Forged> {
        let Some(at) = &mut self.at else { return Ok(()) };
        let (height, early) = (message.height(), message.height() == at.next.height());
        if !early && height != at.height() {
            return Ok(());
        }
        let last_round = if early { super::limits::ROUNDS_EARLY - 1 } else { at.last_round() };
        let table = if early { &mut at.next } else { &mut at.table };
        // Known by a set that is not this height's: nothing of this height is its business.
        let Some(place) = table.place_of(from) else { return Ok(()) };
        let mut feed = Feed::Nothing;
        let taken = match &message {
            Message::Proposal { claim, signature } if claim.round <= last_round => {
                let taken = table.take_claim(Some(place), (*claim, ctx.clock), *signature)?;
                let turn = table.set().proposer(self.setup.chain.id(), height, claim.round);
                if let Some(proposer) = table.set().get(turn).map(|v| v.vote_key) {
                    feed = Feed::Claim(SignedProposal { claim: *claim, proposer, signature: *signature });
                }
                taken
            }
            Message::Vote { vote, place: author, signature } if vote.round <= last_round => {
                let author = usize::from(*author);
                let taken = table.take_vote(Some(place), *vote, author, *signature)?;
                if let Some(voter) = table.set().get(author).map(|v| v.vote_key) {
                    feed = Feed::Entry(Entry::Vote(SignedVote { vote: *vote, voter, signature: *signature }));
                }
                taken
            }
            Message::Polka { value, certificate, .. } if !early => {
                feed = Feed::Entry(Entry::Polka { value: *value, certificate: certificate.clone() });
                table.take_polka(*value, certificate)?
            }
            Message::Round(certificate) if !early => {
                feed = Feed::Round(certificate.clone());
                table.take_round(certificate)?
            }
            Message::Have { round, kind, holders, .. } if !early && holders.of() == table.set().count() => {
                let missing = table.missing(ctx.now, place, *round, (*kind, *holders));
                // Own votes may be among them, which leave when they are on disk and not before.
                for message in missing {
                    self.outbox.put_written(Effect::Send { to: vec![*from], message });
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        match taken {
            Taken::Known => return Ok(()),
            Taken::Evidence(evidence) => {
                self.outbox.put(Effect::Report(evidence));
                // A certificate counts all the same; of two votes or proposals the first does.
                if matches!(message, Message::Proposal { .. } | Message::Vote { .. }) {
                    return Ok(());
                }
            }
            Taken::New(to) if !to.is_empty() => self.outbox.put(Effect::Send { to, message }),
            Taken::New(_) => {}
        }
        if !early {
            self.feed(ctx, feed);
        }
        Ok(())
    }

    fn feed(&mut self, ctx: &mut StepContext<'_>, feed: Feed) {
        match feed {
            Feed::Claim(claim) => self.hold_claim(claim, ctx.clock),
            Feed::Entry(entry) => self.drive(ctx, |core, signer| core.feed(&entry, signer)),
            Feed::Round(certificate) => self.drive(ctx, |core, signer| core.enter(&certificate, signer)),
            Feed::Nothing => {}
        }
        self.feed_proposals(ctx);
        if let Some(AtHeight { stage: Stage::Waiting(wait), table, .. }) = &mut self.at
            && table.has_begun()
        {
            wait.on_begun(ctx.now);
            if wait.end() <= ctx.now {
                self.start(ctx);
            }
        }
    }
}
