// What `rates` measures of our engine, of EMP: `benches/run` runs both in turn where EMP is installed.
//
//     cmake -B /tmp/emp-rates -DCMAKE_PREFIX_PATH=PREFIX benches/emp && cmake --build /tmp/emp-rates
//     /tmp/emp-rates/emp-rates
//
// PREFIX is where emp-tool, emp-ot and emp-sh2pc are installed, at their state of May 2026 (emp-tool 1eef346, emp-ot
// c441adf, emp-sh2pc c57fdcf). Two parties are two processes over loopback, semi-honest; a rate is wall time at the
// garbler, from its inputs to the output that both learn. A gate alone is garbled into, or evaluated from, a buffer of 64 KiB.

#include "emp-sh2pc/emp-sh2pc.h"
#include <chrono>
#include <cstdio>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace emp;

static constexpr int GATES = 20'000'000;
static int port = 23456;

static double seconds() {
	return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs both parties on a new port; each gets its channel and which party it is.
static void two_parties(const std::function<void(NetIO&, int)>& party) {
	port++;
	fflush(stdout);
	const pid_t child = fork();
	{
		const int who = child == 0 ? BOB : ALICE;
		NetIO io(who == ALICE ? nullptr : "127.0.0.1", port, true);
		party(io, who);
		io.flush();
	}
	if (child == 0) _exit(0);
	waitpid(child, nullptr, 0);
}

// A program of AND gates: it starts with inputs of both parties, and reveals one output.
static void program(const char* what, const std::function<Bit()>& run) {
	two_parties([&](NetIO& io, int party) {
		double start = seconds();
		setup_semi_honest(&io, party);
		io.flush();
		if (party == ALICE) printf("EMP, %s: set-up %.1f ms\n", what, (seconds() - start) * 1e3);
		const uint64_t before = backend->num_and();
		start = seconds();
		run().reveal(PUBLIC);
		if (party == ALICE)
			printf("EMP, %s: %.1f M AND/s\n", what, (backend->num_and() - before) / (seconds() - start) / 1e6);
		finalize_semi_honest();
	});
}

static Bit layers(int lanes) {
	std::vector<Bit> w, x;
	for (int i = 0; i < lanes; i++) {
		w.emplace_back(true, ALICE);
		x.emplace_back(true, BOB);
	}
	for (int done = 0; done < GATES; done += lanes)
		for (int i = 0; i < lanes; i++) w[i] = w[i] & x[i];
	return w[0];
}

static Bit aes() {
	BitVec text(128, (__int128)0, ALICE), key(128, (__int128)0, BOB), next(128, (__int128)0, PUBLIC);
	AES_Calculator calculator;
	for (int i = 0; i < 2000; i++) {
		calculator.encrypt_with_key(text.bits.data(), key.bits.data(), next.bits.data());
		std::swap(text.bits, next.bits);
	}
	return text.bits[0];
}

// Gates a second, in millions, of one party without a network.
template <typename Gate>
static double alone(int lanes, Gate gate) {
	std::vector<block> w(lanes), x(lanes), tables(4096);
	PRG prg;
	prg.random_block(w.data(), lanes);
	prg.random_block(x.data(), lanes);
	prg.random_block(tables.data(), tables.size());
	MITCCRH<8> hash;
	hash.setS(tables[0]);
	const double start = seconds();
	for (int done = 0; done < GATES; done += lanes)
		for (int i = 0; i < lanes; i++) w[i] = gate(w[i], x[i], &tables[2 * ((done + i) % 2048)], &hash);
	const double rate = GATES / (seconds() - start) / 1e6;
	// The labels are used, so that no compiler leaves the gates out.
	volatile bool used = getLSB(w[0]);
	(void)used;
	return rate;
}

template <int k>
static void transfers() {
	static constexpr int64_t COUNT = 1 << 24;
	two_parties([](NetIO& io, int party) {
		SoftSpokenOT<k> ot(party, &io, false);
		std::vector<block> out(COUNT);
		io.sync();
		const double start = seconds();
		ot.rcot(out.data(), COUNT);
		io.sync();
		if (party == ALICE) printf("EMP, transfers, k = %d: %.1f M/s\n", k, COUNT / (seconds() - start) / 1e6);
	});
}

int main() {
	const block delta = set_bit(makeBlock(0x1234567812345678, 0x8765432187654321), 0);
	const auto garble = [&](block a, block b, block* t, MITCCRH<8>* h) {
		return halfgates_garble(a, a ^ delta, b, b ^ delta, delta, t, h);
	};
	const auto evaluate = [](block a, block b, block* t, MITCCRH<8>* h) { return halfgates_eval(a, b, t, h); };
	for (int lanes : {1, 1024}) {
		const double garbled = alone(lanes, garble), evaluated = alone(lanes, evaluate);
		printf("EMP, %d lanes: garble %.1f, evaluate %.1f M AND/s\n", lanes, garbled, evaluated);
	}
	program("1 lanes", [] { return layers(1); });
	program("1024 lanes", [] { return layers(1024); });
	program("AES-128", aes);
	transfers<2>();
	transfers<4>();
	transfers<8>();
}
