/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A back end that speaks vhost-user dies at any time and comes back, while requests are in flight and
 * while the driver stops its ring.
 *
 *	driver			vhost_user.c: start_queue(), stop_queue(), queue_stopped()
 *	thread			vhost_user_serve.c: vhost_user_serve() with round_of(), stop_rings(),
 *				start_ring(), lose(), meet()
 *	resume			vhost_user_resume.c: vhost_user_resume(), in_turn()
 *	back end		somebody's; completes in any order, and keeps a record of what it has begun,
 *				or not (INFLIGHT_SHMFD). A step of it, record and used ring together, is one:
 *				that is the back end's part of the bargain
 *
 * Properties. Asserted: no request becomes used twice, none is touched once a stop is over. Always:
 * a stop that began ends, whatever the back end does. At the end each request was used, unless the
 * device said that it needs a reset since nobody could tell which were: who waits is an invalid end.
 * Bugs to be found: AVAIL (a successor begins at what was made available last), TURN (requests that
 * were completed out of order are not looked for), ROUND (one that fails while a ring is stopped is
 * not looked at again), KEPT (a record outlives the stop that made it void).
 */
#define REQUESTS 3
#define SIZE 2

mtype = { OFF, WANTED, STOPPING };

bool records;			/* the back end's way */
mtype state = OFF;		/* vu_ring.state */
byte avail, used;		/* indices in the rings */
bool is_used[REQUESTS];
bool record[REQUESTS];		/* the record of what is in flight, in memory of its own */
bool stuck;			/* DEVICE_NEEDS_RESET */
bool wake;			/* wake_fd */

bool alive, serving;		/* the back end: is there; its ring is on */
bool gone;			/* for ever: nobody comes after it */
byte next;			/* its position in the available ring */
bool begun[REQUESTS];		/* what it has begun, as it knows itself */
byte deaths = 2;		/* that are still to come, at most */
byte rounds;			/* that the driver has begun */
bool stopping;

ltl stops { [] (stopping -> <> !stopping) }

#define count(a) (a[0] + a[1] + a[2])

/* All at once, since nobody sees it in the middle: memory of a process that ended. */
inline forget()
{
	d_step {
		serving = false;
		next = 0;
		begun[0] = false;
		begun[1] = false;
		begun[2] = false
	}
}

inline finish(n)
{
	d_step {
		assert(!is_used[n]);
		assert(state != OFF);
		is_used[n] = true;
		used++;
		record[n] = false;
		begun[n] = false
	}
}

active proctype back_end()
{
end:	do
	:: atomic { alive && serving && next < avail && next < REQUESTS ->
			begun[next] = true;
			record[next] = records;
			next++
		}
	:: atomic { alive && serving && begun[0] -> finish(0) }
	:: atomic { alive && serving && begun[1] -> finish(1) }
	:: atomic { alive && serving && begun[2] -> finish(2) }
	:: atomic { alive && deaths > 0 ->
			deaths--;
			alive = false;
			if
			:: gone = true
			:: true
			fi;
			forget()
		}
	od
}

active proctype thread()
{
	bool on, began, met, failed, again;

	atomic {
		if
		:: records = true
		:: records = false
		fi;
		alive = true;
		met = true
	}
end:	do
	:: wake || (met && !alive) || (!met && !gone) -> /* wait_for_work() */
		wake = false;
		if
		:: !met && !gone -> /* the loop thread connects again, when there is somebody */
			alive = true;
			met = true;
			on = false
		:: met && !alive -> met = false; on = false /* lose() */
		:: else
		fi;
		again = true;
		do /* round_of(), twice if it failed */
		:: again ->
			again = false;
			failed = false;
			if
			:: state == STOPPING ->
				if
				:: on && !alive -> failed = true
				:: on && alive -> atomic { forget() } /* GET_VRING_BASE, answered */
				:: else
				fi;
				if
				:: !failed ->
					on = false;
					began = false;
					atomic {
						state = OFF;
#ifndef KEPT
						record[0] = false;
						record[1] = false;
						record[2] = false
#endif
					}
				:: else
				fi
			:: state == WANTED && met && !on && !stuck ->
				atomic {
					if
					:: !alive
					:: alive && began && records -> /* it takes up what is recorded by itself */
						begun[0] = record[0];
						begun[1] = record[1];
						begun[2] = record[2];
						next = used + count(record)
					:: alive && began && !records ->
#ifdef AVAIL
						next = avail
#else
						next = used;
#ifndef TURN
						if
						:: (used > 0 && !is_used[0]) || (used > 1 && !is_used[1]) ->
							stuck = true
						:: else
						fi
#endif
#endif
					:: alive && !began -> next = 0
					fi;
					if
					:: alive && !stuck -> serving = true; began = true; on = true
					:: !alive -> failed = true; began = true
					:: alive && stuck
					fi
				}
			:: else
			fi;
			if
			:: failed ->
				met = false;
				on = false;
#ifndef ROUND
				if
				:: state == STOPPING -> again = true
				:: else
				fi
#endif
			:: else
			fi
		:: else -> break
		od
	od
}

active proctype driver()
{
	do
	:: rounds < 2 ->
		rounds++;
		/* A reset: what was there before is of no matter any more. */
		atomic {
			assert(!serving);
			avail = 0;
			used = 0;
			is_used[0] = false;
			is_used[1] = false;
			is_used[2] = false;
			stuck = false;
			state = WANTED
		};
		wake = true;
		do
		:: avail < REQUESTS && avail - used < SIZE -> avail++
		:: used == REQUESTS || stuck -> break
		:: rounds == 1 || gone -> break /* or at any time */
		od;
		stopping = true;
		state = (state == WANTED -> STOPPING : state);
		wake = true;
		state == OFF;
		stopping = false
	:: else -> break
	od
}
