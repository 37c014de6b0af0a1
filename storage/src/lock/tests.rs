//! Who gets a lock, who waits, who gives way.

use std::sync::mpsc;
use std::thread;

use super::table::{Known, Request};
use super::*;
use crate::transaction::{RowLock, TableLock};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(20);

fn manager(deadlock_timeout: Duration, apply_lock_wait: Duration) -> Arc<LockManager> {
    Arc::new(LockManager::new(deadlock_timeout, apply_lock_wait))
}

fn row(n: u8) -> Resource {
    Resource::Row(RelationId(1), Bytes::copy_from_slice(&[n]))
}

const UPDATE: LockMode = LockMode::Row(RowLock::Update);

impl LockManager {
    /// Returns once so many owners wait. Every change of the table happens under its mutex, so looking again and again is
    /// all that a test can do from outside.
    fn until_waiting(&self, count: usize) {
        while self.waiting() != count {
            thread::yield_now();
        }
    }
}

/// Takes the lock in another thread, which keeps it until told to let go.
struct Holder {
    let_go: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<Result<()>>>,
}

impl Holder {
    fn start(mut owner: LockOwner, resource: Resource, mode: LockMode, granted: mpsc::Sender<u8>, name: u8) -> Self {
        let (let_go, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let result = owner.acquire(resource, mode);
            if result.is_ok() {
                granted.send(name).unwrap();
            }
            let _ = told.recv();
            drop(owner);
            result
        });
        Self { let_go: Some(let_go), thread: Some(thread) }
    }

    fn finish(mut self) -> Result<()> {
        self.let_go.take();
        self.thread.take().unwrap().join().unwrap()
    }
}

#[test]
fn row_modes_conflict_as_in_postgresql() {
    use RowLock::*;
    let all = [KeyShare, Share, NoKeyUpdate, Update];
    let compatible = [(KeyShare, KeyShare), (KeyShare, Share), (KeyShare, NoKeyUpdate), (Share, Share)];
    for a in all {
        for b in all {
            let expected = compatible.contains(&(a, b)) || compatible.contains(&(b, a));
            assert_eq!(!mode::conflict(LockMode::Row(a), LockMode::Row(b)), expected, "{a:?} {b:?}");
        }
    }
}

#[test]
fn table_modes_conflict_as_in_postgresql() {
    use TableLock::*;
    let all = [
        AccessShare,
        RowShare,
        RowExclusive,
        ShareUpdateExclusive,
        Share,
        ShareRowExclusive,
        Exclusive,
        AccessExclusive,
    ];
    // PostgreSQL's table 13.2: a mode's row, X where the other conflicts.
    let conflicts = [".......X", "......XX", "....XXXX", "...XXXXX", "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"];
    for (a, row) in all.into_iter().zip(conflicts) {
        for (b, cell) in all.into_iter().zip(row.chars()) {
            assert_eq!(mode::conflict(LockMode::Table(a), LockMode::Table(b)), cell == 'X', "{a:?} {b:?}");
        }
    }
}

#[test]
fn waiters_are_served_in_order_and_nobody_jumps_the_queue() {
    let manager = manager(LONG, LONG);
    let mut first = manager.owner(false);
    first.acquire(row(1), LockMode::Row(RowLock::Share)).unwrap();
    let (granted, grants) = mpsc::channel();
    let writer = Holder::start(manager.owner(false), row(1), UPDATE, granted.clone(), 1);
    manager.until_waiting(1);
    // A share lock would be compatible with the holder, but the writer came before.
    let reader = Holder::start(manager.owner(false), row(1), LockMode::Row(RowLock::Share), granted.clone(), 2);
    manager.until_waiting(2);
    let last = Holder::start(manager.owner(false), row(1), UPDATE, granted, 3);
    manager.until_waiting(3);
    drop(first);
    assert_eq!(grants.recv().unwrap(), 1);
    manager.until_waiting(2);
    writer.finish().unwrap();
    assert_eq!(grants.recv().unwrap(), 2);
    reader.finish().unwrap();
    assert_eq!(grants.recv().unwrap(), 3);
    last.finish().unwrap();
    let table = manager.table.lock();
    assert!(table.queues.is_empty() && table.owners.is_empty());
}

