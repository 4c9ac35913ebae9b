/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody sleeps over what the other has for him: kicks and interrupts of one virtqueue, with event
 * indices and with flags (virtio 1.3, 2.7.7 to 2.7.10).
 *
 *	take()			devices/virtio/blk_serve.c: take()
 *	fetch, give()		queue_split.c: split_take(), split_give()
 *	ask_kicks()		queue_split.c: split_ask_kicks()
 *	refuse_kicks()		queue_split.c: split_refuse_kicks(), by queue_want_kicks(q, false)
 *	flush()			queue.c: queue_flush(), with split_want_interrupt()
 *	passed()		queue_ring.h: event_passed()
 *	fence()			queue_ring.h: store_load_fence()
 *
 * A side's stores reach the other in order, but late: they wait in a buffer that is emptied at any
 * time, and by a fence for sure. That is what x86 does; arm64 may do more, which release stores and
 * acquire loads of the indices forbid. Positions count to 8 instead of 65536.
 *
 * Property: the driver sees all of its requests used. Who waits for ever is an invalid end state.
 * Bugs to be found: FENCE_ASK, FENCE_FLUSH (a fence is forgotten), LOOK (no second look after asking
 * for kicks), EVENT (the comparison is off by one), EARLY (interrupts are decided on before the
 * index is stored).
 */
#define SIZE 2
#define MOD 8
#define REQUESTS 5
#define minus(a, b) ((a + MOD - b) % MOD)
#ifdef EVENT
#define passed(event, now, n) (minus(now, event) < n)
#else
#define passed(event, now, n) (minus(minus(now, event), 1) < n)
#endif

/* Memory that both share. */
byte mem[4]; /* by place: */
#define AVAIL_IDX 0
#define AVAIL_EVENT 1 /* in the used ring: the device asks for a kick at; or its flags */
#define USED_IDX 2
#define USED_EVENT 3 /* in the available ring: the driver asks for an interrupt at; or its flags */

chan driver_stores = [3] of { byte, byte };
chan device_stores = [3] of { byte, byte };

bool event_idx;		   /* the feature; constant once both run */
bool kick, irq;		   /* the eventfd counts something; the interrupt is pending */

#define fence(stores) (empty(stores))

active proctype memory()
{
	byte at, v;

end:	do
	:: atomic { device_stores?at, v; mem[at] = v }
	:: atomic { driver_stores?at, v; mem[at] = v }
	od
}

/* --- the driver, as Linux does it ------------------------------------------------------------ */

active proctype driver()
{
	byte idx, last, made, seen, old, event;

	atomic {
		if
		:: event_idx = true
		:: event_idx = false
		fi;
		/* It has asked for nothing yet: an event index of 0, no flag. */
	}
	do
	:: made < REQUESTS && minus(idx, last) < SIZE ->
		old = idx;
		do /* one or several before it kicks */
		:: made < REQUESTS && minus(idx, last) < SIZE ->
			idx = (idx + 1) % MOD;
			made++;
			driver_stores!AVAIL_IDX, idx
		:: idx != old -> break
		od;
		fence(driver_stores);
		event = mem[AVAIL_EVENT];
		if
		:: event_idx && passed(event, idx, minus(idx, old)) -> kick = true
		:: !event_idx && event == 0 -> kick = true
		:: else
		fi
	:: mem[USED_IDX] != last ->
		last = (last + 1) % MOD;
		seen++
	:: seen == REQUESTS -> break
	:: made > seen -> /* sleeps, having asked to be woken */
		driver_stores!USED_EVENT, (event_idx -> last : 0);
		fence(driver_stores);
		if
		:: mem[USED_IDX] != last
		:: mem[USED_IDX] == last ->
			irq;
			irq = false
		fi;
		if
		:: !event_idx -> driver_stores!USED_EVENT, 1
		:: else
		fi
	od
}

/* --- the device ------------------------------------------------------------------------------ */

byte next_avail, next_used, pushed, in_flight;
bool asked, more;

inline refuse_kicks()
{
	if
	:: asked -> device_stores!AVAIL_EVENT, 1; asked = false
	:: else
	fi
}

inline ask_kicks()
{
	if
	:: event_idx -> device_stores!AVAIL_EVENT, next_avail
	:: !event_idx && !asked -> device_stores!AVAIL_EVENT, 0; asked = true
	:: else
	fi;
#ifndef FENCE_ASK
	fence(device_stores);
#endif
#ifdef LOOK
	more = false
#else
	more = (mem[AVAIL_IDX] != next_avail)
#endif
}

inline take()
{
	more = true;
	do
	:: more ->
		refuse_kicks();
		do
		:: mem[AVAIL_IDX] != next_avail ->
			next_avail = (next_avail + 1) % MOD;
			in_flight++
		:: mem[AVAIL_IDX] == next_avail -> break
		od;
		ask_kicks()
	:: !more -> break
	od
}

inline give()
{
	in_flight--;
	next_used = (next_used + 1) % MOD;
	pushed++;
	device_stores!USED_IDX, next_used
}

inline flush()
{
	if
	:: pushed > 0 ->
#if !defined(FENCE_FLUSH) && !defined(EARLY)
		fence(device_stores);
#endif
		if
		:: event_idx && passed(mem[USED_EVENT], next_used, pushed) -> irq = true
		:: !event_idx && mem[USED_EVENT] == 0 -> irq = true
		:: else
		fi;
		pushed = 0
	:: else
	fi
}

active proctype device()
{
end:	do
	:: atomic { kick -> kick = false };
		take();
		flush()
	:: in_flight > 0 ->
#ifdef EARLY
		pushed++;
		next_used = (next_used + 1) % MOD;
		flush();
		in_flight--;
		device_stores!USED_IDX, next_used
#else
		give();
		if /* what else is done by now comes in the same round */
		:: in_flight > 0 -> give()
		:: true
		fi;
		flush()
#endif
	od
}
