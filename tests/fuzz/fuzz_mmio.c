/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of virtio-mmio beside a model of them, made from the specification (virtio 1.3,
 * sections 2.1, 2.2, 2.6, 4.2): after each write, all that can be read of the device is what the
 * model has.
 */
#include "tests/fuzz/guest.h"
#include "tests/lib/virtio_echo.h"

enum {
	ACKNOWLEDGE = 1,
	DRIVER = 2,
	DRIVER_OK = 4,
	FEATURES_OK = 8,
	NEEDS_RESET = 64,
	FAILED = 128
};
enum { INT_QUEUE = 1, INT_CONFIG = 2 };

#define OFFERED                                                                                    \
	(VIRTIO_BIT(ECHO_FEATURE) | VIRTIO_BIT(ECHO_CONFLICT) | VIRTIO_BIT(28) | VIRTIO_BIT(29) |  \
	 VIRTIO_BIT(32) | VIRTIO_BIT(34) | VIRTIO_BIT(40))

struct model {
	uint8_t status;
	uint64_t wanted, accepted;
	uint32_t device_sel, driver_sel, queue;
	uint32_t pending, generation;
	struct {
		uint32_t size;
		uint64_t area[3];
		bool ready;
	} q[ECHO_QUEUES];
	uint8_t config[24];
};

static void model_tell(struct model *m, uint32_t why)
{
	if (m->status & DRIVER_OK)
		m->pending |= why;
}

static void model_reset(struct model *m)
{
	struct model fresh = { .generation = m->generation,
			       .device_sel = m->device_sel,
			       .driver_sel = m->driver_sel,
			       .queue = m->queue };

	memcpy(fresh.config, m->config, sizeof(m->config)); /* the class' own */
	*m = fresh;
}

static bool model_area(uint64_t at, uint64_t len, uint64_t align, bool written)
{
	return at % align == 0 && (range_inside(at, len, GUEST_RAM, GUEST_RAM_LEN) ||
				   range_inside(at, len, GUEST_MORE, GUEST_MORE_LEN) ||
				   (!written && range_inside(at, len, GUEST_ROM, GUEST_ROM_LEN)));
}

/* Sections 2.7 and 2.8: sizes and alignments. */
static bool model_queue_ok(const struct model *m)
{
	const uint32_t n = m->q[m->queue].size;
	const uint64_t *area = m->q[m->queue].area;

	if (n == 0)
		return false;
	if (m->accepted & VIRTIO_BIT(34))
		return model_area(area[0], 16ULL * n, 16, true) &&
		       model_area(area[1], 4, 4, false) && model_area(area[2], 4, 4, true);
	return is_power_of_two(n) && model_area(area[0], 16ULL * n, 16, false) &&
	       model_area(area[1], 6 + 2ULL * n, 2, false) &&
	       model_area(area[2], 6 + 8ULL * n, 4, true);
}

static void model_ready(struct model *m, uint32_t x)
{
	if (m->queue >= ECHO_QUEUES || x > 1)
		return;
	if (x == 0) {
		m->q[m->queue].ready = false;
	} else if (!m->q[m->queue].ready && m->status & FEATURES_OK && !(m->status & FAILED)) {
		m->q[m->queue].ready = model_queue_ok(m);
		if (!m->q[m->queue].ready) {
			m->status |= NEEDS_RESET;
			model_tell(m, INT_CONFIG);
		}
	}
}

static bool model_features_ok(struct model *m)
{
	const uint64_t both = VIRTIO_BIT(ECHO_FEATURE) | VIRTIO_BIT(ECHO_CONFLICT);

	if (m->wanted & ~OFFERED || !(m->wanted & VIRTIO_BIT(32)) || (m->wanted & both) == both)
		return false;
	m->accepted = m->wanted;
	return true;
}