#[test]
fn an_owner_strengthens_its_lock_before_those_that_wait() {
    let manager = manager(LONG, LONG);
    let mut owner = manager.owner(false);
    owner.acquire(row(1), LockMode::Row(RowLock::NoKeyUpdate)).unwrap();
    let (granted, grants) = mpsc::channel();
    let waiter = Holder::start(manager.owner(false), row(1), UPDATE, granted, 1);
    manager.until_waiting(1);
    owner.acquire(row(1), UPDATE).unwrap();
    owner.acquire(row(1), LockMode::Row(RowLock::KeyShare)).unwrap();
    assert!(grants.try_recv().is_err());
    drop(owner);
    assert_eq!(grants.recv().unwrap(), 1);
    waiter.finish().unwrap();
}

#[test]
fn one_of_two_that_wait_for_each_other_fails() {
    let manager = manager(SHORT, LONG);
    let mut a = manager.owner(false);
    let mut b = manager.owner(false);
    a.acquire(row(1), UPDATE).unwrap();
    b.acquire(row(2), UPDATE).unwrap();
    let other = thread::spawn(move || {
        let result = b.acquire(row(1), UPDATE);
        drop(b);
        result
    });
    let mine = a.acquire(row(2), UPDATE);
    drop(a);
    let theirs = other.join().unwrap();
    let failed = [&mine, &theirs].into_iter().filter(|result| matches!(result, Err(Error::Deadlock(_)))).count();
    // Both timers may fire before either has gone.
    assert!((1..=2).contains(&failed), "{mine:?} {theirs:?}");
}

#[test]
fn a_cycle_of_three_is_found_and_the_one_outside_it_is_left_alone() {
    let manager = manager(LONG, LONG);
    let mut owners: Vec<LockOwner> = (0..3).map(|_| manager.owner(false)).collect();
    for (n, owner) in (0..).zip(&mut owners) {
        owner.acquire(row(n), UPDATE).unwrap();
    }
    let mut table = manager.table.lock();
    for (n, owner) in (0..).zip(&owners) {
        assert!(matches!(table.request(owner.id, row((n + 1) % 3), UPDATE).unwrap(), Request::Queued(_)));
    }
    let outsider = manager.owner(false);
    table.introduce(outsider.id, Known::new(&outsider));
    assert!(matches!(table.request(outsider.id, row(0), UPDATE).unwrap(), Request::Queued(_)));
    for owner in &owners {
        assert_eq!(table.find_cycle(owner.id.party).map(|cycle| cycle.len()), Some(3));
        assert!(matches!(table.break_deadlock(owner.id), Err(Error::Deadlock(_))));
    }
    assert_eq!(table.find_cycle(outsider.id.party), None);
    table.break_deadlock(outsider.id).unwrap();
}

#[test]
fn an_applier_is_never_the_victim_of_a_deadlock() {
    let manager = manager(SHORT, LONG);
    let mut applier = manager.owner(true);
    let mut sql = manager.owner(false);
    applier.acquire(row(1), UPDATE).unwrap();
    sql.acquire(row(2), UPDATE).unwrap();
    // The SQL transaction is in no hurry to look for deadlocks: the applier finds it.
    let other = thread::spawn(move || {
        let result = sql.acquire(row(1), UPDATE);
        drop(sql);
        result
    });
    manager.until_waiting(1);
    applier.acquire(row(2), UPDATE).unwrap();
    drop(applier);
    assert!(matches!(other.join().unwrap(), Err(Error::Serialization(_) | Error::Deadlock(_))));
}

#[test]
fn an_idle_transaction_gives_way_to_an_applier() {
    let manager = manager(LONG, SHORT);
    let mut sql = manager.owner(false);
    sql.acquire(row(1), UPDATE).unwrap();
    let mut applier = manager.owner(true);
    applier.acquire(row(1), UPDATE).unwrap();
    assert!(matches!(sql.check(), Err(Error::Serialization(_))));
    assert!(matches!(sql.acquire(row(9), UPDATE), Err(Error::Serialization(_))));
    assert!(matches!(sql.begin_commit(), Err(Error::Serialization(_))));
}

