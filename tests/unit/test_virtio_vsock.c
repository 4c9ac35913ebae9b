/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/vsock_rig.h"

#include <pthread.h>

static struct rig r;

/* What each test of one connection begins with: one that stands, guest's port 1234. */
enum { PORT = 1234 };

static uint32_t host_port;

static int begin_connected(uint64_t features)
{
	rig_begin(&r, features);
	return rig_host_connects(&r, PORT, &host_port);
}

#define ON_IT .guest_port = PORT, .host_port = host_port

static void expect_text(int fd, const char *want)
{
	char got[256];
	ssize_t n = read(fd, got, sizeof(got) - 1);

	EXPECT_EQ(n, strlen(want));
	got[n] = '\0';
	EXPECT_STR(got, want);
}

/* The other end hung up; @fd is closed. */
static void expect_end(int fd)
{
	char byte;

	EXPECT_EQ(read(fd, &byte, 1), 0);
	(void)close(fd);
}

TEST(it_is_a_socket_device_with_three_queues_and_its_cid)
{
	rig_begin(&r, 0);
	EXPECT_EQ(driver_read(&r.g.d, REG_DEVICE_ID), 19);
	EXPECT_EQ(r.g.d.nr_queues, 3);
	EXPECT_EQ(driver_read(&r.g.d, REG_CONFIG), RIG_CID);
	EXPECT_EQ(driver_read(&r.g.d, REG_CONFIG + 4), 0);
	driver_write(&r.g.d, REG_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(driver_read(&r.g.d, REG_DEVICE_FEATURES) & 0xffffff, 1);
	rig_end(&r);
}

TEST(a_host_program_reaches_the_guest)
{
	int fd = begin_connected(0);
	struct heard *h;

	EXPECT_EQ(write(fd, "hello", 5), 5);
	h = rig_expect(&r, VSOCK_OP_RW);
	EXPECT_EQ(h->len, 5);
	EXPECT(memcmp(h->data, "hello", 5) == 0);
	EXPECT_EQ(h->guest_port, PORT);
	SAY(&r, ON_IT, .op = VSOCK_OP_RW, .len = 6, .data = "answer");
	expect_text(fd, "answer");
	rig_expect_nothing(&r);
	(void)close(fd);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_SHUTDOWN)->flags, VSOCK_NO_BOTH);
	SAY(&r, ON_IT, .op = VSOCK_OP_RST);
	EXPECT_EQ(rig_connections(&r), 0);
	rig_end(&r);
}

TEST(the_guest_reaches_a_host_program)
{
	int listener, fd;

	rig_begin(&r, 0);
	host_port = 52;
	listener = rig_listen(&r, 52);
	fd = rig_guest_connects(&r, listener, PORT, 52);
	SAY(&r, ON_IT, .op = VSOCK_OP_RW, .len = 3, .data = "abc");
	expect_text(fd, "abc");
	EXPECT_EQ(write(fd, "def", 3), 3);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_RW)->len, 3);
	SAY(&r, ON_IT, .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_BOTH);
	(void)rig_expect(&r, VSOCK_OP_RST);
	expect_end(fd);
	EXPECT_EQ(rig_connections(&r), 0);

	/* Nobody listens there. */
	SAY(&r, .op = VSOCK_OP_REQUEST, .guest_port = PORT, .host_port = 53);
	rig_run_dials(&r);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_RST)->host_port, 53);
	EXPECT_EQ(rig_connections(&r), 0);
	(void)close(listener);
	rig_end(&r);
}

