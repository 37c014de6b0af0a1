//! One connection for each incarnation of a node: a newer one makes the older leave first.
//!
//! The newer connection is served only when the older is gone, its last merge included. So what a WELCOME says about
//! merged transactions stays true until the edge itself pushes more.

use std::collections::HashMap;
use std::sync::Arc;

use heliosdb_crdt::SiteId;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Who sits where.
#[derive(Default)]
pub struct Seats {
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    by: HashMap<(String, SiteId), Place>,
    count: u64,
}

struct Place {
    number: u64,
    leave: watch::Sender<bool>,
    gone: watch::Receiver<()>,
}

/// A connection's place; the next one gets it when this is dropped.
pub struct Seat {
    seats: Arc<Seats>,
    who: (String, SiteId),
    number: u64,
    leave: watch::Receiver<bool>,
    /// Dropped with the seat, which tells whoever waits for it.
    _gone: watch::Sender<()>,
}

impl Seats {
    /// Asks whoever has the place to leave, waits until that is done, and takes it. The one asked may be in the middle of
    /// a merge, which is finished first.
    pub async fn take(self: &Arc<Self>, node_id: &str, site: SiteId) -> Seat {
        let who = (node_id.to_owned(), site);
        let (leave_sender, leave) = watch::channel(false);
        let (gone_sender, gone) = watch::channel(());
        let (number, older) = {
            let mut taken = self.taken.lock();
            taken.count += 1;
            let number = taken.count;
            (number, taken.by.insert(who.clone(), Place { number, leave: leave_sender, gone }))
        };
        let seat = Seat { seats: Arc::clone(self), who, number, leave, _gone: gone_sender };
        if let Some(mut older) = older {
            // It may be gone already, and then its end of the channel is closed.
            let _ = older.leave.send(true);
            let _ = older.gone.changed().await;
        }
        seat
    }

    /// Asks everybody to leave but one.
    pub fn clear_others(&self, stays: &Seat) {
        for place in self.taken.lock().by.values().filter(|place| place.number != stays.number) {
            let _ = place.leave.send(true);
        }
    }

    /// How many places are taken.
    pub fn len(&self) -> usize {
        self.taken.lock().by.len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Seat {
    /// Returns when this connection should leave.
    pub async fn asked_to_leave(&mut self) {
        // An error means that the place went to a newer connection, which asks first: it is the same answer.
        let _ = self.leave.wait_for(|leave| *leave).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock();
        if taken.by.get(&self.who).is_some_and(|place| place.number == self.number) {
            taken.by.remove(&self.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newer_waits_for_the_older_to_go() {
        let seats = Arc::new(Seats::default());
        let mut first = seats.take("a", SiteId(2)).await;
        let other = seats.take("a", SiteId(3)).await;
        let waiting = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { seats.take("a", SiteId(2)).await }
        });
        first.asked_to_leave().await;
        assert!(!waiting.is_finished(), "the older still works");
        drop(first);
        let second = waiting.await.unwrap();
        assert_eq!(seats.len(), 2);
        drop((second, other));
        assert!(seats.is_empty());
    }

    #[tokio::test]
    async fn all_others_can_be_sent_away() {
        let seats = Arc::new(Seats::default());
        let a = seats.take("a", SiteId(2)).await;
        let mut b = seats.take("b", SiteId(3)).await;
        let mut c = seats.take("b", SiteId(4)).await;
        seats.clear_others(&a);
        b.asked_to_leave().await;
        c.asked_to_leave().await;
        assert!(!*a.leave.borrow());
    }
}