#[test]
fn a_transaction_that_commits_is_waited_for() {
    let manager = manager(LONG, SHORT);
    let mut sql = manager.owner(false);
    sql.acquire(row(1), UPDATE).unwrap();
    sql.begin_commit().unwrap();
    let (granted, grants) = mpsc::channel();
    let applier = Holder::start(manager.owner(true), row(1), UPDATE, granted, 1);
    manager.until_waiting(1);
    let applier_id = applier_id(&manager);
    manager.table.lock().doom_blockers(applier_id);
    assert!(grants.try_recv().is_err());
    sql.check().unwrap();
    drop(sql);
    assert_eq!(grants.recv().unwrap(), 1);
    applier.finish().unwrap();
}

fn applier_id(manager: &LockManager) -> OwnerId {
    *manager.table.lock().owners.iter().find(|(_, owner)| owner.is_applier).unwrap().0
}

#[test]
fn appliers_do_not_doom_each_other() {
    let manager = manager(LONG, SHORT);
    let mut first = manager.owner(true);
    first.acquire(row(1), UPDATE).unwrap();
    let (granted, grants) = mpsc::channel();
    let second = Holder::start(manager.owner(true), row(1), UPDATE, granted, 1);
    manager.until_waiting(1);
    let waiting = manager.table.lock().owners.iter().find(|(_, owner)| owner.waiting.is_some()).map(|(id, _)| *id);
    manager.table.lock().doom_blockers(waiting.unwrap());
    first.check().unwrap();
    drop(first);
    assert_eq!(grants.recv().unwrap(), 1);
    second.finish().unwrap();
}

#[test]
fn waiting_ends_when_cancelled() {
    let manager = manager(LONG, LONG);
    let mut holder = manager.owner(false);
    holder.acquire(row(1), UPDATE).unwrap();
    let mut owner = manager.owner(false);
    let flag = Arc::new(AtomicBool::new(false));
    owner.set_cancel_flag(Arc::clone(&flag));
    let waiter = thread::spawn(move || owner.acquire(row(1), UPDATE));
    manager.until_waiting(1);
    flag.store(true, Ordering::Release);
    manager.wake_all();
    assert!(matches!(waiter.join().unwrap(), Err(Error::Cancelled)));
    manager.until_waiting(0);
}

#[test]
fn waiting_ends_after_the_timeout() {
    let manager = manager(LONG, LONG);
    let mut holder = manager.owner(false);
    holder.acquire(Resource::Table(RelationId(7)), LockMode::Table(TableLock::AccessExclusive)).unwrap();
    let mut owner = manager.owner(false);
    owner.set_timeout(Some(SHORT));
    let refused = owner.acquire(Resource::Table(RelationId(7)), LockMode::Table(TableLock::AccessShare));
    assert!(matches!(refused, Err(Error::LockTimeout(what)) if what == "relation 7"));
}

/// `a` holds the row already and so need not queue behind `b`, which waits for it: `a` waits for `c` alone.
#[test]
fn who_overtakes_a_waiter_does_not_wait_for_it() {
    let manager = manager(LONG, LONG);
    let mut table = manager.table.lock();
    let [a, b, c] = [1, 2, 3].map(|number| OwnerId { party: PartyId(number), number });
    for id in [a, b, c] {
        let mut owner = manager.owner(false);
        owner.id = id;
        table.introduce(id, Known::new(&owner));
    }
    let mut request = |owner, mode| table.request(owner, row(1), LockMode::Row(mode)).unwrap();
    for owner in [a, b] {
        assert!(matches!(request(owner, RowLock::KeyShare), Request::Granted));
    }
    assert!(matches!(request(c, RowLock::Share), Request::Granted));
    assert!(matches!(request(b, RowLock::Update), Request::Queued(_)));
    assert!(matches!(request(a, RowLock::NoKeyUpdate), Request::Queued(_)));
    assert_eq!(table.find_cycle(a.party), None);
    table.release_all(c);
    assert_eq!(table.waits_for(a), None);
    assert_eq!(table.waits_for(b), Some(&row(1)));
}