TEST(either_side_closes_one_direction_and_goes_on_in_the_other)
{
	int fd = begin_connected(0);
	struct heard *h;

	EXPECT_EQ(write(fd, "last", 4), 4);
	EXPECT_EQ(shutdown(fd, SHUT_WR), 0);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_RW)->len, 4);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_SHUTDOWN)->flags, VSOCK_NO_SEND);
	for (int i = 0; i < 3; i++) {
		SAY(&r, ON_IT, .op = VSOCK_OP_RW, .len = 3, .data = "abc");
		expect_text(fd, "abc");
	}
	SAY(&r, ON_IT, .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_SEND);
	expect_end(fd);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_SHUTDOWN)->flags, VSOCK_NO_BOTH);
	SAY(&r, ON_IT, .op = VSOCK_OP_RST);

	fd = rig_host_connects(&r, PORT, &host_port);
	SAY(&r, ON_IT, .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_SEND);
	EXPECT_EQ(read(fd, &(char){ 0 }, 1), 0);
	EXPECT_EQ(write(fd, "still", 5), 5);
	h = rig_expect(&r, VSOCK_OP_RW);
	EXPECT(h->len == 5 && memcmp(h->data, "still", 5) == 0);
	rig_expect_nothing(&r);
	/* What it sends now breaks a rule. */
	SAY(&r, ON_IT, .op = VSOCK_OP_RW, .len = 3, .data = "abc");
	(void)rig_expect(&r, VSOCK_OP_RST);
	expect_end(fd);

	/* The guest reads no more: the host's program cannot write. */
	fd = rig_host_connects(&r, PORT, &host_port);
	SAY(&r, ON_IT, .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_RECEIVE);
	EXPECT_EQ(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	EXPECT_EQ(errno, EPIPE);
	SAY(&r, ON_IT, .op = VSOCK_OP_RW, .len = 3, .data = "abc");
	expect_text(fd, "abc");
	(void)close(fd);
	rig_expect(&r, VSOCK_OP_SHUTDOWN);
	SAY(&r, ON_IT, .op = VSOCK_OP_RST);
	EXPECT_EQ(rig_connections(&r), 0);
	rig_end(&r);
}

/* Good and hostile packets on a connection that stands, and what becomes of each. */
enum fate { NOTHING, RESET, RESET_ELSEWHERE, DATA, CREDIT, ENDS, BREAKS };

static const struct row {
	const char *what;
	struct word w;
	enum fate fate;
	bool elsewhere; /* not on the connection */
} rows[] = {
	{ "data", { .op = VSOCK_OP_RW, .len = 4, .data = "data" }, DATA, false },
	{ "no data", { .op = VSOCK_OP_RW }, NOTHING, false },
	{ "credit", { .op = VSOCK_OP_CREDIT_UPDATE }, NOTHING, false },
	{ "no credit", { .op = VSOCK_OP_CREDIT_UPDATE, .forwarded = 1u << 31 }, NOTHING, false },
	{ "credit with data",
	  { .op = VSOCK_OP_CREDIT_UPDATE, .len = 4, .data = "data" },
	  NOTHING,
	  false },
	{ "credit, please", { .op = VSOCK_OP_CREDIT_REQUEST }, CREDIT, false },
	{ "end of one direction",
	  { .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_SEND },
	  NOTHING,
	  false },
	{ "end of none", { .op = VSOCK_OP_SHUTDOWN }, NOTHING, false },
	{ "end of directions unknown", { .op = VSOCK_OP_SHUTDOWN, .flags = ~3u }, NOTHING, false },
	{ "end of both", { .op = VSOCK_OP_SHUTDOWN, .flags = UINT32_MAX }, RESET, false },
	{ "reset", { .op = VSOCK_OP_RST }, ENDS, false },
	{ "a second request", { .op = VSOCK_OP_REQUEST }, RESET, false },
	{ "a second response", { .op = VSOCK_OP_RESPONSE }, RESET, false },
	{ "operation 0", { .op = VSOCK_OP_INVALID }, RESET, false },
	{ "operation 8", { .op = 8 }, RESET, false },
	{ "operation 65535", { .op = 65535 }, RESET, false },
	{ "fewer data than said",
	  { .op = VSOCK_OP_RW, .len = 4, .data = "data", .lie = 1 },
	  RESET,
	  false },
	{ "far fewer data than said",
	  { .op = VSOCK_OP_RW, .len = 4, .data = "data", .lie = -5 },
	  RESET,
	  false },
	{ "none of the data said", { .op = VSOCK_OP_RW, .lie = 1 }, RESET, false },
	{ "more data than said",
	  { .op = VSOCK_OP_RW, .len = 4, .data = "dat", .lie = -1 },
	  DATA,
	  false },
	{ "another guest's",
	  { .op = VSOCK_OP_RW, .len = 4, .data = "data", .src = RIG_CID + 1 },
	  NOTHING,
	  false },
	{ "the host's own", { .op = VSOCK_OP_RST, .src = 2 }, NOTHING, false },
	{ "a long CID", { .op = VSOCK_OP_RST, .src = RIG_CID | 1ULL << 32 }, NOTHING, false },
	{ "to another guest", { .op = VSOCK_OP_RST, .dst = 3 }, NOTHING, false },
	{ "to itself", { .op = VSOCK_OP_RST, .dst = RIG_CID }, NOTHING, false },
	{ "half a header", { .op = VSOCK_OP_RST, .header = 22 }, NOTHING, false },
	{ "a byte too few", { .op = VSOCK_OP_RST, .header = 43 }, NOTHING, false },
	{ "another type",
	  { .op = VSOCK_OP_RW, .type = 2, .len = 4, .data = "data" },
	  RESET_ELSEWHERE,
	  false },
	{ "type 65535", { .op = VSOCK_OP_REQUEST, .type = 65535 }, RESET_ELSEWHERE, false },
	{ "reset of another type", { .op = VSOCK_OP_RST, .type = 2 }, NOTHING, false },
	{ "data of no connection",
	  { .op = VSOCK_OP_RW, .len = 4, .data = "data" },
	  RESET_ELSEWHERE,
	  true },
	{ "response of no connection", { .op = VSOCK_OP_RESPONSE }, RESET_ELSEWHERE, true },
	{ "shutdown of no connection",
	  { .op = VSOCK_OP_SHUTDOWN, .flags = 3 },
	  RESET_ELSEWHERE,
	  true },
	{ "reset of no connection", { .op = VSOCK_OP_RST }, NOTHING, true },
	{ "unknown operation of no connection", { .op = 99 }, RESET_ELSEWHERE, true },
};

