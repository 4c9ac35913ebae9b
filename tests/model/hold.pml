/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world stops: all vCPUs come out of the guest and of devices, and go on afterwards.
 *
 *	may_enter(), came_out()	vmm/vcpu.c, of the same names
 *	kick()			vmm/vcpu.c: kick()
 *	wanted			vmm/vcpu.c: vcpu_wanted()
 *	hold(), release()	vmm/vcpu.c: vcpus_hold(), vcpus_release()
 *	alone			vmm/vcpu.c: vcpus_exclusive_begin() with try_alone(), vcpus_exclusive_end()
 *	vcpu			vmm/vcpu.c: vcpu_thread(); arch/arm64/exit.c: run()
 *	KVM_RUN			the kernel: looks at immediate_exit, and for signals, once it has begun;
 *				a signal that comes before has its handler run, and is gone
 *
 * Two who hold (a snapshot and a report, say) may overlap; one vCPU now and then wants to be alone.
 *
 * Properties. Asserted: while the world is held, no vCPU is in the guest or in a device, and no
 * access waits for KVM_RUN to be finished; while one is alone, no other is in the guest. Always: a hold
 * that is asked for is had, though a guest that nobody kicks stays in KVM_RUN for ever; and at the
 * end nobody waits.
 * Bugs to be found: FLAG (a kick is only a signal), ORDER (the flag is cleared after leave to enter is
 * given), COUNT (holds are not counted), FINISH (a vCPU comes out right after its access).
 */
#define VCPUS 2

bool locked;
byte holds, running;
byte alone; /* 1 + its number */
bool is_running[VCPUS], immediate_exit[VCPUS];
bool in_kvm[VCPUS], signalled[VCPUS], in_device[VCPUS], unfinished[VCPUS];
bool waits[VCPUS + 2]; /* in cond_wait(): vCPUs, and after them who hold */
byte asking, held;

#define lock() atomic { !locked -> locked = true }
#define unlock() locked = false

inline broadcast()
{
	d_step {
		waits[0] = false;
		waits[1] = false;
		waits[2] = false;
		waits[3] = false
	}
}

ltl stops { [] (asking > 0 -> <> (asking == 0)) }

/* Given up, waited for, had again. */
inline wait_changed(who)
{
	atomic { waits[who] = true; unlock() };
	!waits[who];
	lock()
}

inline kick(n)
{
#ifndef FLAG
	immediate_exit[n] = true;
#endif
	d_step { /* outside of KVM_RUN the handler runs, and does nothing */
		if
		:: in_kvm[n] -> signalled[n] = true
		:: else
		fi
	}
}

inline may_enter(me)
{
	lock();
	do
	:: holds > 0 || alone > 0 -> wait_changed(me)
	:: else -> break
	od;
#ifndef ORDER
	immediate_exit[me] = false;
#endif
	is_running[me] = true;
	running++;
	unlock();
#ifdef ORDER
	immediate_exit[me] = false
#endif
}

inline came_out(me)
{
	lock();
	is_running[me] = false;
	running--;
	if
	:: running == 0 || alone > 0 -> broadcast()
	:: else
	fi;
	unlock()
}

/* Enters; comes back with an exit of the guest's own, or because it was kicked. */
inline kvm_run(me, interrupted)
{
	atomic {
		in_kvm[me] = true;
		unfinished[me] = false
	};
	if
	:: immediate_exit[me] -> interrupted = true
	:: !immediate_exit[me] ->
		if
		:: interrupted = false /* the guest touches a device */
		:: true -> /* or stays where it is, for ever if it is not kicked */
end_guest:		signalled[me];
			interrupted = true
		fi
	fi;
	atomic {
		in_kvm[me] = false;
		signalled[me] = false
	}
}

inline be_alone(me)
{
	lock();
	if
	:: holds > 0 || alone > 0 -> unlock()
	:: else ->
		alone = me + 1;
		if
		:: is_running[1 - me] -> kick(1 - me)
		:: else
		fi;
		do
		:: running > 1 -> wait_changed(me)
		:: else -> break
		od;
		unlock();
		assert(!in_kvm[1 - me] && !in_device[1 - me]);
		lock();
		alone = 0;
		broadcast();
		unlock()
	fi
}

proctype vcpu(byte me)
{
	bool interrupted, out;

end:	do
	:: may_enter(me);
		out = false;
		do
		:: out -> break
		:: !out ->
			kvm_run(me, interrupted);
			if
			:: interrupted ->
				lock();
				out = (holds > 0 || (alone > 0 && alone != me + 1));
				unlock();
				if
				:: !out && me == 0 -> be_alone(me)
				:: true
				fi
			:: else ->
				in_device[me] = true;
				atomic {
					in_device[me] = false;
					unfinished[me] = true
				}
#ifdef FINISH
				;
				lock();
				out = (holds > 0);
				unlock()
#endif
			fi
		od;
		came_out(me)
	od
}

inline hold(who)
{
	lock();
	asking++;
#ifdef COUNT
	holds = 1;
#else
	holds++;
#endif
	if
	:: is_running[0] -> kick(0)
	:: else
	fi;
	if
	:: is_running[1] -> kick(1)
	:: else
	fi;
	do
	:: running > 0 -> wait_changed(who)
	:: else -> break
	od;
	asking--;
	held++;
	unlock()
}

inline release()
{
	lock();
	held--;
	holds--;
	if
	:: holds == 0 -> broadcast()
	:: else
	fi;
	unlock()
}

proctype holder(byte me)
{
	hold(me);
	assert(!in_kvm[0] && !in_kvm[1] && !in_device[0] && !in_device[1]);
	assert(!unfinished[0] && !unfinished[1]);
	release()
}

init {
	atomic {
		run vcpu(0);
		run vcpu(1);
		run holder(2);
		run holder(3)
	}
}
