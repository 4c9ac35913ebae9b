/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls posted to an event loop: none is lost, none is made twice, and the list stays a list.
 *
 *	poster			vmm/core/loop.c: loop_post()
 *	loop			vmm/core/loop.c: loop_run() with gather() and serve_calls()
 *	event			the eventfd, watched edge-triggered: epoll tells of each write once
 *
 * Two threads post the same call, and one of them another. What a poster wrote before it posted (work)
 * the call sees.
 *
 * Property: all work is done at the end; a loop that sleeps over some is an invalid end state, as
 * the posters' ends wait for it. Asserted: a call is never put into a list that it is in.
 * Bugs to be found: WAKE (only the first ever wakes), UNPOST (a call counts as posted until it was
 * made), MARK (posted is not looked at and set in one step).
 */
#define CALLS 2
#define NONE 255

bool posted[CALLS];
byte next[CALLS];
bool in_list[CALLS];
byte head = NONE; /* loop.posted */
bool event, running;
byte work[CALLS]; /* to be done, under a lock of its own */
byte asleep;

inline post(c)
{
#ifdef MARK
	was = posted[c];
	posted[c] = true;
#else
	atomic {
		was = posted[c];
		posted[c] = true
	};
#endif
	if
	:: was
	:: else ->
		assert(!in_list[c]);
		old = head;
		do
		:: next[c] = old;
			atomic { /* compare and exchange */
				if
				:: head == old ->
					head = c;
					in_list[c] = true;
					break
				:: else -> old = head
				fi
			}
		od;
#ifdef WAKE
		if
		:: old == NONE && !running -> event = true
#else
		if
		:: old == NONE -> event = true
#endif
		:: else
		fi
	fi
}

proctype poster(byte first; byte second)
{
	byte old;
	bool was;

	work[first]++;
	post(first);
	work[second]++;
	post(second);
	work[0] == 0 && work[1] == 0
}

proctype loop()
{
	byte taken, c;

end:	do
	:: running = true;
		/* gather(); the order among calls is of no matter here */
		taken = NONE;
		if
		:: head != NONE -> atomic { taken = head; head = NONE }
		:: else
		fi;
		do
		:: taken != NONE ->
			c = taken;
			taken = next[c];
			in_list[c] = false;
#ifdef UNPOST
			work[c] = 0;
			posted[c] = false
#else
			posted[c] = false;
			work[c] = 0
#endif
		:: else -> break
		od;
		running = false;
end_sleep:	atomic { event -> event = false } /* epoll_wait() */
	od
}

init {
	atomic {
		run loop();
		run poster(0, 1);
		run poster(0, 0)
	}
}