static void run_row(const struct row *row, int fd)
{
	struct word w = row->w;
	struct heard *h;

	w.guest_port = row->elsewhere ? 9 : PORT;
	w.host_port = host_port;
	rig_say(&r, &w);
	switch (row->fate) {
	case RESET:
	case RESET_ELSEWHERE:
		h = rig_expect(&r, VSOCK_OP_RST);
		EXPECT_EQ(h->guest_port, w.guest_port);
		EXPECT_EQ(h->host_port, host_port);
		EXPECT_EQ(h->type, w.type ? w.type : VSOCK_TYPE_STREAM);
		break;
	case CREDIT:
		h = rig_expect(&r, VSOCK_OP_CREDIT_UPDATE);
		EXPECT_EQ(h->alloc, VSOCK_RING);
		break;
	case DATA:
		expect_text(fd, row->w.lie ? "dat" : "data");
		break;
	case NOTHING:
	case ENDS:
	case BREAKS:
		break;
	}
	rig_expect_nothing(&r);
}

static void run_rows(uint64_t features)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool ends = rows[i].fate == RESET || rows[i].fate == ENDS;
		int fd;

		if (i == 0)
			fd = begin_connected(features);
		else
			fd = rig_host_connects(&r, PORT, &host_port);
		run_row(&rows[i], fd);
		if (rig_connections(&r) != !ends)
			test_fail(__FILE__, __LINE__, "%s: %u connections", rows[i].what,
				  rig_connections(&r));
		if (!ends)
			SAY(&r, ON_IT, .op = VSOCK_OP_RST);
		expect_end(fd);
		EXPECT_EQ(rig_connections(&r), 0);
		EXPECT(!guest_needs_reset(&r.g));
	}
	rig_end(&r);
}

TEST(each_packet_has_the_effect_and_answer_that_it_should)
{
	run_rows(0);
	run_rows(VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX));
}

