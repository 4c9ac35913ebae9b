/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chardev: the host end of a character device: stdio, pty, file, Unix socket, or nothing.
 *
 * Two bounded rings stand between the host and the guest's device ("front"). Input is read from
 * the host only while its ring has room, so none is lost however slow the guest is. Output goes
 * into its ring without blocking, and the loop thread writes it out; when the ring is full the
 * front is told so and shows it to the guest as hardware flow control does (a full FIFO), so output
 * stays byte-exact however slow the reader is. Output that keeps coming is written at most once a
 * millisecond, so that a guest that prints byte by byte costs no wake-up a byte.
 *
 * A reader that stopped altogether must not hang a guest that polls for room: a front that keeps
 * asking for room for CHARDEV_STALL_NS and at least CHARDEV_STALL_ASKS times without one byte being
 * taken gets room, output is dropped and counted until the reader moves again, and one line says
 * so. A guest that waits for the interrupt instead just waits, and loses nothing.
 *
 * A pty or socket without a peer keeps the newest CHARDEV_RING bytes for the next one and drops
 * older ones. One peer at a time, any number one after the other; a socket's next client waits in
 * the queue of connections. What a peer sent before it left still reaches the guest, unless the
 * next client comes before the guest has read it.
 *
 * A file that cannot be written (disk full) drops output, with one line when that begins, and goes
 * on when there is room again.
 *
 * stdio keeps the terminal's own open file as it is (other programs share it) and opens it anew
 * for itself where it can. A stdin that is no terminal is fed to the guest until it ends. A
 * terminal is raw only while we are in the foreground.
 *
 * Threads: the front's own lock serialises its calls of chardev_read(), _write() and _room(), from
 * whichever thread. Everything else: the loop thread, as loop.h defines it.
 */
#ifndef VMM_HOST_CHARDEV_H
#define VMM_HOST_CHARDEV_H

#include "vmm/base/err.h"
#include "vmm/core/loop.h"

struct chardev;

#define CHARDEV_STALL_NS   1000000000ULL
#define CHARDEV_STALL_ASKS 1000
#define CHARDEV_RING	   65536 /* bytes of output that can wait */
#define CHARDEV_RECENT	   8192	 /* bytes of output that are remembered */

enum chardev_kind {
	CHARDEV_STDIO,
	CHARDEV_PTY,
	CHARDEV_FILE,
	CHARDEV_SOCKET,
	CHARDEV_NULL,
	CHARDEV_NONE, /* in a configuration: there is no such device. Never opened */
};

/* What the guest's device is told. Called on the loop thread, with no lock of chardev held. */
struct chardev_front {
	/*
	 * Input came, or output found room after there was none: ask chardev_read()/_room(). Or a
	 * peer came or left, or the terminal has another size: ask chardev_peers(), _size().
	 */
	void (*ready)(struct chardev_front *f);
};

/*
 * What the user of stdio wants. Called on the loop thread, with no lock of chardev held; must not
 * close the chardev from inside.
 */
struct chardev_commands {
	/*
	 * Ctrl-a and @letter was typed; chardev itself serves 'h', '?' (help) and 'a', Ctrl-a (a
	 * Ctrl-a for the guest). Returns whether it knows the letter; if not, a line says so.
	 */
	bool (*command)(void *ctx, char letter);
	const char *help; /* lines for Ctrl-a h beside chardev's own: "x  end the guest\n..." */

	/*
	 * The terminal hung up, or the reader of standard output has gone: nobody sees this VM any
	 * more, so it should end. @why is half a sentence. Once. May be NULL.
	 */
	void (*lost)(void *ctx, const char *why);
	void *ctx;
};

/*
 * Opens the host end. @path is for file (truncated, made when missing) and socket (listens; a
 * stale socket file is replaced, a live one refused). For a pty the name of the other side is in
 * chardev_name(). stdio: raw mode when stdin is a terminal and we are in the foreground; the
 * escape Ctrl-a is active only then. @commands may be NULL; copied, what it points to is borrowed
 * for as long as the chardev lives. stdio and file make SIGPIPE and SIGXFSZ ignored, where they had
 * their default action. One stdio at a time. NULL and @e set on failure.
 */
struct chardev *chardev_open(enum chardev_kind kind, const char *path,
			     const struct chardev_commands *commands, struct loop *l,
			     struct err *e) MUST_CHECK;

/*
 * Writes out what waits, giving up after a second without progress or ten in all, restores the
 * terminal, removes what it made, frees. The front must not call meanwhile. NULL is fine.
 */
void chardev_close(struct chardev *c);

/* For messages: "stdio", "/dev/pts/3", a path. */
const char *chardev_name(const struct chardev *c);

/* Attaches the guest's device; borrowed, detach with NULL before it goes. Input waits till then. */
void chardev_attach(struct chardev *c, struct chardev_front *f);

/* Takes up to @len bytes of input that has come. Any thread, never blocks; cheap when none has. */
size_t chardev_read(struct chardev *c, void *to, size_t len);

/*
 * Queues output; returns how many bytes were taken (or dropped by the stall rule). Taking less than
 * @len counts as an ask for the stall rule. Any thread, never blocks.
 */
size_t chardev_write(struct chardev *c, const void *from, size_t len);

/*
 * Bytes of output that would be taken now; asking in vain counts for the stall rule, and has ready
 * called when there is room. Any thread, never blocks; takes no lock unless the ring is full.
 */
size_t chardev_room(struct chardev *c);

/*
 * Copies the end of what the guest has written, at most @len and CHARDEV_RECENT bytes, dropped ones
 * included; returns how many. Any thread.
 */
size_t chardev_recent(struct chardev *c, void *to, size_t len);

/* Forgets it: another guest, or the same one after a reset, starts with nothing written. */
void chardev_forget_recent(struct chardev *c);

/*
 * How often a peer came or left: odd while there is one, and other than before also when one left
 * and another came. One that left counts as there while input of it is on its way. 1 for what has
 * no peers. Any thread.
 */
unsigned chardev_peers(struct chardev *c);

/*
 * The terminal's size: stdio's, or what the other side of a pty was set to, looked at when somebody
 * comes or types there. Both 0 while it is not known or there is no terminal. Any thread.
 */
void chardev_size(struct chardev *c, uint16_t *cols, uint16_t *rows);

/* Output dropped so far by the stall rule, for want of a peer or of disk. Any thread. */
uint64_t chardev_dropped(const struct chardev *c);

/*
 * Bytes of output that the host's end has taken, or that failed there. @call, when there is one, is
 * posted each time that it has taken some; NULL: not any more. Loop thread.
 */
uint64_t chardev_taken(const struct chardev *c);
void chardev_tell_taken(struct chardev *c, struct call *call);

/*
 * To be called on the loop thread for SIGTSTP, SIGCONT and SIGWINCH (by signalfd), whatever the
 * kind.
 * SIGTSTP puts the terminal back, stops this process as the signal does by default, and takes the
 * terminal again when continued in the foreground. SIGCONT looks whether we are in the foreground,
 * SIGWINCH at the terminal's size.
 */
void chardev_job_control(struct chardev *c, int signo);

/*
 * Puts the terminal back as it was. Async-signal-safe, idempotent, does nothing when stdio was
 * never made raw: for crash handlers. Registered with atexit() too.
 */
void chardev_restore_terminal(void);

#endif
