/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hal: what attacks are made of, as a guest has it: registers, memory, time, another CPU. Two back
 * ends: in process, on a bus and plain memory (tests/unit/test_attack.c), and a bare-metal guest
 * (tests/guest/attack). Code in this folder uses nothing else and no C library, so that it runs in
 * both, and is built without the thread sanitizer: a guest may write its memory while vmm reads it.
 */
#ifndef TESTS_ATTACK_HAL_H
#define TESTS_ATTACK_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAL_SLOTS 32

/* The machine, as the back end found or made it, before any attack. */
struct hal {
	uint64_t ram, ram_size;	  /* guest physical */
	uint64_t free, free_size; /* a part of it that nobody uses */
	uint64_t rom;		  /* a page that can be read and not written; 0: none */
	uint64_t uart;		  /* a PL011; 0: none */
	uint64_t slot[HAL_SLOTS]; /* of virtio-mmio devices */
	unsigned nr_slots;
	unsigned cpus;
	unsigned patience_ms; /* what is not answered after so long never will be */
	bool by_turns;	      /* each attack on one of its devices, another each time */
	unsigned slower;      /* what takes many turns takes this many times fewer: times() */
};

extern struct hal hal;

/*
 * An access of @width bytes (1, 2, 4, 8) at guest physical @at. False: it was refused, which a
 * guest feels as an external abort; *@v is 0 then.
 */
bool hal_load(uint64_t at, unsigned width, uint64_t *v);
bool hal_store(uint64_t at, unsigned width, uint64_t v);

/* Guest physical memory, to be used directly; @at lies in RAM. */
volatile void *hal_at(uint64_t at);

/* Memory that devices had, and that is about to be cleared: for who can tell more of it. */
void hal_look(uint64_t at, uint64_t len);

/* What was written before is seen by who sees what is written after; and the other way round. */
void hal_fence(void);

uint64_t hal_now_us(void);

/* A moment for the other side: between looks at what it is to do. */
void hal_pause(void);

/* Runs @fn on another CPU; hal.cpus is more than 1. One at a time; hal_join() waits for its end. */
void hal_start(void (*fn)(void *ctx), void *ctx);
void hal_join(void);

/* Text of the result, and a number in it. */
void hal_say(const char *s);
void hal_say_number(uint64_t v);

/* How often something is to be repeated that is worth repeating @n times. */
static inline uint64_t times(uint64_t n)
{
	return n / hal.slower > 4 ? n / hal.slower : n < 4 ? n : 4;
}

static inline uint8_t hal_get8(uint64_t at)
{
	return *(volatile uint8_t *)hal_at(at);
}

static inline uint16_t hal_get16(uint64_t at)
{
	return *(volatile uint16_t *)hal_at(at);
}

static inline uint32_t hal_get32(uint64_t at)
{
	return *(volatile uint32_t *)hal_at(at);
}

static inline uint64_t hal_get64(uint64_t at)
{
	return *(volatile uint64_t *)hal_at(at);
}

static inline void hal_put8(uint64_t at, uint8_t v)
{
	*(volatile uint8_t *)hal_at(at) = v;
}

static inline void hal_put16(uint64_t at, uint16_t v)
{
	*(volatile uint16_t *)hal_at(at) = v;
}

static inline void hal_put32(uint64_t at, uint32_t v)
{
	*(volatile uint32_t *)hal_at(at) = v;
}

static inline void hal_put64(uint64_t at, uint64_t v)
{
	*(volatile uint64_t *)hal_at(at) = v;
}

#endif
