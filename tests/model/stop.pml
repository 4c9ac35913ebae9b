/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of a disk is stopped, by a reset of the device or of the queue, while requests are in
 * flight; and is started anew.
 *
 *	vcpu: start		devices/virtio/queue.c: queue_start()
 *	vcpu: stop		queue_stop(), then blk.c: blk_queue_stopped() with queue_drain()
 *	thread			blk_serve.c: blk_serve(), give_back(), take(), try_again()
 *	thread: reap		blk_serve.c: host_done(), waits_for_room(), called by disk_wait()
 *	thread: push, pop	queue.c: queue_push(), queue_pop()
 *	host			the kernel, which carries requests out in any order
 *
 * Properties. Asserted: nothing is written into a ring that is not the device's (the driver may have
 * given its memory to somebody else), nothing is shown there once a stop began, and the host has no
 * buffer of it either, once a stop is over.
 * Always: a stop that began ends, also when the host never finds room.
 * Bugs to be found: DRAIN (a stop waits for nobody), LIVE (a push does not ask whether the queue is
 * live), ABANDON (who waits for room is not told to give up), WAKE (nor who comes last told anybody).
 */
#define SLOTS 2
#define ROUNDS 2

mtype = { FREE, HOST, OK, NO_ROOM, FULL, DONE };

mtype slot[SLOTS];	/* a request: where it is */
bool locked, waiting;	/* queue.lock */
bool started, abandon;
byte in_flight;
byte available;		/* what the driver has put there */
bool kicked;		/* the eventfd */
bool idle;		/* queue.idle was broadcast */
bool ours;		/* the ring and what it names is the device's */
bool stopping;
bool ended;

/* Who waits has it in its turn, so that who works all the time does not keep it for ever. */
#define lock_thread() atomic { !locked && !waiting -> locked = true }
#define lock_vcpu() waiting = true; atomic { !locked -> locked = true; waiting = false }
#define unlock() locked = false

ltl ends { [] (stopping -> <> !stopping) }

active [SLOTS] proctype host()
{
	byte mine = (_pid % SLOTS);

end:	do
	:: atomic { slot[mine] == HOST -> if :: slot[mine] = OK :: slot[mine] = NO_ROOM fi }
	od
}

inline push(n)
{
	d_step {
#ifndef LIVE
		if
		:: started ->
#endif
			assert(ours && started);
#ifndef LIVE
		:: else
		fi;
#endif
		slot[n] = FREE;
		in_flight--;
#ifndef WAKE
		if
		:: in_flight == 0 && !started -> idle = true
		:: else
		fi
#endif
	}
}

inline reap(n)
{
	d_step {
		if
		:: slot[n] == OK -> slot[n] = DONE
		:: slot[n] == NO_ROOM && abandon -> slot[n] = DONE
		:: slot[n] == NO_ROOM && !abandon -> slot[n] = FULL
		:: else
		fi
	}
}

inline again(n)
{
	d_step {
		if
		:: slot[n] == FULL && abandon -> slot[n] = DONE
		:: slot[n] == FULL && !abandon -> slot[n] = HOST
		:: else
		fi
	}
}

inline give_back()
{
	if
	:: slot[0] == DONE -> push(0)
	:: else
	fi;
	if
	:: slot[1] == DONE -> push(1)
	:: else
	fi
}

inline pop()
{
	d_step {
		available--;
		in_flight++;
		assert(ours);
		if
		:: slot[0] == FREE -> slot[0] = HOST
		:: else -> slot[1] = HOST
		fi
	}
}

active proctype thread()
{
	bool was_full, was_kicked;

end:	do
	:: was_full = (slot[0] == FULL || slot[1] == FULL);
		/* disk_wait(): a kick, something done, or the time to try again */
end_wait:	if
		:: kicked
		:: slot[0] == OK || slot[0] == NO_ROOM || slot[1] == OK || slot[1] == NO_ROOM
		:: was_full
		fi;
		atomic {
			was_kicked = kicked;
			kicked = false
		};
		reap(0);
		reap(1);
		if
		:: was_full -> again(0); again(1)
		:: else
		fi;
		lock_thread();
		give_back();
		if
		:: was_kicked ->
			do
			:: started && available > 0 -> pop()
			:: else -> break
			od;
			give_back()
		:: else
		fi;
		unlock()
	od
}

active proctype vcpu()
{
	byte round;

	slot[0] = FREE;
	slot[1] = FREE;
	do
	:: round < ROUNDS ->
		round++;
		lock_vcpu();
		assert(!started && in_flight == 0);
		ours = true;
		available = 0;
		started = true;
		unlock();
		do
		:: available + in_flight < SLOTS -> atomic { available++; kicked = true }
		:: break
		od;
		stopping = true;
		lock_vcpu();
		started = false;
		unlock();
#ifndef ABANDON
		abandon = true;
#endif
		kicked = true;
#ifndef DRAIN
		lock_vcpu();
		do
		:: in_flight > 0 ->
			atomic { idle = false; unlock() }; /* cond_wait() */
			idle;
			lock_vcpu()
		:: else -> break
		od;
		unlock();
#endif
		abandon = false;
		ours = false;
		assert(slot[0] != HOST && slot[1] != HOST);
		stopping = false
	:: round == ROUNDS -> break
	od;
	ended = true
}