TEST(the_same_on_a_packed_ring)
{
	run_rows(VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	run_rows(VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
		 VIRTIO_BIT(VIRTIO_F_EVENT_IDX));
}

TEST(what_a_host_program_says_first_is_taken_by_the_letter)
{
	static const struct {
		const char *says;
		uint32_t port; /* 0: it is hung up on */
	} greetings[] = {
		{ "CONNECT 7\n", 7 },
		{ "connect 7\n", 7 },
		{ "CONNECT 7\r\n", 7 },
		{ "CONNECT 4294967294\n", 4294967294u },
		{ "CONNECT 4294967295\n", 0 },
		{ "CONNECT 42949672960\n", 0 },
		{ "CONNECT 7 \n", 0 },
		{ "CONNECT -7\n", 0 },
		{ "CONNECT\n", 0 },
		{ "CONNECT \n", 0 },
		{ "\n", 0 },
		{ "GET / HTTP/1.1\r\n", 0 },
		{ "CONNECT 7xxxxxxxxxxxxxxxxxxxxxxx", 0 },
		{ "CONNECT 00000000000000000000000000000000000000000000000007\n", 0 },
	};

	rig_begin(&r, 0);
	for (size_t i = 0; i < ARRAY_SIZE(greetings); i++) {
		/* At once, and then byte for byte. */
		for (unsigned slow = 0; slow < 2; slow++) {
			int fd = rig_connect_path(r.path);
			size_t len = strlen(greetings[i].says);

			guest_turns(&r.g, 1);
			for (size_t k = 0; k < (slow ? len : 1); k++) {
				(void)!send(fd, greetings[i].says + k, slow ? 1 : len,
					    MSG_NOSIGNAL);
				guest_turns(&r.g, 1);
			}
			if (greetings[i].port) {
				EXPECT_EQ(rig_expect(&r, VSOCK_OP_REQUEST)->guest_port,
					  greetings[i].port);
				(void)close(fd);
				guest_turns(&r.g, 2);
			} else {
				guest_turns(&r.g, 2);
				EXPECT(read(fd, &(char){ 0 }, 1) == 0 || errno == ECONNRESET);
				(void)close(fd);
			}
			EXPECT_EQ(rig_connections(&r), 0);
		}
	}
	rig_expect_nothing(&r);
	rig_end(&r);
}

TEST(what_follows_the_greeting_is_the_guest_s)
{
	struct heard *h;
	int fd;

	rig_begin(&r, 0);
	fd = rig_connect_path(r.path);
	EXPECT_EQ(write(fd, "CONNECT 5\nearly", 15), 15);
	h = rig_expect(&r, VSOCK_OP_REQUEST);
	rig_expect_nothing(&r);
	SAY(&r, .op = VSOCK_OP_RESPONSE, .guest_port = 5, .host_port = h->host_port);
	h = rig_expect(&r, VSOCK_OP_RW);
	EXPECT(h->len == 5 && memcmp(h->data, "early", 5) == 0);
	(void)close(fd);
	rig_end(&r);
}

TEST(a_guest_that_refuses_or_does_not_answer_is_hung_up)
{
	struct heard *h;
	int fd, silent;

	rig_begin(&r, 0);
	fd = rig_connect_path(r.path);
	EXPECT_EQ(write(fd, "CONNECT 5\n", 10), 10);
	h = rig_expect(&r, VSOCK_OP_REQUEST);
	SAY(&r, .op = VSOCK_OP_RST, .guest_port = 5, .host_port = h->host_port);
	expect_end(fd);

	silent = rig_connect_path(r.path);
	EXPECT_EQ(write(silent, "CONNECT 5\n", 10), 10);
	h = rig_expect(&r, VSOCK_OP_REQUEST);
	for (int i = 0; i < 100 && rig_connections(&r); i++) {
		(void)usleep(100000);
		guest_turns(&r.g, 1);
	}
	expect_end(silent);
	/* Too late. */
	SAY(&r, .op = VSOCK_OP_RESPONSE, .guest_port = 5, .host_port = h->host_port);
	(void)rig_expect(&r, VSOCK_OP_RST);
	rig_end(&r);
}

TEST(the_guest_s_credit_is_kept)
{
	static uint8_t bytes[3 * RIG_BUFFER];
	uint32_t got = 0;
	int fd = begin_connected(0);

	SAY(&r, ON_IT, .op = VSOCK_OP_CREDIT_UPDATE, .alloc = 5000);
	EXPECT_EQ(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	while (got < 5000)
		got += rig_expect(&r, VSOCK_OP_RW)->len;
	EXPECT_EQ(got, 5000);
	(void)rig_expect(&r, VSOCK_OP_CREDIT_REQUEST);
	rig_expect_nothing(&r);
	/* A window that becomes smaller than what is under way gives none. */
	SAY(&r, ON_IT, .op = VSOCK_OP_CREDIT_UPDATE, .alloc = 100, .forwarded = 10);
	rig_expect_nothing(&r);
	SAY(&r, ON_IT, .op = VSOCK_OP_CREDIT_UPDATE, .alloc = 100, .forwarded = 5000);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_RW)->len, 100);
	(void)rig_expect(&r, VSOCK_OP_CREDIT_REQUEST);
	/* A hostile one: as if more had come than was sent. */
	SAY(&r, ON_IT, .op = VSOCK_OP_CREDIT_UPDATE, .alloc = 100, .forwarded = 6000);
	rig_expect_nothing(&r);
	/* Closing comes after all of the data. */
	(void)close(fd);
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_SHUTDOWN)->flags, VSOCK_NO_RECEIVE);
	rig_expect_nothing(&r);
	SAY(&r, ON_IT, .op = VSOCK_OP_CREDIT_UPDATE, .alloc = UINT32_MAX, .forwarded = 5100);
	for (got = 5100; got < sizeof(bytes);)
		got += rig_expect(&r, VSOCK_OP_RW)->len;
	EXPECT_EQ(got, sizeof(bytes));
	EXPECT_EQ(rig_expect(&r, VSOCK_OP_SHUTDOWN)->flags, VSOCK_NO_BOTH);
	rig_end(&r);
}

