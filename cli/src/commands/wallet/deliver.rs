//! `sotto wallet send --to-listener` and `pay --to-listener`: a payment in one command.
//!
//! ```text
//! send   invite ─▶ channel ─▶ response ─▶ finalize ─▶ submit
//! pay    payment ─▶ channel ─▶ accepted; the receiver submits it
//! ```
//!
//! The channel proves the listener's key; the invite itself is signed by the payer's address. Nothing more is
//! signed before the listener has answered, so a payment that it refuses, or that does not reach it, is
//! cancelled for free. The chain is not kept open while the other side works.

use super::{
    command::WalletCommand,
    listen::{Answer, PURPOSE, read_answer, write_delivery},
};
use crate::{
    bridge::hex,
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
};
use core::time::Duration;
use rand_core::{OsRng, RngCore as _};
use serde_json::json;
use sotto_link::{
    Identity, PeerKey,
    pinned::{ChannelConfig, LinkError, Timeouts, connect},
};
use sotto_wallet::{
    Wallet,
    edge::file::WalletFile,
    encrypt::Privacy,
    keys::Account,
    listener::ACCEPTED,
    slate::{Invite, Payment, Response},
};

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(10),
    handshake: Duration::from_secs(10),
    idle: Duration::from_secs(70),
    total: Duration::from_secs(90),
};

/// Where a wallet listens: KEY@HOST:PORT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenerAddress {
    key: PeerKey,
    host: String,
}

impl ListenerAddress {
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let wrong = |why: &str| {
            Failure::coded(ErrorCode::Usage, format!("invalid address of a listener `{text}`"))
                .why(why)
                .help("write KEY@HOST:PORT, as `sotto wallet listen` prints it")
        };
        let (key, host) = text.split_once('@').ok_or_else(|| wrong("it has no `@`"))?;
        let key = key.parse().map_err(|_| wrong("the part before `@` is not a key"))?;
        let (name, port) = host.rsplit_once(':').ok_or_else(|| wrong("it has no port"))?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0);
        if name.is_empty() || port.is_none() {
            return Err(wrong("the part after `@` is not a host and a port"));
        }
        Ok(Self { key, host: host.to_owned() })
    }

    /// Delivers a text, and returns the reply.
    ///
    /// The channel's key is new each time: the listener knows the payer by its address.
    fn deliver(&self, text: &str) -> Outcome<String> {
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        OsRng.fill_bytes(&mut *seed);
        let us = Identity::from_seed(&seed);
        let unreachable = |e: &dyn core::fmt::Display| {
            Failure::coded(ErrorCode::Unreachable, format!("cannot reach the listener at {}", self.host))
                .why(e)
        };
        let config = ChannelConfig { us: &us, peer: self.key, purpose: PURPOSE, timeouts: TIMEOUTS };
        let channel = connect(&self.host, &config);
        let mut channel = channel.map_err(|e: LinkError| unreachable(&e))?;
        write_delivery(&mut channel, text).map_err(|e| unreachable(&e))?;
        match read_answer(&mut channel).map_err(|e| unreachable(&e))? {
            Answer::Reply(text) => Ok(text),
            // Foreign text: shown without control characters, and not all of it.
            Answer::Refused(why) => {
                let why: String = why.chars().filter(|c| !c.is_control()).take(300).collect();
                Err(Failure::refused("the listener refused the payment").why(why))
            }
        }
    }
}

/// Delivers an invite, and finishes the payment with the response.
pub(crate) fn invite(
    command: &WalletCommand<'_>,
    mut wallet: Wallet<WalletFile>,
    to: &ListenerAddress,
    invite: &Invite,
) -> Outcome {
    let session = invite.session;
    let account = wallet.sessions().find(|s| s.session() == session).map_or(Account(0), |s| s.account());
    let text = wallet.write_message(account, invite.recipient.as_ref(), invite, Privacy::Encrypted);
    let text = text.or_refuse("cannot write the invite")?;
    let answered = to.deliver(&text).and_then(|reply| {
        let response: Response =
            wallet.read_message(&reply).or_refuse("the listener's response is unusable")?;
        wallet.finalize(&response, &mut OsRng).or_refuse("the response was refused")
    });
    let finalized = answered.map_err(|failed| {
        // Nothing was signed yet, unless only the answer of the wallet's own store was lost.
        let ended = wallet.cancel(&session).is_ok();
        let help = if ended {
            "the payment was cancelled and nothing was paid; send it as a text without --to-listener, or try again"
        } else {
            "`sotto wallet slates` shows the payment"
        };
        failed.help(help)
    })?;
    let t = finalized.ok_or_else(|| Failure::new(Code::Internal, "the payment waits for others"))?;
    let submitted = command.chain().and_then(|mut chain| chain.submit(t.get().clone()));
    let id = submitted.map_err(|failed| {
        failed.help(format!(
            "the payment is signed, but not submitted: `sotto wallet slates {} | sotto chain submit -` tries it again",
            hex(&session.0[..6])
        ))
    })?;
    let fee = t.get().body.fees().unwrap_or_default();
    let fields = json!({
        "session": hex(&session.0), "amount": invite.amount.to_string(), "fee": fee.to_string(), "id": id.to_string(),
    });
    let unit = wallet.chain().unit();
    let human = format!("paid {}, fee {}: pending {id}", unit.show(invite.amount), unit.show(fee));
    command.context.output.record("paid", fields, &human)
}

/// Delivers the payment of an invoice.
pub(crate) fn payment(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    to: &ListenerAddress,
    payment: &Payment,
) -> Outcome {
    let paid = wallet.sessions().find(|s| s.session() == payment.session);
    let (account, receiver) = paid.map_or((Account(0), None), |s| (s.account(), s.counterparty().copied()));
    let text = wallet.write_message(account, receiver.as_ref(), payment, Privacy::Encrypted);
    let text = text.or_refuse("cannot write the payment")?;
    let kept = "the payment is signed and kept: give the same command again, or without --to-listener to get its text";
    let reply = to.deliver(&text).map_err(|failed| failed.help(kept))?;
    if reply != ACCEPTED {
        return Err(Failure::refused("the listener's answer is unusable").help(kept));
    }
    let fields = json!({ "session": hex(&payment.session.0) });
    command.context.output.record("delivered", fields, "the receiver has taken the payment and submits it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_has_a_key_a_host_and_a_port() {
        let key = Identity::from_seed(&[1; 32]).peer_key();
        let good = ListenerAddress::parse(&format!("{key}@shop.example:9400")).unwrap();
        assert_eq!((good.key, &*good.host), (key, "shop.example:9400"));
        assert!(ListenerAddress::parse(&format!("{key}@[::1]:9400")).is_ok());
        for wrong in ["", "shop.example:9400", "x@shop.example:9400"] {
            assert_eq!(ListenerAddress::parse(wrong).unwrap_err().code, Code::Usage, "{wrong}");
        }
        for wrong in ["", "shop.example", ":9400", "shop.example:0", "shop.example:99999"] {
            assert!(ListenerAddress::parse(&format!("{key}@{wrong}")).is_err(), "{wrong}");
        }
    }
}