static void model_status(struct model *m, uint32_t x)
{
	static const uint8_t order[] = { ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK, FAILED };
	const uint8_t own = m->status & (uint8_t)~NEEDS_RESET;
	uint8_t before = 0;

	if (x == 0) {
		model_reset(m);
		return;
	}
	if (x & ~0xcfU || own & ~x) /* bits that are none; or some are to be cleared */
		return;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const uint8_t bit = order[i];

		if (x & bit && !(m->status & bit)) {
			if (bit != FAILED &&
			    (m->status & FAILED || (before && !(m->status & before))))
				return;
			if (bit == FEATURES_OK && !model_features_ok(m))
				return;
			if (bit == DRIVER_OK && m->status & NEEDS_RESET)
				return;
			m->status |= bit;
		}
		before = bit;
	}
}

static void model_set_up(struct model *m, unsigned reg, uint32_t x)
{
	const unsigned area = reg < REG_QUEUE_DRIVER ? 0 : reg < REG_QUEUE_DEVICE ? 1 : 2;
	const unsigned shift = reg & 4 ? 32 : 0;
	uint64_t *at;

	if (m->queue >= ECHO_QUEUES || m->q[m->queue].ready || !(m->status & FEATURES_OK) ||
	    m->status & FAILED)
		return;
	if (reg == REG_QUEUE_NUM) {
		if (x >= 1 && x <= ECHO_MAX)
			m->q[m->queue].size = x;
		return;
	}
	at = &m->q[m->queue].area[area];
	*at = (*at & ~(0xffffffffULL << shift)) | (uint64_t)x << shift;
}

static void model_want(struct model *m, uint32_t x)
{
	const unsigned shift = m->driver_sel ? 32 : 0;

	if (m->driver_sel < 2 && (m->status & (DRIVER | FEATURES_OK | FAILED)) == DRIVER)
		m->wanted = (m->wanted & ~(0xffffffffULL << shift)) | (uint64_t)x << shift;
}

static void model_write(struct model *m, unsigned reg, uint32_t x)
{
	switch (reg) {
	case REG_DEVICE_FEATURES_SEL:
		m->device_sel = x;
		break;
	case REG_DRIVER_FEATURES_SEL:
		m->driver_sel = x;
		break;
	case REG_DRIVER_FEATURES:
		model_want(m, x);
		break;
	case REG_QUEUE_SEL:
		m->queue = x;
		break;
	case REG_QUEUE_READY:
		model_ready(m, x);
		break;
	case REG_INTERRUPT_ACK:
		m->pending &= ~x;
		break;
	case REG_STATUS:
		model_status(m, x);
		break;
	case REG_QUEUE_RESET:
		if (x == 1 && m->queue < ECHO_QUEUES && m->accepted & VIRTIO_BIT(40))
			memset(&m->q[m->queue], 0, sizeof(m->q[0]));
		break;
	case REG_QUEUE_NUM:
	case REG_QUEUE_DESC:
	case REG_QUEUE_DESC + 4:
	case REG_QUEUE_DRIVER:
	case REG_QUEUE_DRIVER + 4:
	case REG_QUEUE_DEVICE:
	case REG_QUEUE_DEVICE + 4:
		model_set_up(m, reg, x);
		break;
	default:
		break;
	}
}

static uint64_t model_read(const struct model *m, unsigned reg)
{
	switch (reg) {
	case REG_MAGIC:
		return 0x74726976;
	case REG_VERSION:
		return 2;
	case REG_DEVICE_ID:
		return ECHO_ID;
	case REG_DEVICE_FEATURES:
		return m->device_sel < 2 ? OFFERED >> (32 * m->device_sel) & 0xffffffff : 0;
	case REG_QUEUE_NUM_MAX:
		return m->queue < ECHO_QUEUES ? ECHO_MAX : 0;
	case REG_QUEUE_READY:
		return m->queue < ECHO_QUEUES && m->q[m->queue].ready;
	case REG_INTERRUPT_STATUS:
		return m->pending;
	case REG_STATUS:
		return m->status;
	case REG_SHM_LEN:
	case REG_SHM_LEN + 4:
	case REG_SHM_BASE:
	case REG_SHM_BASE + 4:
		return 0xffffffff;
	case REG_CONFIG_GENERATION:
		return m->generation;
	default:
		return 0;
	}
}