/* Sends @n bytes in packets of 4 KiB, counting on from *@sent. */
static void send_bytes(uint32_t *sent, uint32_t n)
{
	uint8_t data[4096];

	for (uint32_t end = *sent + n; *sent < end;) {
		uint32_t len = end - *sent < sizeof(data) ? end - *sent : (uint32_t)sizeof(data);

		for (uint32_t i = 0; i < len; i++)
			data[i] = (uint8_t)((*sent + i) * 7 >> 3);
		SAY(&r, ON_IT, .op = VSOCK_OP_RW, .len = len, .data = data);
		*sent += len;
	}
}

static uint32_t read_all(int fd, uint32_t *got)
{
	uint8_t data[4096];
	uint32_t n = 0;

	for (;;) {
		ssize_t len = read(fd, data, sizeof(data));

		if (len <= 0)
			return n;
		for (ssize_t i = 0; i < len; i++)
			EXPECT_EQ(data[i], (uint8_t)((*got + (uint32_t)i) * 7 >> 3));
		*got += (uint32_t)len;
		n += (uint32_t)len;
	}
}

TEST(what_a_slow_reader_leaves_is_kept_within_the_credit_and_the_guest_hears_of_room)
{
	uint32_t sent = 0, got = 0, forwarded = 0;
	int fd = begin_connected(0);
	struct heard h;

	/* As much as the socket and the ring hold: then there is no room, as the credit says. */
	do {
		send_bytes(&sent, 4096);
		while (rig_hear(&r, &h)) {
			EXPECT_EQ(h.op, VSOCK_OP_CREDIT_UPDATE);
			forwarded = h.forwarded;
		}
	} while (sent - forwarded < VSOCK_RING);
	EXPECT(read_all(fd, &got) > 0);
	guest_turns(&r.g, 2);
	h = *rig_expect(&r, VSOCK_OP_CREDIT_UPDATE);
	EXPECT(h.forwarded > forwarded);
	/* The rest, after the guest is gone: first all data, then the end. */
	SAY(&r, ON_IT, .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_SEND);
	while (got < sent) {
		(void)read_all(fd, &got);
		guest_turns(&r.g, 1);
	}
	guest_turns(&r.g, 1);
	expect_end(fd);
	rig_end(&r);
}

TEST(a_guest_that_sends_beyond_its_credit_loses_the_connection)
{
	uint32_t sent = 0, got = 0;
	int fd = begin_connected(0);

	while (sent < 64 << 20 && rig_connections(&r)) {
		struct heard h;

		send_bytes(&sent, 4096);
		if (rig_hear(&r, &h) && h.op == VSOCK_OP_RST)
			break;
	}
	EXPECT(sent < 64 << 20);
	/* What was within it is with the host in the end. */
	while (rig_connections(&r) || got == 0) {
		(void)read_all(fd, &got);
		guest_turns(&r.g, 1);
	}
	(void)read_all(fd, &got);
	EXPECT_EQ(got, sent - 4096);
	expect_end(fd);
	rig_end(&r);
}

TEST(what_the_guest_sent_arrives_though_it_reset_the_connection_or_itself)
{
	for (unsigned how = 0; how < 3; how++) {
		uint32_t sent = 0, got = 0;
		int fd = begin_connected(0);

		while (!rig_vsock(&r)->conn[0].fill)
			send_bytes(&sent, 4096);
		if (how == 0)
			SAY(&r, ON_IT, .op = VSOCK_OP_RST);
		else if (how == 1)
			SAY(&r, ON_IT, .op = VSOCK_OP_SHUTDOWN, .flags = VSOCK_NO_BOTH);
		else
			rig_start(&r);
		EXPECT_EQ(rig_connections(&r), 1);
		while (got < sent) {
			(void)read_all(fd, &got);
			guest_turns(&r.g, 1);
		}
		EXPECT_EQ(rig_connections(&r), 0);
		expect_end(fd);
		rig_end(&r);
	}
}

TEST(a_host_program_that_leaves_without_reading_ends_what_the_guest_sends)
{
	uint32_t sent = 0;
	struct heard h;
	int fd = begin_connected(0);

	while (!rig_vsock(&r)->conn[0].fill)
		send_bytes(&sent, 4096);
	(void)close(fd);
	do {
		guest_turns(&r.g, 1);
	} while (!rig_hear(&r, &h) || h.op == VSOCK_OP_CREDIT_UPDATE);
	EXPECT_EQ(h.op, VSOCK_OP_SHUTDOWN);
	EXPECT_EQ(h.flags, VSOCK_NO_BOTH);
	EXPECT_EQ(h.forwarded, sent);
	/* The guest may not know yet. */
	for (int i = 0; i < 64; i++)
		send_bytes(&sent, 4096);
	EXPECT_EQ(rig_connections(&r), 1);
	SAY(&r, ON_IT, .op = VSOCK_OP_RST);
	EXPECT_EQ(rig_connections(&r), 0);
	rig_end(&r);
}

