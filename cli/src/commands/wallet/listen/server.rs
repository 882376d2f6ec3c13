//! The sockets of a listener: payers over pinned channels, programs over HTTP on loopback.
//!
//! Each connection has a thread, of which there are at most [`CONNECTIONS`] for payers and as many for
//! programs; further connections are closed at once. A thread reads one request, puts it into the queue, waits
//! for the answer, writes it and ends. Everything has a deadline.

use super::{
    frame::{Answer, PURPOSE, read_delivery, write_answer},
    http,
};
use crate::exit::{OrRefuse as _, Outcome};
use core::time::Duration;
use rand_core::OsRng;
use serde_json::Value;
use sotto_link::{
    Identity, Pinned,
    pinned::{Listener, Timeouts},
};
use sotto_node::edge::rpc::{Files, Token};
use std::{
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Connections of payers at a time, and of programs.
const CONNECTIONS: usize = 16;
/// How long to wait for the next connection before looking whether to stop.
const POLL: Duration = Duration::from_millis(200);
/// How long a silent connection is kept.
const IDLE: Duration = Duration::from_secs(10);
/// How long a connection may take in all.
const TOTAL: Duration = Duration::from_secs(60);

/// A request, and where its answer goes.
pub(super) enum Event {
    Delivery { text: String, answer: SyncSender<Answer> },
    Call { body: Vec<u8>, answer: SyncSender<Option<Value>> },
}

/// Both servers, which end with the flag that they were given.
pub(super) struct Servers {
    pub(super) address: SocketAddr,
    pub(super) url: String,
    files: Files,
    events: Receiver<Event>,
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
        let programs = TcpListener::bind("127.0.0.1:0").or_refuse(what)?;
        programs.set_nonblocking(true).or_refuse(what)?;
        let url = format!("http://{}", programs.local_addr().or_refuse(what)?);
        let token = Token::generate(&mut OsRng);
        let files = Files::write(folder, &url, &token).or_refuse("cannot write the token for programs")?;
        let (queue, events) = sync_channel(CONNECTIONS);
        let (stopped, to) = (Arc::clone(stop), queue.clone());
        thread::spawn(move || accept_payers(listener, &to, &stopped));
        let stopped = Arc::clone(stop);
        thread::spawn(move || accept_programs(&programs, &Arc::new(token), &queue, &stopped));
        Ok(Self { address, url, files, events })
    }

    pub(super) fn token_file(&self) -> PathBuf {
        self.files.token()
    }

    /// The next request, if one comes in time.
    pub(super) fn next(&self, within: Duration) -> Option<Event> {
        self.events.recv_timeout(within).ok()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.files.remove();
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

fn accept_programs(programs: &TcpListener, token: &Arc<Token>, queue: &SyncSender<Event>, stop: &AtomicBool) {
    let taken = Arc::default();
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = programs.accept() else {
            thread::sleep(POLL / 8);
            continue;
        };
        if let Some(place) = Place::take(&taken) {
            let (queue, token) = (queue.clone(), Arc::clone(token));
            thread::spawn(move || {
                let _ = serve_program(stream, &token, &queue);
                drop(place);
            });
        }
    }
}

fn serve_program(mut stream: TcpStream, token: &Token, queue: &SyncSender<Event>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let body = match http::read(&mut BufReader::new(&stream), token)? {
        Ok(body) => body,
        Err((status, why)) => return http::respond(&mut stream, status, why),
    };
    let (answer, answered) = sync_channel(1);
    let response = match queue.try_send(Event::Call { body, answer }) {
        Ok(()) => answered.recv_timeout(TOTAL).ok(),
        Err(_) => None,
    };
    match response {
        Some(Some(response)) => http::respond(&mut stream, "200 OK", &response.to_string()),
        Some(None) => http::respond(&mut stream, "204 No Content", ""),
        None => http::respond(&mut stream, "503 Service Unavailable", "the wallet is busy"),
    }
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

    #[test]
    fn places_are_bounded_and_given_back() {
        let taken = Arc::default();
        let places: Vec<_> = (0..CONNECTIONS).map(|_| Place::take(&taken).unwrap()).collect();
        assert!(Place::take(&taken).is_none());
        drop(places);
        assert!(Place::take(&taken).is_some());
    }
}