#[test]
fn who_takes_locks_together_holds_none_while_it_waits() {
    let manager = manager(LONG, LONG);
    let mut sql = manager.owner(false);
    sql.acquire(row(2), UPDATE).unwrap();
    let mut applier = manager.owner(true);
    let applying = std::thread::spawn(move || {
        let result = applier.acquire_together(&[(row(1), UPDATE), (row(2), UPDATE), (row(3), UPDATE)]);
        (applier, result)
    });
    manager.until_waiting(1);
    // Locked in the other order, which would be a deadlock with somebody who held row 1 meanwhile.
    sql.acquire(row(1), UPDATE).unwrap();
    sql.acquire(row(3), UPDATE).unwrap();
    drop(sql);
    let (applier, result) = applying.join().unwrap();
    result.unwrap();
    let held = manager.table.lock().held(applier.id);
    assert_eq!(held, 3);
    drop(applier);
    assert!(manager.table.lock().queues.is_empty());
}

#[test]
fn who_can_never_have_its_locks_together_takes_them_in_turn_in_the_end() {
    let manager = manager(LONG, Duration::ZERO);
    let mut sql = manager.owner(false);
    sql.acquire(row(1), UPDATE).unwrap();
    let mut applier = manager.owner(true);
    applier.acquire_together(&[(row(2), UPDATE), (row(1), UPDATE)]).unwrap();
    assert!(sql.check().is_err(), "the client gave way");
}

/// A session with its advisory locks and a transaction.
fn session(manager: &Arc<LockManager>) -> (AdvisoryLocks, LockOwner) {
    let party = manager.party();
    (AdvisoryLocks::new(manager, party), manager.owner_of(party, false))
}

#[test]
fn advisory_locks_are_counted_and_no_session_is_in_its_own_way() {
    let manager = manager(LONG, LONG);
    let (mut mine, _transaction) = session(&manager);
    let (mut theirs, _) = session(&manager);
    let key = AdvisoryKey::One(7);
    let lock = |locks: &mut AdvisoryLocks, shared, for_session| locks.lock(key, shared, for_session, false, None);
    for _ in 0..2 {
        assert!(lock(&mut mine, false, true).unwrap());
    }
    assert!(lock(&mut mine, true, true).unwrap());
    assert!(lock(&mut mine, false, false).unwrap());
    assert!(!lock(&mut theirs, true, true).unwrap());
    assert!(theirs.lock(AdvisoryKey::Two(0, 7), false, true, false, None).unwrap());
    assert!(mine.unlock(key, false));
    assert!(mine.unlock(key, false));
    assert!(!mine.unlock(key, false));
    // The transaction's own lock is still there, then the shared one.
    assert!(!lock(&mut theirs, true, true).unwrap());
    mine.end_transaction();
    assert!(lock(&mut theirs, true, true).unwrap());
    assert!(!lock(&mut theirs, false, true).unwrap());
    mine.unlock_all();
    assert!(lock(&mut theirs, false, true).unwrap());
    drop((mine, theirs));
    assert!(manager.table.lock().queues.is_empty());
}

#[test]
fn a_deadlock_over_a_row_and_an_advisory_lock_is_found() {
    let manager = manager(SHORT, LONG);
    let (mut mine, mut transaction) = session(&manager);
    let (mut theirs, mut other) = session(&manager);
    let key = AdvisoryKey::Two(1, 2);
    mine.lock(key, false, true, true, None).unwrap();
    other.acquire(row(1), UPDATE).unwrap();
    let waiting = thread::spawn(move || {
        let result = theirs.lock(key, false, true, true, None);
        drop(other);
        result
    });
    let got = transaction.acquire(row(1), UPDATE);
    drop(mine);
    let results = [got, waiting.join().unwrap().map(|_| ())];
    assert_eq!(results.iter().filter(|result| matches!(result, Err(Error::Deadlock(_)))).count(), 1, "{results:?}");
}