static bool event_comes(uint32_t *what)
{
	uint32_t written;
	uint64_t cookie;

	guest_give(&r.g, VSOCK_EVENT, guest_in(RIG_SAYS + 8192, 8));
	guest_turns(&r.g, 2);
	if (!driver_get(&r.g.d.queue[VSOCK_EVENT], &cookie, &written))
		return false;
	EXPECT_EQ(written, 4);
	*what = le32_at(guest_buf(&r.g, RIG_SAYS + 8192));
	return true;
}

TEST(a_reset_ends_all_connections_and_the_next_driver_hears_of_it)
{
	int listener, fd[4], greeting;
	uint32_t what = 9, port;

	rig_begin(&r, 0);
	EXPECT(!event_comes(&what));
	rig_start(&r);
	listener = rig_listen(&r, 52);
	for (unsigned i = 0; i < 2; i++)
		fd[i] = rig_host_connects(&r, 100 + i, &port);
	fd[2] = rig_guest_connects(&r, listener, 200, 52);
	greeting = rig_connect_path(r.path);
	EXPECT_EQ(write(greeting, "CONN", 4), 4);
	fd[3] = rig_connect_path(r.path);
	EXPECT_EQ(write(fd[3], "CONNECT 5\n", 10), 10);
	(void)rig_expect(&r, VSOCK_OP_REQUEST);
	SAY(&r, .op = VSOCK_OP_REQUEST, .guest_port = 300, .host_port = 52);
	EXPECT_EQ(r.nr_dials, 1);
	EXPECT_EQ(rig_connections(&r), 6);

	/* The next driver is at once there, and what it says is not of these connections. */
	rig_start(&r);
	SAY(&r, .op = VSOCK_OP_RW, .guest_port = 200, .host_port = 52, .len = 1, .data = "x");
	(void)rig_expect(&r, VSOCK_OP_RST);
	for (unsigned i = 0; i < 4; i++)
		expect_end(fd[i]);
	rig_run_dials(&r);
	EXPECT_EQ(rig_connections(&r), 1);
	EXPECT(event_comes(&what));
	EXPECT_EQ(what, 0);
	EXPECT_EQ(write(greeting, "ECT 5\n", 6), 6);
	(void)rig_expect(&r, VSOCK_OP_REQUEST);

	/* With a connection of its own, it does not hear of those before. */
	(void)rig_host_connects(&r, 100, &port);
	rig_start(&r);
	fd[0] = rig_host_connects(&r, 100, &port);
	EXPECT(!event_comes(&what));
	EXPECT_EQ(rig_connections(&r), 1);
	rig_end(&r);
}

TEST(a_guest_that_asks_for_more_than_there_can_be_is_refused)
{
	unsigned refused = 0, asked = 0;
	struct heard h;

	rig_begin(&r, 0);
	for (; asked < VIRTIO_VSOCK_CONNECTIONS + 300; asked++) {
		SAY(&r, .op = VSOCK_OP_REQUEST, .guest_port = asked, .host_port = 52);
		while (rig_hear(&r, &h)) {
			EXPECT_EQ(h.op, VSOCK_OP_RST);
			refused++;
		}
	}
	guest_turns(&r.g, 2);
	EXPECT_EQ(refused, 300);
	EXPECT_EQ(r.nr_dials, VIRTIO_VSOCK_DIALS);
	/* It gives up on half of them, those that are dialed as well. */
	for (unsigned i = 0; i < VIRTIO_VSOCK_CONNECTIONS; i += 2)
		SAY(&r, .op = VSOCK_OP_RST, .guest_port = i, .host_port = 52);
	EXPECT_EQ(rig_connections(&r), VIRTIO_VSOCK_CONNECTIONS / 2 + VIRTIO_VSOCK_DIALS / 2);
	for (unsigned n = 0; rig_connections(&r);) {
		rig_run_dials(&r);
		guest_turns(&r.g, 1);
		for (; rig_hear(&r, &h); n++)
			EXPECT(h.op == VSOCK_OP_RST && h.guest_port % 2 == 1);
		EXPECT(n <= VIRTIO_VSOCK_CONNECTIONS / 2);
	}
	rig_end(&r);
}