static void compare(struct guest *g, const struct model *m)
{
	for (unsigned reg = 0; reg < REG_CONFIG; reg += 4)
		if (reg != REG_VENDOR_ID) /* anybody's */
			EXPECT_EQ(guest_read(g, reg, 4), model_read(m, reg));
	EXPECT_EQ(g->irq.level, m->pending != 0);
	for (unsigned i = 0; i < sizeof(m->config); i++)
		EXPECT_EQ(guest_read(g, REG_CONFIG + i, 1), m->config[i]);
	EXPECT_EQ(guest_read(g, REG_CONFIG + sizeof(m->config), 4), 0);
}

/* The configuration space, by 1, 2 or 4 bytes. */
static void write_config(struct guest *g, struct model *m)
{
	const unsigned off = program_u8(g->p) & 31, size = 1U << program_u8(g->p) % 3U;
	const uint32_t x = program_u32(g->p);

	guest_write(g, REG_CONFIG + off, size, x);
	if (off % size || off + size > sizeof(m->config) || !(m->status & FEATURES_OK) ||
	    m->status & FAILED)
		return;
	for (unsigned i = 0; i < size; i++)
		m->config[off + i] = (uint8_t)(x >> (8 * i));
}

/* Values that mean something come often. */
static uint32_t take_value(struct program *p, unsigned reg)
{
	const uint8_t how = program_u8(p);

	if (reg == REG_QUEUE_NUM)
		return how > 240 ? program_u32(p) : how & 127;
	if (how >= 224)
		return program_u32(p);
	if (reg == REG_QUEUE_DESC || reg == REG_QUEUE_DRIVER || reg == REG_QUEUE_DEVICE)
		return (uint32_t)((how & 1 ? GUEST_ROM : GUEST_RAM) + 2ULL * how * how);
	if (reg == REG_DRIVER_FEATURES)
		return (uint32_t)(how & 3 ? OFFERED >> (how & 32) & ~(how & 64) : how >> 2);
	return how;
}

static void write_register(struct guest *g, struct model *m)
{
	static const uint8_t often[] = { REG_DEVICE_FEATURES_SEL, REG_DRIVER_FEATURES,
					 REG_DRIVER_FEATURES_SEL, REG_QUEUE_SEL,
					 REG_QUEUE_NUM,		  REG_QUEUE_READY,
					 REG_INTERRUPT_ACK,	  REG_STATUS,
					 REG_QUEUE_DESC,	  REG_QUEUE_DRIVER,
					 REG_QUEUE_DEVICE,	  REG_QUEUE_RESET };
	const uint8_t which = program_u8(g->p);
	const unsigned reg = which < 128 ? often[which % ARRAY_SIZE(often)] : (which & 63) * 4U;
	const uint32_t x = take_value(g->p, reg);

	guest_write(g, reg, 4, x);
	model_write(m, reg, x);
}

/* What the device does by itself, and accesses that mean nothing. */
static void others(struct guest *g, struct model *m, struct echo *e, uint8_t what)
{
	unsigned reg;

	switch (what & 3) {
	case 0:
		mutex_lock(e->v.lock);
		virtio_config_changed(&e->v);
		mutex_unlock(e->v.lock);
		m->generation++;
		model_tell(m, INT_CONFIG);
		break;
	case 1:
		e->v.interrupt(&e->v, INT_QUEUE);
		m->pending |= INT_QUEUE;
		break;
	case 2:
		virtio_broken(&e->v);
		m->status |= NEEDS_RESET;
		model_tell(m, INT_CONFIG);
		break;
	default:
		reg = program_u8(g->p);
		guest_write(g, reg, 1U << (what >> 2 & 1), program_u32(g->p));
		EXPECT_EQ(guest_read(g, reg, 1U << (what >> 2 & 1)), 0);
		break;
	}
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct model m = { 0 };
	static struct guest g;
	struct echo *e;

	guest_init(&g, &p, false);
	e = echo_create(&g.mem, NULL);
	guest_plug(&g, &e->v);
	compare(&g, &m);
	while (program_more(&p)) {
		const uint8_t op = program_u8(&p);

		if (op < 208)
			write_register(&g, &m);
		else if (op < 224)
			write_config(&g, &m);
		else
			others(&g, &m, e, op);
		compare(&g, &m);
	}
	guest_done(&g);
}
