//! The sockets of a listener: payers over pinned channels, programs over HTTP on loopback.
//!
//! Each payer has a thread, of which there are at most [`CONNECTIONS`]; further connections are closed at
//! once. A thread reads one request, puts it into the queue, waits for the answer, writes it and ends, within
//! a deadline. Programs are served as a node's are (`sotto_node::edge::rpc`), and their requests go into the
//! same queue.

use super::frame::{Answer, PURPOSE, read_delivery, write_answer};
use crate::exit::{OrRefuse as _, Outcome};
use core::time::Duration;
use rand_core::OsRng;
use sotto_link::{
    Identity, Pinned,
    pinned::{Listener, Timeouts},
};
use sotto_node::edge::rpc;
use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Connections of payers at a time.
const CONNECTIONS: usize = 16;
/// How long to wait for the next connection before looking whether to stop.
const POLL: Duration = Duration::from_millis(200);
/// How long a silent connection is kept.
const IDLE: Duration = Duration::from_secs(10);
/// How long a connection may take in all.
const TOTAL: Duration = Duration::from_secs(60);
/// Most bytes of a program's request.
const MAX_CALL: usize = 16 << 10;

/// A request, and where its answer goes.
pub(super) enum Event {
    Delivery { text: String, answer: SyncSender<Answer> },
    Call { body: Vec<u8>, answer: SyncSender<rpc::Answer> },
}

/// Both servers: that for payers ends with the flag that it was given, that for programs with this value.
pub(super) struct Servers {
    pub(super) address: SocketAddr,
    // Dropped first, so that programs that wait are answered.
    events: Receiver<Event>,
    pub(super) programs: rpc::Server,
}

impl Servers {
    /// Starts both; `folder` gets the files that tell programs where to ask.
    pub(super) fn start(
        address: &str,
        identity: &Identity,
        folder: &Path,
        stop: &Arc<AtomicBool>,
    ) -> Outcome<Self> {
        let what = "cannot listen";
        let listener = Listener::bind_open(address, identity, PURPOSE).or_refuse(what)?;
        let address = listener.address().or_refuse(what)?;
        let (queue, events) = sync_channel(CONNECTIONS);
        let calls = queue.clone();
        let call = Arc::new(move |body: &[u8]| call(&calls, body));
        let programs = rpc::Server::of_calls(folder, MAX_CALL, call, &mut OsRng).or_refuse(what)?;
        let stopped = Arc::clone(stop);
        thread::spawn(move || accept_payers(listener, &queue, &stopped));
        Ok(Self { address, events, programs })
    }

    /// The next request, if one comes in time.
    pub(super) fn next(&self, within: Duration) -> Option<Event> {
        self.events.recv_timeout(within).ok()
    }
}

/// The answer to a program.
fn call(queue: &SyncSender<Event>, body: &[u8]) -> rpc::Answer {
    let (answer, answered) = sync_channel(1);
    match queue.try_send(Event::Call { body: body.to_vec(), answer }) {
        Ok(()) => answered.recv_timeout(TOTAL).unwrap_or(rpc::Answer::Busy),
        Err(_) => rpc::Answer::Busy,
    }
}

/// One of a bounded number of connections.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(taken: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(taken));
        // Over the limit, the place is given back at once.
        (taken.fetch_add(1, Ordering::SeqCst) < CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn accept_payers(mut listener: Listener, queue: &SyncSender<Event>, stop: &AtomicBool) {
    let timeouts = Timeouts { connect: POLL, handshake: IDLE, idle: IDLE, total: TOTAL };
    let taken = Arc::default();
    while !stop.load(Ordering::Relaxed) {
        // A failed handshake, or nothing within the time.
        let Ok(channel) = listener.accept(timeouts) else { continue };
        if let Some(place) = Place::take(&taken) {
            let queue = queue.clone();
            thread::spawn(move || {
                // The payer hears of it, or has gone.
                let _ = serve_payer(channel, &queue);
                drop(place);
            });
        }
    }
}

/// Serves one payer.
pub(super) fn serve_payer(mut channel: Pinned, queue: &SyncSender<Event>) -> io::Result<()> {
    let text = read_delivery(&mut channel)?;
    let (answer, answered) = sync_channel(1);
    let event = Event::Delivery { text, answer };
    let busy = || Answer::Refused("the wallet is busy; try again in a minute".to_owned());
    let answer = match queue.try_send(event) {
        Ok(()) => answered.recv_timeout(TOTAL).unwrap_or_else(|_| busy()),
        Err(_) => busy(),
    };
    write_answer(&mut channel, &answer)?;
    channel.close().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::{
        super::frame::{read_answer, write_delivery},
        *,
    };
    use sotto_link::pinned::in_memory;

    /// A payer and a listener over a channel in memory: the text arrives, the answer goes back.
    #[test]
    fn a_delivery_is_answered_on_its_channel() {
        let [payer, shop] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
        let (mut near, far) = in_memory(&payer, &shop, PURPOSE).unwrap();
        let (queue, events) = sync_channel(1);
        let served = thread::spawn(move || serve_payer(far, &queue));
        write_delivery(&mut near, "an invite").unwrap();
        let Ok(Event::Delivery { text, answer }) = events.recv() else { panic!("a delivery") };
        assert_eq!(text, "an invite");
        answer.send(Answer::Reply("a response".to_owned())).unwrap();
        assert_eq!(read_answer(&mut near).unwrap(), Answer::Reply("a response".to_owned()));
        served.join().unwrap().unwrap();
    }

    #[test]
    fn a_full_queue_is_an_answer_and_garbage_is_none() {
        let [payer, shop] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
        let (queue, _events) = sync_channel(1);
        let (answer, _) = sync_channel(1);
        queue.try_send(Event::Call { body: Vec::new(), answer }).unwrap();
        let (mut near, far) = in_memory(&payer, &shop, PURPOSE).unwrap();
        let full = queue.clone();
        let served = thread::spawn(move || serve_payer(far, &full));
        write_delivery(&mut near, "an invite").unwrap();
        assert!(matches!(read_answer(&mut near).unwrap(), Answer::Refused(why) if why.contains("busy")));
        served.join().unwrap().unwrap();
        let (mut near, far) = in_memory(&payer, &shop, PURPOSE).unwrap();
        let served = thread::spawn(move || serve_payer(far, &queue));
        io::Write::write_all(&mut near, &[9; 200]).unwrap();
        assert!(served.join().unwrap().is_err());
    }

    /// With a full queue, and once nothing takes from it any more, a program hears that the wallet is busy.
    #[test]
    fn a_call_is_answered_whatever_becomes_of_the_queue() {
        let (queue, events) = sync_channel(1);
        thread::scope(|scope| {
            let asked = scope.spawn(|| call(&queue, b"{}"));
            let Ok(Event::Call { body, answer }) = events.recv() else { panic!("a call") };
            assert_eq!(body, b"{}");
            answer.send(rpc::Answer::Nothing).unwrap();
            assert_eq!(asked.join().unwrap(), rpc::Answer::Nothing);
        });
        let (answer, _) = sync_channel(1);
        queue.try_send(Event::Call { body: Vec::new(), answer }).unwrap();
        assert_eq!(call(&queue, b"{}"), rpc::Answer::Busy);
        drop(events);
        assert_eq!(call(&queue, b"{}"), rpc::Answer::Busy);
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let taken = Arc::default();
        let places: Vec<_> = (0..CONNECTIONS).map(|_| Place::take(&taken).unwrap()).collect();
        assert!(Place::take(&taken).is_none());
        drop(places);
        assert!(Place::take(&taken).is_some());
    }
}