TEST(programs_of_the_host_wait_while_there_is_no_room_for_more)
{
	static int fd[VIRTIO_VSOCK_CONNECTIONS + 8];

	rig_begin(&r, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = rig_connect_path(r.path);
		if (fd[i] < 0 || i % 64 == 0)
			guest_turns(&r.g, 10);
		if (fd[i] < 0 && errno == EMFILE)
			test_skip("too few file descriptors here");
	}
	guest_turns(&r.g, 20);
	if (rig_connections(&r) < VIRTIO_VSOCK_CONNECTIONS)
		test_skip("too few file descriptors here");
	EXPECT_EQ(write(fd[0], "bad\n", 4), 4);
	EXPECT_EQ(write(fd[ARRAY_SIZE(fd) - 9], "bad\n", 4), 4);
	guest_turns(&r.g, 20);
	EXPECT_EQ(rig_connections(&r), VIRTIO_VSOCK_CONNECTIONS);
	rig_end(&r);
}

TEST(a_guest_that_takes_no_answers_is_not_heard_until_it_does)
{
	struct heard h;
	unsigned said = 0, resets = 0;

	rig_begin(&r, 0);
	r.withheld = RIG_BUFFERS;
	rig_start(&r);
	while (rig_try_say(&r, &(const struct word){ .op = 99, .guest_port = said }))
		EXPECT(++said <= VSOCK_RESETS);
	EXPECT_EQ(said, VSOCK_RESETS);
	for (unsigned i = 0; i < RIG_BUFFERS; i++)
		rig_give(&r, GUEST_BUFFERS + i * RIG_BUFFER);
	for (int i = 0; i < 50; i++) {
		guest_turns(&r.g, 1);
		for (; rig_hear(&r, &h); resets++)
			EXPECT_EQ(h.op, VSOCK_OP_RST);
	}
	EXPECT_EQ(resets, VSOCK_RESETS + 1);
	rig_end(&r);
}

TEST(a_buffer_that_is_too_small_breaks_the_queue)
{
	rig_begin(&r, 0);
	r.withheld = RIG_BUFFERS;
	for (uint32_t len = 1; len <= VSOCK_HEADER + 1; len += VSOCK_HEADER / 2) {
		rig_start(&r);
		guest_give(&r.g, VSOCK_RX, guest_in(0, len));
		SAY(&r, .op = 99, .guest_port = 1);
		guest_turns(&r.g, 1);
		EXPECT_EQ(guest_needs_reset(&r.g), len <= VSOCK_HEADER);
	}
	rig_start(&r);
	guest_give(&r.g, VSOCK_RX, guest_in(0, VSOCK_HEADER + 1));
	SAY(&r, .op = 99, .guest_port = 1);
	guest_turns(&r.g, 1);
	EXPECT_EQ(guest_take(&r.g, VSOCK_RX), VSOCK_HEADER);
	rig_end(&r);
}

TEST(cids_and_paths_that_cannot_be_are_refused)
{
	static const char *const bad[] = { "2",		 "0",  "1", "4294967295",
					   "4294967296", "-3", "x", "cid=3,uds=" };
	struct virtio_vsock_config c = { 0 };
	char path[] = "/tmp/test-vsock-file.XXXXXX";
	struct err e;
	struct loop *l = loop_create(&e);
	static struct driver d;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT(keys_from_text(virtio_vsock_keys, &c, bad[i], &e) < 0);
		keys_free(virtio_vsock_keys, &c);
	}
	EXPECT_EQ(keys_from_text(virtio_vsock_keys, &c, "cid=4294967294,uds=x", &e), 0);
	EXPECT_EQ(c.cid, 4294967294u);
	keys_free(virtio_vsock_keys, &c);
	driver_init(&d, 1 * MiB);
	fd = mkstemp(path);
	c.uds = path;
	EXPECT(!virtio_vsock_create(&c, &d.mem, l, NULL, &e));
	EXPECT_HAS(e.text, "exists and is not a socket");
	EXPECT_EQ(access(path, F_OK), 0);
	c.uds = (char[]){ "/nowhere/at/all" };
	EXPECT(!virtio_vsock_create(&c, &d.mem, l, NULL, &e));
	EXPECT_HAS(e.text, "/nowhere/at/all");
	(void)close(fd);
	(void)unlink(path);
	loop_destroy(l);
	driver_done(&d);
}

TEST(registers_survive_abuse)
{
	uint32_t port;

	rig_begin(&r, 0);
	mmio_abuse(r.g.d.bus, r.g.d.dev);
	guest_turns(&r.g, 5);
	rig_start(&r);
	(void)close(rig_host_connects(&r, PORT, &port));
	rig_end(&r);
}

