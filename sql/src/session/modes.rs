//! The modes of transactions: isolation, READ ONLY, DEFERRABLE. They are settings, which end with the transaction.

use super::Session;
use super::settings::{Setting, Settings, Source};
use crate::error::{Result, SqlError, SqlState};
use crate::parse::session::{Isolation, Modes};

impl Session {
    /// A transaction begins with the modes that the session's settings say.
    pub(super) fn use_default_modes(&mut self) {
        let settings = &self.settings;
        let differing = |default, current| {
            let wanted = settings.is_on(default);
            (wanted != settings.is_on(current)).then_some(wanted)
        };
        let isolation = settings.text(Setting::DefaultTransactionIsolation);
        let modes = Modes {
            isolation: Isolation::by_name(isolation)
                .filter(|_| isolation != settings.text(Setting::TransactionIsolation)),
            read_only: differing(Setting::DefaultTransactionReadOnly, Setting::TransactionReadOnly),
            deferrable: differing(Setting::DefaultTransactionDeferrable, Setting::TransactionDeferrable),
        };
        self.use_modes(modes).expect("BUG: what can be the default of transactions can be set in one");
    }

    /// Sets the modes of the current transaction, as far as they are said.
    pub(super) fn use_modes(&mut self, modes: Modes) -> Result<()> {
        let on_off = |on: bool| if on { "on" } else { "off" };
        let changes = [
            (Setting::TransactionIsolation, modes.isolation.map(Isolation::name)),
            (Setting::TransactionReadOnly, modes.read_only.map(on_off)),
            (Setting::TransactionDeferrable, modes.deferrable.map(on_off)),
        ];
        if changes.iter().all(|(_, value)| value.is_none()) {
            return Ok(());
        }
        self.change_settings(true, |settings, _| {
            for (setting, value) in changes {
                if let Some(value) = value {
                    settings.preset(setting, value, Source::Session)?;
                }
            }
            Ok(())
        })?;
        self.use_isolation();
        Ok(())
    }

    /// Whether the current transaction keeps to one snapshot.
    pub(super) fn is_repeatable_read(&self) -> bool {
        self.settings.text(Setting::TransactionIsolation) == Isolation::RepeatableRead.name()
    }

    /// Tells the store which isolation the transaction has. Only before its first query: see [`Session::check_modes`].
    fn use_isolation(&mut self) {
        let repeatable = self.is_repeatable_read();
        if let Some(active) = self.state.active_mut()
            && !active.has_queried
        {
            active.txn.set_repeatable_read(repeatable);
        }
    }

    /// The modes of the current transaction, for the next one of a chain.
    pub(super) fn modes(&self) -> Modes {
        Modes {
            isolation: Isolation::by_name(self.settings.text(Setting::TransactionIsolation)),
            read_only: Some(self.settings.is_on(Setting::TransactionReadOnly)),
            deferrable: Some(self.settings.is_on(Setting::TransactionDeferrable)),
        }
    }

    /// SET TRANSACTION
    pub(crate) fn set_transaction(&mut self, modes: Modes) -> Result<()> {
        if !self.is_in_block() {
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION can only be used in transaction blocks");
        }
        check_built(modes)?;
        self.ensure_transaction()?;
        self.check_modes(modes)?;
        self.use_modes(modes)
    }

    /// SET SESSION CHARACTERISTICS AS TRANSACTION
    pub(crate) fn set_characteristics(&mut self, modes: Modes) -> Result<()> {
        let on_off = |on: bool| if on { "on" } else { "off" };
        self.change_settings(false, |settings, _| {
            let changes = [
                ("default_transaction_isolation", modes.isolation.map(Isolation::name)),
                ("default_transaction_read_only", modes.read_only.map(on_off)),
                ("default_transaction_deferrable", modes.deferrable.map(on_off)),
            ];
            for (name, value) in changes {
                if let Some(value) = value {
                    settings.set(name, value, Source::Session)?;
                }
            }
            Ok(())
        })
    }

    /// What cannot be changed any more once a query has been run.
    pub(super) fn check_modes(&self, modes: Modes) -> Result<()> {
        let Some(active) = self.state.active() else { return Ok(()) };
        let too_late = |what: &str| Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, what));
        let is_inner = !active.savepoints.is_empty();
        let is_read_only = self.settings.is_on(Setting::TransactionReadOnly);
        if modes.read_only == Some(false) && is_read_only {
            if is_inner {
                return too_late("cannot set transaction read-write mode inside a read-only transaction");
            }
            if active.has_queried {
                return too_late("transaction read-write mode must be set before any query");
            }
        }
        if let Some(isolation) = modes.isolation
            && isolation.name() != self.settings.text(Setting::TransactionIsolation)
        {
            if active.has_queried {
                return too_late("SET TRANSACTION ISOLATION LEVEL must be called before any query");
            }
            if is_inner {
                return too_late("SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
            }
        }
        if modes.deferrable.is_some() {
            if is_inner {
                return too_late("SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction");
            }
            if active.has_queried {
                return too_late("SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
            }
        }
        Ok(())
    }

    /// A query begins: the modes of the transaction are settled.
    pub(super) fn note_query(&mut self) {
        if let Some(active) = self.state.active_mut() {
            active.has_queried = true;
        }
    }

    /// SET of one setting; none for its default.
    pub(crate) fn change_setting(&mut self, local: bool, name: &str, value: Option<&str>) -> Result<()> {
        self.ensure_transaction()?;
        let change = |settings: &mut Settings, startup: &Settings| match value {
            Some(value) => settings.set(name, value, Source::Session),
            None => settings.reset(name, startup),
        };
        const MODES: [&str; 3] = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];
        if !MODES.iter().any(|mode| mode.eq_ignore_ascii_case(name)) {
            return self.change_settings(local, change);
        }
        let mut changed = (*self.settings).clone();
        change(&mut changed, self.facts.settings.lock().startup())?;
        let modes = Modes {
            isolation: Isolation::by_name(changed.text(Setting::TransactionIsolation))
                .filter(|_| name.eq_ignore_ascii_case("transaction_isolation")),
            read_only: differing(&changed, Setting::TransactionReadOnly, &self.settings),
            deferrable: differing(&changed, Setting::TransactionDeferrable, &self.settings),
        };
        self.check_modes(modes)?;
        self.change_settings(true, change)?;
        self.use_isolation();
        Ok(())
    }
}

/// Refuses isolation levels that are not built.
pub(super) fn check_built(modes: Modes) -> Result<()> {
    match modes.isolation {
        Some(Isolation::Serializable) => Err(SqlError::unsupported("ISOLATION LEVEL SERIALIZABLE")
            .with_hint("Transactions are READ COMMITTED or REPEATABLE READ.")),
        _ => Ok(()),
    }
}

/// Whether a setting is on, if it is not so elsewhere.
fn differing(settings: &Settings, setting: Setting, other: &Settings) -> Option<bool> {
    let wanted = settings.is_on(setting);
    (wanted != other.is_on(setting)).then_some(wanted)
}
