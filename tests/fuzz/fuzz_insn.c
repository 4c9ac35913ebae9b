/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any word as an instruction, at any address: taken apart and written as text into a buffer that
 * ends exactly where its size says.
 */
#include "arch/arm64/insn/insn.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void fuzz_one(const uint8_t *data, size_t len)
{
	uint32_t word;
	uint64_t pc;
	size_t size, told;
	struct insn i;
	char *buf;

	if (len < sizeof(word) + sizeof(pc) + 1)
		return;
	memcpy(&word, data, sizeof(word));
	memcpy(&pc, data + sizeof(word), sizeof(pc));
	size = data[sizeof(word) + sizeof(pc)] % (INSN_TEXT_MAX + 1);
	buf = malloc(size ? size : 1);
	assert(buf);
	told = insn_text(word, pc, size ? buf : NULL, size);
	assert(told > 0 && told < INSN_TEXT_MAX);
	if (size)
		assert(strlen(buf) == (told < size ? told : size - 1));
	if (insn_decode(word, &i))
		assert(i.name && insn_bytes(&i) <= 64 && i.regs <= 8 && i.size <= 32);
	free(buf);
}