/* --- a vCPU that resets while the loop is at work --------------------------------------------- */

static void *run_loop(void *ctx UNUSED)
{
	struct err e;

	EXPECT_EQ(loop_run(r.g.loop, &e), 0);
	return NULL;
}

/* Packets of all kinds, as fast as the ring takes them; whoever hears the answers. */
static void babble(unsigned seed)
{
	struct driver_queue *q = &r.g.d.queue[VSOCK_TX];
	uint32_t written;
	uint64_t cookie;

	for (unsigned i = 0; i < 40; i++) {
		const struct vsock_header h = {
			.src_cid = le64_of(RIG_CID),
			.dst_cid = le64_of(VSOCK_CID_HOST),
			.src_port = le32_of((seed + i) % 7),
			.dst_port = le32_of(52),
			.len = le32_of(i % 3 ? 0 : 64),
			.type = le16_of(VSOCK_TYPE_STREAM),
			.op = le16_of((uint16_t)((seed * 5 + i) % 8)),
			.buf_alloc = le32_of(RIG_ALLOC),
		};
		const size_t at = RIG_SAYS + (i % 32) * 128;
		const struct piece p = { GUEST_BUFFERS + at, 128, false };

		memcpy(guest_buf(&r.g, at), &h, sizeof(h));
		if (driver_add(q, &p, 1, 1))
			(void)driver_kick(q);
		while (driver_get(q, &cookie, &written))
			;
	}
	while (driver_get(&r.g.d.queue[VSOCK_RX], &cookie, &written))
		rig_give(&r, cookie);
}

TEST(resets_while_packets_flow_leave_nothing_behind)
{
	pthread_t loop;
	int fd[8];

	rig_begin(&r, 0);
	EXPECT_EQ(pthread_create(&loop, NULL, run_loop, NULL), 0);
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(fd); k++) {
			fd[k] = rig_connect_path(r.path);
			if (fd[k] >= 0)
				(void)!send(fd[k], "CONNECT 3\n", 10, MSG_NOSIGNAL);
		}
		babble(i);
		driver_write(&r.g.d, REG_STATUS, 0);
		driver_forget(&r.g.d);
		driver_start(&r.g.d, i % 2 ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0, GUEST_RING);
		for (unsigned k = 0; k < RIG_BUFFERS; k++)
			rig_give(&r, GUEST_BUFFERS + k * RIG_BUFFER);
		for (unsigned k = 0; k < ARRAY_SIZE(fd); k++)
			if (fd[k] >= 0)
				(void)close(fd[k]);
	}
	driver_write(&r.g.d, REG_STATUS, 0);
	loop_stop(r.g.loop);
	EXPECT_EQ(pthread_join(loop, NULL), 0);
	guest_turns(&r.g, 60);
	rig_run_dials(&r);
	guest_turns(&r.g, 60);
	EXPECT_EQ(rig_connections(&r), 0);
	rig_end(&r);
}

TEST_MAIN(T(it_is_a_socket_device_with_three_queues_and_its_cid),
	  T(a_host_program_reaches_the_guest), T(the_guest_reaches_a_host_program),
	  T(either_side_closes_one_direction_and_goes_on_in_the_other),
	  T(each_packet_has_the_effect_and_answer_that_it_should), T(the_same_on_a_packed_ring),
	  T(what_a_host_program_says_first_is_taken_by_the_letter),
	  T(what_follows_the_greeting_is_the_guest_s),
	  T(a_guest_that_refuses_or_does_not_answer_is_hung_up), T(the_guest_s_credit_is_kept),
	  T(what_a_slow_reader_leaves_is_kept_within_the_credit_and_the_guest_hears_of_room),
	  T(a_guest_that_sends_beyond_its_credit_loses_the_connection),
	  T(what_the_guest_sent_arrives_though_it_reset_the_connection_or_itself),
	  T(a_host_program_that_leaves_without_reading_ends_what_the_guest_sends),
	  T(a_reset_ends_all_connections_and_the_next_driver_hears_of_it),
	  T(a_guest_that_asks_for_more_than_there_can_be_is_refused),
	  T(programs_of_the_host_wait_while_there_is_no_room_for_more),
	  T(a_guest_that_takes_no_answers_is_not_heard_until_it_does),
	  T(a_buffer_that_is_too_small_breaks_the_queue),
	  T(cids_and_paths_that_cannot_be_are_refused), T(registers_survive_abuse),
	  T(resets_while_packets_flow_leave_nothing_behind))
