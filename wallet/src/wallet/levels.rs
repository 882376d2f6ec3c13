//! The integrity levels of outputs, as methods of a handle: what an issuer says, and what a holder accepts.

use super::{
    Wallet,
    context::{Change, Context},
    self_transfers,
};
use crate::{
    coin_selection::{Confirmed, SelfTransferPlan},
    error::WalletError,
    keys::Account,
    level::{LevelError, Mark, Mixing, Said, Sealed, Stated, Statement, Subject},
    state::SelfTransferReason,
    store::Store,
};
use rand_core::{CryptoRng, RngCore};

/// The levels of a wallet's outputs. See [`crate::level`].
#[derive(Debug)]
pub struct Levels<'a, S>(pub(super) &'a mut Wallet<S>);

impl<S: Store> Levels<'_, S> {
    /// Plans the payment of a notice: one output of the account becomes another.
    ///
    /// # Errors
    /// [`crate::coin_selection::CoinSelectionError`] when no output is worth more than the fee.
    pub fn plan(&self, account: Account) -> Result<SelfTransferPlan, WalletError> {
        self_transfers::plan_notice(&self.0.context(), account)
    }

    /// Issuer: says of any output that it has this level, and pays for the notice.
    ///
    /// # Errors
    /// [`crate::coin_selection::CoinSelectionError::Stale`], or the error of the store; nothing changes then.
    pub fn state(
        &mut self,
        plan: Confirmed<SelfTransferPlan>,
        about: Subject,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Stated, WalletError> {
        let plan = plan.into_inner();
        self.0.perform(|context| self_transfers::state(context, &plan, about, rng))
    }

    /// What this wallet has stated, if the notice is in the chain or can still enter it.
    pub fn stated(&self) -> impl Iterator<Item = &Statement> {
        let live = self.0.state.self_transfers.values().filter(|t| t.is_live());
        live.filter_map(|t| match &t.reason {
            SelfTransferReason::Statement(statement) => Some(&**statement),
            _ => None,
        })
    }

    /// Holder: takes over what an issuer says, whom the caller trusts. Of several statements about one output the one
    /// that was put on record last counts; in the same block the lower level.
    ///
    /// # Errors
    /// [`LevelError`]; nothing changes then.
    pub fn accept(&mut self, statement: &Statement, sealed: Sealed<'_>) -> Result<(), WalletError> {
        self.0.perform(|context| accept(context, statement, sealed))
    }

    /// Says whether outputs of different levels may be spent together.
    ///
    /// # Errors
    /// The error of the store.
    pub fn set_mixing(&mut self, mixing: Mixing) -> Result<(), WalletError> {
        self.0.perform(|context| {
            let mut next = context.state.clone();
            next.levels.mixing = mixing;
            Ok(Change::new(next, ()))
        })
    }

    /// Whether they may.
    #[must_use]
    pub const fn mixing(&self) -> Mixing {
        self.0.state.levels.mixing
    }

    /// The outputs that are not of this chain, or of which somebody says that they are.
    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.0.state.levels.marks.values()
    }
}

fn accept(
    context: &Context<'_>,
    statement: &Statement,
    Sealed { kernel, height }: Sealed<'_>,
) -> Result<Change<()>, WalletError> {
    statement.verify(context.chain)?;
    statement.check_record(context.chain, kernel)?;
    let (output, level) = (statement.claim.output, statement.claim.level);
    if !context.state.outputs.contains_key(&output) {
        return Err(LevelError::NotOwn { output }.into());
    }
    let said = Said { issuer: statement.claim.issuer, notice: statement.notice, height };
    let (new, known) = (Mark { output, level, said: Some(said) }, context.state.levels.marks.get(&output));
    let since = |mark: &Mark| mark.said.map(|said| (said.height, mark.level));
    if known == Some(&new) {
        return Ok(Change::none(()));
    }
    if known.and_then(since) > Some((height, level)) {
        return Err(LevelError::Older.into());
    }
    let mut next = context.state.clone();
    next.levels.marks.insert(output, new);
    Ok(Change::new(next, ()))
}
